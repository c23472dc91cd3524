//===- Architecture.cpp - The tensors of an architecture ------------------===//
//
// Lists a checkpoint's tensors in the order in which the modules define them.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Model.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using llvm::SMLoc;
using llvm::Twine;

namespace xfer::frontend {
namespace {

/// More than any model has: beyond it a number in the configuration is wrong.
constexpr int64_t kMaxTensors = int64_t(1) << 20;

class TensorList {
public:
  TensorList(const Architecture &architecture, std::vector<ModelTensor> &tensors)
      : architecture(architecture), tensors(tensors) {
    for (const std::string &module : architecture.unscaledModules)
      unscaled.insert(module);
  }
  void addAll();

private:
  void add(const Twine &name, DType dtype, llvm::ArrayRef<int64_t> shape);
  void norm(const Twine &module, int64_t extent) {
    add(module + ".weight", architecture.dtype, {extent});
  }
  void linear(const Twine &module, int64_t rows, int64_t columns, bool hasBias = false);
  void addGroupedAttention(const std::string &prefix);
  void addLatentAttention(const std::string &prefix);
  void addFeedForward(const std::string &prefix, int64_t intermediate, bool hasBias = false);
  void addExperts(const std::string &prefix);
  void addLayer(int64_t layer);

  const Architecture &architecture;
  std::vector<ModelTensor> &tensors;
  llvm::StringSet<> unscaled;
};

void TensorList::add(const Twine &name, DType dtype, llvm::ArrayRef<int64_t> shape) {
  ModelTensor &tensor = tensors.emplace_back();
  tensor.name = name.str();
  tensor.dtype = dtype;
  tensor.shape.assign(shape.begin(), shape.end());
}

void TensorList::linear(const Twine &module, int64_t rows, int64_t columns, bool hasBias) {
  std::string name = module.str();
  const std::optional<ScaleBlock> &block = architecture.scaleBlock;
  bool isScaled = block && !unscaled.contains(name);
  add(name + ".weight", isScaled ? DType::F8E4M3FN : architecture.dtype, {rows, columns});
  if (isScaled)
    add(name + ".weight_scale_inv", DType::F32,
        {static_cast<int64_t>(llvm::divideCeil(rows, block->rows)),
         static_cast<int64_t>(llvm::divideCeil(columns, block->columns))});
  if (hasBias)
    add(name + ".bias", architecture.dtype, {rows});
}

void TensorList::addGroupedAttention(const std::string &prefix) {
  const Architecture &a = architecture;
  linear(prefix + "q_proj", a.heads * a.headSize, a.hidden, a.attentionBias);
  linear(prefix + "k_proj", a.kvHeads * a.headSize, a.hidden, a.attentionBias);
  linear(prefix + "v_proj", a.kvHeads * a.headSize, a.hidden, a.attentionBias);
  linear(prefix + "o_proj", a.hidden, a.heads * a.headSize, a.attentionBias);
  if (a.queryKeyNorm) {
    norm(prefix + "q_norm", a.headSize);
    norm(prefix + "k_norm", a.headSize);
  }
}

void TensorList::addLatentAttention(const std::string &prefix) {
  const Architecture &a = architecture;
  int64_t queryRows = a.heads * (a.plainHead + a.rotaryHead);
  if (a.queryLatent) {
    linear(prefix + "q_a_proj", a.queryLatent, a.hidden);
    norm(prefix + "q_a_layernorm", a.queryLatent);
    linear(prefix + "q_b_proj", queryRows, a.queryLatent);
  } else {
    linear(prefix + "q_proj", queryRows, a.hidden);
  }
  linear(prefix + "kv_a_proj_with_mqa", a.keyValueLatent + a.rotaryHead, a.hidden);
  norm(prefix + "kv_a_layernorm", a.keyValueLatent);
  linear(prefix + "kv_b_proj", a.heads * (a.plainHead + a.valueHead), a.keyValueLatent);
  linear(prefix + "o_proj", a.hidden, a.heads * a.valueHead);
}

void TensorList::addFeedForward(const std::string &prefix, int64_t intermediate, bool hasBias) {
  linear(prefix + "gate_proj", intermediate, architecture.hidden, hasBias);
  linear(prefix + "up_proj", intermediate, architecture.hidden, hasBias);
  linear(prefix + "down_proj", architecture.hidden, intermediate, hasBias);
}

void TensorList::addExperts(const std::string &prefix) {
  const Architecture &a = architecture;
  add(prefix + "gate.weight", a.dtype, {a.experts, a.hidden});
  if (a.routerBias)
    add(prefix + "gate.e_score_correction_bias", DType::F32, {a.experts});
  for (int64_t expert = 0; expert < a.experts; ++expert)
    addFeedForward(prefix + "experts." + std::to_string(expert) + ".", a.expertIntermediate);
  if (a.sharedExperts)
    addFeedForward(prefix + "shared_experts.", a.sharedIntermediate());
}

void TensorList::addLayer(int64_t layer) {
  const Architecture &a = architecture;
  std::string prefix = "model.layers." + std::to_string(layer) + ".";
  if (a.isLatent)
    addLatentAttention(prefix + "self_attn.");
  else
    addGroupedAttention(prefix + "self_attn.");
  if (a.hasExperts(layer))
    addExperts(prefix + "mlp.");
  else
    addFeedForward(prefix + "mlp.", a.intermediate, a.mlpBias);
  norm(prefix + "input_layernorm", a.hidden);
  norm(prefix + "post_attention_layernorm", a.hidden);
}

void TensorList::addAll() {
  const Architecture &a = architecture;
  add("model.embed_tokens.weight", a.dtype, {a.vocabulary, a.hidden});
  for (int64_t layer = 0; layer < a.layers; ++layer)
    addLayer(layer);
  norm("model.norm", a.hidden);
  if (!a.tiedEmbeddings)
    add("lm_head.weight", a.dtype, {a.vocabulary, a.hidden});
}

/// The name of an extent so large that products of a few of them would not fit; null if none is.
const char *findHugeExtent(const Architecture &a) {
  constexpr int64_t kMaxExtent = int64_t(1) << 20;
  constexpr int64_t kMaxVocabulary = int64_t(1) << 30;
  for (const auto &[name, extent] :
       {std::pair("num_hidden_layers", a.layers), std::pair("hidden_size", a.hidden),
        std::pair("num_attention_heads", a.heads), std::pair("num_key_value_heads", a.kvHeads),
        std::pair("head_dim", a.headSize), std::pair("q_lora_rank", a.queryLatent),
        std::pair("kv_lora_rank", a.keyValueLatent), std::pair("qk_nope_head_dim", a.plainHead),
        std::pair("qk_rope_head_dim", a.rotaryHead), std::pair("v_head_dim", a.valueHead),
        std::pair("intermediate_size", a.intermediate), std::pair("num_experts", a.experts),
        std::pair("moe_intermediate_size", a.expertIntermediate),
        std::pair("n_shared_experts", a.sharedExperts)})
    if (extent > kMaxExtent)
      return name;
  return a.vocabulary > kMaxVocabulary ? "vocab_size" : nullptr;
}

} // namespace

LogicalResult listTensors(const Architecture &architecture, SMLoc loc,
                          std::vector<ModelTensor> &tensors, Diagnostics &diagnostics) {
  if (const char *name = findHugeExtent(architecture))
    return diagnostics.error(loc, "the configuration has a size that no model has: '" +
                                      Twine(name) + "'");
  int64_t perLayer = 16 + 6 * architecture.experts; // each expert has three weights with scales
  if (architecture.layers * perLayer > kMaxTensors)
    return diagnostics.error(loc, Twine(architecture.layers) + " layers of " +
                                      Twine(architecture.experts) + " experts have more than " +
                                      Twine(kMaxTensors) + " tensors");
  TensorList(architecture, tensors).addAll();
  return success();
}

} // namespace xfer::frontend
