//===- ModelConfig.cpp - HuggingFace config.json --------------------------===//
//
// One function a family of models. A field that changes the tensors is read or
// refused by name; all others (rotary scaling, token ids, ...) are ignored.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/JsonFields.h"
#include "xfer/Frontend/ModelFiles.h"
#include "xfer/IR/Spelling.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

class ConfigReader {
public:
  ConfigReader(const JsonValue &root, Architecture &architecture, Diagnostics &diagnostics)
      : fields(root, "the configuration", diagnostics), a(architecture), diagnostics(diagnostics) {}
  LogicalResult read();

private:
  void readLlama();
  void readQwen3();
  void readQwen3Moe();
  void readDeepSeek();
  void readCommon();
  void readGroupedAttention();
  void readDType();
  void readQuantization();
  void refuse(StringRef name, const Twine &why);
  /// Refuses any value of a field but `expected`; a missing one means it.
  void require(StringRef name, StringRef expected);

  JsonFields fields;
  Architecture &a;
  Diagnostics &diagnostics;
};

void ConfigReader::refuse(StringRef name, const Twine &why) {
  (void)fields.error(fields.locOf(name), "'" + name + "' " + why);
}

void ConfigReader::require(StringRef name, StringRef expected) {
  const JsonValue *value = fields.find(name);
  if (value && value->text != expected)
    refuse(name, "is " + value->describe() + ", but only '" + expected + "' is known");
}

void ConfigReader::readDType() {
  // The name changed from the first to the second.
  StringRef field = fields.has("torch_dtype") || !fields.has("dtype") ? "torch_dtype" : "dtype";
  StringRef name = fields.string(field, "");
  name.consume_front("torch.");
  if (name == "bfloat16")
    a.dtype = DType::BF16;
  else if (name == "float16")
    a.dtype = DType::F16;
  else if (name == "float32")
    a.dtype = DType::F32;
  else if (name.empty())
    refuse(field, "is missing, expected 'bfloat16', 'float16' or 'float32'");
  else
    refuse(field, "is '" + name + "', expected 'bfloat16', 'float16' or 'float32'");
}

void ConfigReader::readQuantization() {
  const JsonValue *object = fields.find("quantization_config");
  if (!object)
    return;
  JsonFields quantization(*object, "'quantization_config'", diagnostics);
  auto fail = [&](StringRef name, const Twine &text) {
    (void)fields.error(quantization.locOf(name), "'quantization_config." + name + "' " + text);
  };
  StringRef method = quantization.string("quant_method", "");
  if (!quantization.failed() && method != "fp8")
    return fail("quant_method", "is '" + method + "', but only 'fp8' with block scales is known");
  StringRef format = quantization.string("fmt", "e4m3");
  if (!quantization.failed() && format != "e4m3")
    return fail("fmt", "is '" + format + "', but only 'e4m3' is known");
  llvm::ArrayRef<JsonValue> block = quantization.array("weight_block_size");
  if (!quantization.failed() &&
      (block.size() != 2 || block[0].size().value_or(0) < 1 || block[1].size().value_or(0) < 1))
    return fail("weight_block_size", "is not a pair of sizes");
  for (const JsonValue &module : quantization.array("modules_to_not_convert")) {
    if (module.kind != JsonValue::Kind::String)
      return fail("modules_to_not_convert", "is not a list of names");
    a.unscaledModules.push_back(module.text.str());
  }
  if (quantization.failed())
    return (void)fields.error(object->loc, "'quantization_config' is not understood");
  a.scaleBlock = ScaleBlock{*block[0].size(), *block[1].size()};
}

void ConfigReader::readCommon() {
  a.layers = fields.integer("num_hidden_layers", 1);
  a.hidden = fields.integer("hidden_size", 1);
  a.vocabulary = fields.integer("vocab_size", 1);
  a.intermediate = fields.integer("intermediate_size", 1);
  a.heads = fields.integer("num_attention_heads", 1);
  require("hidden_act", "silu"); // others have no gate, or are not known to have one
  readDType();
  readQuantization();
}

void ConfigReader::readGroupedAttention() {
  readCommon();
  a.kvHeads = fields.integer("num_key_value_heads", 1, a.heads);
  if (!fields.has("head_dim") && a.hidden % a.heads != 0)
    refuse("num_attention_heads", "is " + Twine(a.heads) +
                                      ", which does not divide 'hidden_size' " + Twine(a.hidden) +
                                      ", and there is no 'head_dim'");
  a.headSize = fields.integer("head_dim", 1, a.hidden / a.heads);
  if (a.heads % a.kvHeads != 0)
    refuse("num_key_value_heads", "is " + Twine(a.kvHeads) +
                                      ", which does not divide 'num_attention_heads' " +
                                      Twine(a.heads));
  a.attentionBias = fields.boolean("attention_bias", false);
}

void ConfigReader::readLlama() {
  readGroupedAttention();
  a.mlpBias = fields.boolean("mlp_bias", false);
  a.tiedEmbeddings = fields.boolean("tie_word_embeddings", false);
}

void ConfigReader::readQwen3() {
  readGroupedAttention();
  // The family's own default differs from hidden_size / num_attention_heads.
  a.headSize = fields.integer("head_dim", 1, 128);
  a.queryKeyNorm = true;
  a.tiedEmbeddings = fields.boolean("tie_word_embeddings", false);
}

void ConfigReader::readQwen3Moe() {
  readQwen3();
  a.experts = fields.integer("num_experts", 0);
  a.expertIntermediate = fields.integer("moe_intermediate_size", 1);
  int64_t step = fields.integer("decoder_sparse_step", 1, 1);
  if (fields.failed() || a.experts == 0)
    return;
  a.expertLayers.assign(std::min<int64_t>(a.layers, int64_t(1) << 20), false);
  for (size_t layer = 0; layer < a.expertLayers.size(); ++layer)
    a.expertLayers[layer] = (layer + 1) % step == 0;
  for (const JsonValue &element : fields.array("mlp_only_layers")) {
    std::optional<int64_t> layer = element.size();
    if (!layer || *layer >= a.layers)
      return refuse("mlp_only_layers", "lists " + element.describe() +
                                           ", expected numbers of layers below " + Twine(a.layers));
    if (static_cast<size_t>(*layer) < a.expertLayers.size())
      a.expertLayers[*layer] = false;
  }
}

void ConfigReader::readDeepSeek() {
  readCommon();
  a.isLatent = true;
  a.queryLatent = fields.integer("q_lora_rank", 1, 0);
  a.keyValueLatent = fields.integer("kv_lora_rank", 1);
  a.plainHead = fields.integer("qk_nope_head_dim", 1);
  a.rotaryHead = fields.integer("qk_rope_head_dim", 1);
  a.valueHead = fields.integer("v_head_dim", 1);
  a.tiedEmbeddings = fields.boolean("tie_word_embeddings", false);
  if (fields.boolean("attention_bias", false))
    refuse("attention_bias", "is true, but biases of latent attention are not known");
  a.predictionLayers = fields.integer("num_nextn_predict_layers", 0, 0);
  a.experts = fields.integer("n_routed_experts", 0, 0);
  if (fields.failed() || a.experts == 0)
    return;
  a.expertIntermediate = fields.integer("moe_intermediate_size", 1);
  a.sharedExperts = fields.integer("n_shared_experts", 0, 0);
  require("topk_method", "noaux_tc"); // others have no correction bias
  a.routerBias = true;
  int64_t firstExpertLayer = fields.integer("first_k_dense_replace", 0, 0);
  int64_t frequency = fields.integer("moe_layer_freq", 1, 1);
  a.expertLayers.assign(std::min<int64_t>(a.layers, int64_t(1) << 20), false);
  for (int64_t layer = 0; layer < static_cast<int64_t>(a.expertLayers.size()); ++layer)
    a.expertLayers[layer] = layer >= firstExpertLayer && layer % frequency == 0;
}

LogicalResult ConfigReader::read() {
  struct Family {
    StringRef modelType, model;
    void (ConfigReader::*read)();
  };
  static constexpr Family kFamilies[] = {
      {"llama", "LlamaForCausalLM", &ConfigReader::readLlama},
      {"qwen3", "Qwen3ForCausalLM", &ConfigReader::readQwen3},
      {"qwen3_moe", "Qwen3MoeForCausalLM", &ConfigReader::readQwen3Moe},
      {"deepseek_v3", "DeepseekV3ForCausalLM", &ConfigReader::readDeepSeek},
      {"kimi_k2", "DeepseekV3ForCausalLM", &ConfigReader::readDeepSeek}};
  StringRef modelType = fields.string("model_type", "");
  if (!fields.failed() && modelType.empty())
    refuse("model_type", "is missing");
  if (fields.failed())
    return failure();
  std::vector<StringRef> known;
  for (const Family &family : kFamilies) {
    known.push_back(family.modelType);
    if (family.modelType != modelType)
      continue;
    a.modelType = modelType.str();
    // Other heads (classification, ...) have other tensors.
    for (const JsonValue &model : fields.array("architectures"))
      if (model.text != family.model) {
        refuse("architectures", "lists " + model.describe() + ", but only '" + family.model +
                                    "' is known for '" + modelType + "'");
        return failure();
      }
    (this->*family.read)();
    return success(!fields.failed());
  }
  refuse("model_type", "is '" + modelType +
                           "', which is not known, expected one of 'llama', "
                           "'qwen3', 'qwen3_moe', 'deepseek_v3', 'kimi_k2'" +
                           didYouMean(modelType, known));
  return failure();
}

} // namespace

LogicalResult readModelConfig(const JsonValue &root, Architecture &architecture,
                              Diagnostics &diagnostics) {
  return ConfigReader(root, architecture, diagnostics).read();
}

} // namespace xfer::frontend
