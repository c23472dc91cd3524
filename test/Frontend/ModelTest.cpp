//===- ModelTest.cpp - Models and their tensors ---------------------------===//
#include "FrontendForTest.h"
#include <gtest/gtest.h>

namespace xfer::frontend {
namespace {

/// Reads `test/Frontend/models/NAME/config.json`.
std::string configOf(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(std::string(XFER_TEST_DIR) + "/Frontend/models/" +
                                            name + "/config.json");
  EXPECT_TRUE(static_cast<bool>(buffer)) << name;
  return buffer ? buffer.get()->getBuffer().str() : "";
}

/// The error of a Qwen3-MoE configuration in which `from` is replaced.
std::string errorWith(llvm::StringRef from, llvm::StringRef to,
                      const std::string &name = "qwen3-30b-a3b") {
  std::string text = configOf(name);
  size_t at = text.find(from.str());
  EXPECT_NE(at, std::string::npos) << from.str();
  text.replace(at, from.size(), to.str());
  FrontendCase one;
  Model model;
  bool isRead = one.readModelText(text, model);
  EXPECT_EQ(isRead, one.error.empty());
  size_t place = one.error.find(": "); // the line of the field, which no case is about
  return place == std::string::npos ? one.error : one.error.substr(place + 2);
}

struct Published {
  const char *name;
  int64_t tensors, parameters, scales;
};

class PublishedModel : public testing::TestWithParam<Published> {};

TEST_P(PublishedModel, HasThePublishedSize) {
  FrontendCase one;
  Model model;
  ASSERT_TRUE(one.readModelText(configOf(GetParam().name), model)) << one.error;
  EXPECT_EQ(static_cast<int64_t>(model.tensors.size()) - model.scaleCount(), GetParam().tensors);
  EXPECT_EQ(model.parameterCount(), GetParam().parameters);
  EXPECT_EQ(model.scaleCount(), GetParam().scales);
}

INSTANTIATE_TEST_SUITE_P(All, PublishedModel,
                         testing::Values(Published{"llama-3-8b", 291, 8030261248, 0},
                                         Published{"qwen3-32b", 707, 32762123264, 0},
                                         Published{"qwen3-30b-a3b", 18867, 30532122624, 0},
                                         Published{"deepseek-v3", 45395, 671026419200, 45032},
                                         Published{"kimi-k2", 69975, 1026408232448, 69608}),
                         [](const auto &info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ModelConfig, FieldsThatMatterAreCheckedByName) {
  EXPECT_EQ(errorWith("\"num_experts\": 128", "\"num_experts\": 128.0"),
            "'num_experts' is 128.0, expected an integer of at least 0");
  EXPECT_EQ(errorWith("\"hidden_size\": 2048", "\"hidden_size\": -2048"),
            "'hidden_size' is -2048, expected an integer of at least 1");
  EXPECT_EQ(errorWith("\"hidden_size\": 2048,", ""), "the configuration has no 'hidden_size'");
  EXPECT_EQ(errorWith("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 5"),
            "'num_key_value_heads' is 5, which does not divide 'num_attention_heads' 32");
  EXPECT_EQ(errorWith("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 0"),
            "'num_key_value_heads' is 0, expected an integer of at least 1");
  EXPECT_EQ(
      errorWith("\"num_attention_heads\": 32", "\"num_attention_heads\": 31", "llama-3-8b"),
      "'num_attention_heads' is 31, which does not divide 'hidden_size' 4096, and there is no "
      "'head_dim'");
  EXPECT_EQ(errorWith("\"mlp_only_layers\": []", "\"mlp_only_layers\": [48]"),
            "'mlp_only_layers' lists 48, expected numbers of layers below 48");
  EXPECT_EQ(errorWith("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\""),
            "'hidden_act' is 'gelu', but only 'silu' is known");
  EXPECT_EQ(errorWith("\"torch_dtype\": \"bfloat16\"", "\"torch_dtype\": \"int4\""),
            "'torch_dtype' is 'int4', expected 'bfloat16', 'float16' or 'float32'");
  EXPECT_EQ(errorWith("\"attention_bias\": false", "\"attention_bias\": 0"),
            "'attention_bias' is 0, expected 'true' or 'false'");
}

TEST(ModelConfig, UnknownFamiliesAreRefused) {
  EXPECT_EQ(errorWith("\"model_type\": \"qwen3_moe\"", "\"model_type\": \"qwen3_mo\""),
            "'model_type' is 'qwen3_mo', which is not known, expected one of 'llama', 'qwen3', "
            "'qwen3_moe', 'deepseek_v3', 'kimi_k2'; did you mean 'qwen3_moe'?");
  EXPECT_EQ(errorWith("Qwen3MoeForCausalLM", "Qwen3MoeForSequenceClassification"),
            "'architectures' lists 'Qwen3MoeForSequenceClassification', but only "
            "'Qwen3MoeForCausalLM' is known for 'qwen3_moe'");
  EXPECT_EQ(errorWith("\"model_type\": \"qwen3_moe\",", ""), "'model_type' is missing");
}

TEST(ModelConfig, QuantisationIsKnownOrRefused) {
  EXPECT_EQ(
      errorWith("\"quant_method\": \"fp8\"", "\"quant_method\": \"awq\"", "deepseek-v3"),
      "'quantization_config.quant_method' is 'awq', but only 'fp8' with block scales is known");
  EXPECT_EQ(errorWith("\"fmt\": \"e4m3\"", "\"fmt\": \"e5m2\"", "deepseek-v3"),
            "'quantization_config.fmt' is 'e5m2', but only 'e4m3' is known");
  EXPECT_EQ(errorWith("\"weight_block_size\": [\n      128,", "\"weight_block_size\": [\n 0,",
                      "deepseek-v3"),
            "'quantization_config.weight_block_size' is not a pair of sizes");
  EXPECT_EQ(errorWith("\"fmt\": \"e4m3\"", "\"fmt\": \"e4m3\", \"modules_to_not_convert\": [1]",
                      "deepseek-v3"),
            "'quantization_config.modules_to_not_convert' is not a list of names");
  EXPECT_EQ(
      errorWith("\"topk_method\": \"noaux_tc\"", "\"topk_method\": \"greedy\"", "deepseek-v3"),
      "'topk_method' is 'greedy', but only 'noaux_tc' is known");
  EXPECT_EQ(errorWith("\"attention_bias\": false", "\"attention_bias\": true", "deepseek-v3"),
            "'attention_bias' is true, but biases of latent attention are not known");
}

TEST(ModelConfig, NumbersThatNoModelHas) {
  EXPECT_EQ(errorWith("\"num_hidden_layers\": 48", "\"num_hidden_layers\": 9000000000000000000"),
            "the configuration has a size that no model has: 'num_hidden_layers'");
  EXPECT_EQ(errorWith("\"num_hidden_layers\": 48", "\"num_hidden_layers\": 1000000"),
            "1000000 layers of 128 experts have more than 1048576 tensors");
  EXPECT_EQ(errorWith("\"vocab_size\": 151936", "\"vocab_size\": 99999999999"),
            "the configuration has a size that no model has: 'vocab_size'");
}

TEST(ModelConfig, VariantsOfOneFamily) {
  auto tensorsWith = [](const std::string &name, llvm::StringRef from, llvm::StringRef to) {
    std::string text = configOf(name);
    text.replace(text.find(from.str()), from.size(), to.str());
    FrontendCase one;
    auto model = std::make_unique<Model>();
    EXPECT_TRUE(one.readModelText(text, *model)) << one.error;
    return model;
  };
  auto tied =
      tensorsWith("qwen3-32b", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
  EXPECT_EQ(tied->find("lm_head.weight"), -1);
  auto biased = tensorsWith("llama-3-8b", "\"attention_bias\": false", "\"attention_bias\": true");
  EXPECT_GE(biased->find("model.layers.31.self_attn.q_proj.bias"), 0);
  auto sparse =
      tensorsWith("qwen3-30b-a3b", "\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2");
  EXPECT_GE(sparse->find("model.layers.0.mlp.gate_proj.weight"), 0);
  EXPECT_GE(sparse->find("model.layers.1.mlp.experts.127.up_proj.weight"), 0);
  auto whole = tensorsWith("deepseek-v3", "\"q_lora_rank\": 1536", "\"q_lora_rank\": null");
  EXPECT_EQ(whole->find("model.layers.0.self_attn.q_a_proj.weight"), -1);
  EXPECT_GE(whole->find("model.layers.0.self_attn.q_proj.weight"), 0);
  auto excepted = tensorsWith("deepseek-v3", "\"quant_method\": \"fp8\"",
                              "\"quant_method\": \"fp8\", \"modules_to_not_convert\": "
                              "[\"model.layers.0.self_attn.o_proj\"]");
  EXPECT_EQ(excepted->scaleCount(), 45031);
}

TEST(TensorObject, StructureIsInferredFromHeadNorms) {
  FrontendCase one;
  Model published;
  ASSERT_TRUE(one.readModelText(configOf("qwen3-30b-a3b"), published)) << one.error;
  std::string text = "{";
  for (const ModelTensor &tensor : published.tensors) {
    text += (text.size() > 1 ? ",\n\"" : "\"") + tensor.name + "\": {\"shape\": [";
    for (size_t d = 0; d < tensor.shape.size(); ++d)
      text += (d ? ", " : "") + std::to_string(tensor.shape[d]);
    text += "], \"dtype\": \"BF16\", \"shard\": \"synthetic\"}";
  }
  Model model;
  ASSERT_TRUE(one.readModelText(text + "}", model)) << one.error;
  ASSERT_TRUE(model.architecture.has_value());
  EXPECT_EQ(model.architecture->kvHeads, 4);
  EXPECT_EQ(model.architecture->experts, 128);
  Model more;
  text += ", \"score.weight\": {\"shape\": [2, 2048], \"dtype\": \"BF16\"}}";
  ASSERT_TRUE(one.readModelText(text, more)) << one.error;
  EXPECT_FALSE(more.architecture.has_value()); // not exactly the tensors of one that is known
}

TEST(TensorObject, Errors) {
  auto errorOf = [](llvm::StringRef text) {
    FrontendCase one;
    Model model;
    EXPECT_FALSE(one.readModelText(text, model));
    return one.error;
  };
  EXPECT_EQ(errorOf("[]"), "1:1: expected a model to be an object, got an array");
  EXPECT_EQ(errorOf("{}"), "the model has no tensors");
  EXPECT_EQ(errorOf("{\"w\": 3}"), "1:7: expected tensor 'w' to be an object, got 3");
  EXPECT_EQ(errorOf("{\"w\": {\"dtype\": \"BF16\"}}"), "1:7: tensor 'w' has no 'shape'");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [1], \"dtype\": \"BF61\"}}"),
            "1:31: tensor 'w' has an unknown dtype 'BF61'; did you mean 'BF16'?");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [-1], \"dtype\": \"BF16\"}}"),
            "1:18: tensor 'w' has a shape that is not a list of sizes: -1");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [2.0], \"dtype\": \"BF16\"}}"),
            "1:18: tensor 'w' has a shape that is not a list of sizes: 2.0");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [4294967296, 4294967296], \"dtype\": \"BF16\"}}"),
            "1:17: tensor 'w' has a shape of more than 2^63 bytes");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [1], \"dtype\": \"BF16\", \"shap\": 1}}"),
            "1:39: tensor 'w' has an unknown field 'shap'; did you mean 'shape'?");
  EXPECT_EQ(errorOf("{\"w\": {\"shape\": [1], \"dtype\": \"BF16\"}, \"w\": {}}"),
            "1:40: two members of one name: 'w'");
  EXPECT_EQ(errorOf("{\"a b\": {\"shape\": [1], \"dtype\": \"BF16\"}}"),
            "1:2: tensor name 'a b' cannot be a symbol: only letters, digits and '_', '.', '$', "
            "'-' can");
  EXPECT_EQ(errorOf("{\"w.weight_scale_inv\": {\"shape\": [1, 1], \"dtype\": \"F32\"}}"),
            "1:2: tensor 'w.weight_scale_inv' scales nothing: there is no 'w.weight'");
}

} // namespace
} // namespace xfer::frontend
