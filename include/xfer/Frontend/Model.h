//===- Model.h - A model's tensors and structure ----------------*- C++ -*-===//
//
// What a frontend knows of a model: its tensors by their HuggingFace names,
// and, if a configuration was read or could be inferred, its architecture.
// Frameworks place the tensors; readModel() in ModelFiles.h makes a Model.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <optional>
#include <string>
#include <vector>

namespace xfer::frontend {

/// Weights whose scales belong to blocks of [rows, columns] elements.
struct ScaleBlock {
  int64_t rows = 0, columns = 0;
};

/// The structure of the decoder families that are known: Llama, Qwen3, Qwen3-MoE, DeepSeek-V3.
struct Architecture {
  std::string modelType;
  DType dtype = DType::BF16; ///< of weights that are not quantised
  int64_t layers = 0, hidden = 0, vocabulary = 0;
  bool tiedEmbeddings = false;

  int64_t heads = 0, kvHeads = 0, headSize = 0; ///< grouped-query attention
  bool queryKeyNorm = false, attentionBias = false, mlpBias = false;

  bool isLatent = false;      ///< multi-head latent attention instead
  int64_t queryLatent = 0;    ///< 0: queries are not compressed
  int64_t keyValueLatent = 0; ///< rows of kv_a besides the rotary ones
  int64_t plainHead = 0, rotaryHead = 0, valueHead = 0;

  int64_t intermediate = 0; ///< of layers without experts
  int64_t experts = 0, expertIntermediate = 0, sharedExperts = 0;
  bool routerBias = false;
  std::vector<bool> expertLayers; ///< one a layer

  /// Layers of the checkpoint after the last that predict further tokens; they are not moved.
  int64_t predictionLayers = 0;

  std::optional<ScaleBlock> scaleBlock;
  std::vector<std::string> unscaledModules; ///< exceptions, names of modules

  bool hasExperts(int64_t layer) const { return !expertLayers.empty() && expertLayers[layer]; }
  int64_t sharedIntermediate() const { return expertIntermediate * sharedExperts; }
};

struct ModelTensor {
  std::string name;
  DType dtype = DType::BF16;
  llvm::SmallVector<int64_t, 3> shape;
  /// The first dimension as heads x rows of a head, if views need to tell them apart; else 0.
  int64_t firstFactor = 0;
  int64_t scales = -1; ///< the tensor that holds the scales of this one
  int64_t scaled = -1; ///< the tensor whose scales this one holds
  llvm::SMLoc loc;
};

struct Model {
  std::vector<ModelTensor> tensors;
  llvm::StringMap<int64_t> byName;
  std::optional<Architecture> architecture;
  ScaleBlock scaleBlock;            ///< of every tensor with scales
  bool hasModuleOrder = false;      ///< `tensors` lists a module's parameters in their order
  std::vector<std::string> remarks; ///< what was left out, for the head of the text

  int64_t find(llvm::StringRef name) const; ///< -1 if there is none
  int64_t parameterCount() const;           ///< scales are none
  int64_t scaleCount() const;
};

/// The tensors of a checkpoint of this architecture, in the order of its modules. Fails if they
/// are too many or too large to be real.
LogicalResult listTensors(const Architecture &architecture, llvm::SMLoc loc,
                          std::vector<ModelTensor> &tensors, Diagnostics &diagnostics);

/// The architecture that tensors of these names and shapes belong to, if they say everything that
/// matters (head sizes follow from query and key norms alone).
std::optional<Architecture> inferArchitecture(llvm::ArrayRef<ModelTensor> tensors);

/// Indexes the names and ties scales to their weights. Verifies:
/// - every name is a symbol of the language;
/// - scales have the shape that their weight and the block demand.
LogicalResult linkModel(Model &model, Diagnostics &diagnostics);

/// Drops scales; the weights they belong to get the architecture's dtype. Linked again after.
LogicalResult dropScales(Model &model, Diagnostics &diagnostics);

/// The number after `layers.` in a name; -1 without one.
int64_t layerOf(llvm::StringRef name);

} // namespace xfer::frontend
