//===- InferArchitecture.cpp - A structure from names and shapes ----------===//
//
// Guesses nothing: a size is taken only from a shape that can mean nothing
// else, and the caller checks that the result has exactly the given tensors.
// Heads of attention are told apart only by the norms of queries and keys, so
// this knows Qwen3 and Qwen3-MoE.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Model.h"

namespace xfer::frontend {
namespace {

class Inference {
public:
  explicit Inference(llvm::ArrayRef<ModelTensor> tensors) {
    for (const ModelTensor &tensor : tensors) {
      byName[tensor.name] = &tensor;
      a.layers = std::max(a.layers, layerOf(tensor.name) + 1);
    }
  }
  std::optional<Architecture> run();

private:
  /// An extent of a tensor; 0 without the tensor or the dimension.
  int64_t extent(const llvm::Twine &name, size_t dimension) const {
    const ModelTensor *tensor = byName.lookup(name.str());
    return tensor && dimension < tensor->shape.size() ? tensor->shape[dimension] : 0;
  }
  void inferLayers();

  llvm::StringMap<const ModelTensor *> byName;
  Architecture a;
};

void Inference::inferLayers() {
  a.expertLayers.assign(a.layers, false);
  for (int64_t layer = 0; layer < a.layers; ++layer) {
    std::string mlp = "model.layers." + std::to_string(layer) + ".mlp.";
    int64_t experts = extent(mlp + "gate.weight", 0);
    if (experts) {
      a.experts = experts;
      a.expertIntermediate = extent(mlp + "experts.0.gate_proj.weight", 0);
      a.expertLayers[layer] = true;
    } else {
      a.intermediate = extent(mlp + "gate_proj.weight", 0);
    }
  }
  if (!a.experts)
    a.expertLayers.clear();
}

std::optional<Architecture> Inference::run() {
  const ModelTensor *embedding = byName.lookup("model.embed_tokens.weight");
  // Layers are numbered from 0, and each has several tensors.
  if (!embedding || a.layers == 0 || a.layers > static_cast<int64_t>(byName.size()))
    return std::nullopt;
  const std::string attention = "model.layers.0.self_attn.";
  a.dtype = embedding->dtype;
  a.vocabulary = extent(embedding->name, 0);
  a.hidden = extent(embedding->name, 1);
  a.headSize = extent(attention + "q_norm.weight", 0);
  if (!a.headSize || !a.hidden || !a.vocabulary)
    return std::nullopt;
  a.queryKeyNorm = true;
  a.heads = extent(attention + "q_proj.weight", 0) / a.headSize;
  a.kvHeads = extent(attention + "k_proj.weight", 0) / a.headSize;
  a.attentionBias = byName.count(attention + "q_proj.bias");
  a.tiedEmbeddings = !byName.count("lm_head.weight");
  if (!a.heads || !a.kvHeads || a.heads % a.kvHeads != 0)
    return std::nullopt;
  if (byName.count(attention + "q_proj.weight_scale_inv"))
    a.scaleBlock = ScaleBlock{128, 128};
  inferLayers();
  a.modelType = a.experts ? "qwen3_moe" : "qwen3";
  return a;
}

} // namespace

std::optional<Architecture> inferArchitecture(llvm::ArrayRef<ModelTensor> tensors) {
  return Inference(tensors).run();
}

} // namespace xfer::frontend
