//===- FuzzTest.cpp - Damaged files ---------------------------------------===//
//
// Changes bytes of good files at random places. Whatever comes out, reading it
// ends, and either succeeds or says why not. Seeds are constants.
//===----------------------------------------------------------------------===//
#include "FrontendForTest.h"
#include <gtest/gtest.h>
#include <random>

namespace xfer::frontend {
namespace {

/// Replaces, removes, doubles or swaps a few stretches of `text`.
std::string damage(std::string text, std::mt19937 &random) {
  static constexpr const char *kPieces[] = {
      "{",   "}",   "[", "]", "\"", ":", ",", "-1", "1e9", "null", "true", "99999999999999999999",
      "\\u", "\xff"};
  for (int change = random() % 3; change >= 0; --change) {
    size_t at = random() % (text.size() + 1);
    size_t length = std::min<size_t>(random() % 8, text.size() - at);
    switch (random() % 4) {
    case 0:
      text.erase(at, length);
      break;
    case 1:
      text.insert(at, text.substr(at, length));
      break;
    case 2:
      text.replace(at, length, kPieces[random() % std::size(kPieces)]);
      break;
    default:
      if (at < text.size())
        text[at] = static_cast<char>(random());
    }
  }
  return text;
}

constexpr const char *kConfig = R"({"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 16,
"model_type": "qwen3_moe", "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 4,
"num_key_value_heads": 2, "vocab_size": 100, "intermediate_size": 32, "torch_dtype": "bfloat16",
"num_experts": 4, "moe_intermediate_size": 8, "mlp_only_layers": [0], "quantization_config":
{"quant_method": "fp8", "weight_block_size": [4, 4]}})";
constexpr const char *kTensors = R"({"model.embed_tokens.weight": {"shape": [100, 16], "dtype":
"BF16"}, "model.layers.0.mlp.up.weight": {"shape": [3], "dtype": "F32", "data_offsets": [0, 12]}})";
constexpr const char *kJob = R"({"train": {"framework": "megatron", "num_gpus": 4, "tp_size": 2,
"pp_size": 2, "ep_size": 2, "layers": [1, 1]}, "generation": {"framework": "vllm", "tp_size": 2}})";

TEST(Fuzz, DamagedModelsAndJobs) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    FrontendCase one;
    Model model;
    Job job;
    std::string modelText = damage(seed % 2 ? kConfig : kTensors, random);
    std::string jobText = seed % 3 ? kJob : damage(kJob, random);
    bool isRead = one.readModelText(modelText, model);
    if (isRead) {
      auto document = parseJson(one.add(jobText), one.diagnostics);
      std::string text;
      isRead = document && succeeded(readJob(document->root, job, one.diagnostics)) &&
               succeeded(resolveJob(job, one.diagnostics)) &&
               (!job.train.isGiven() || job.train.num_gpus.value < 1000) &&
               succeeded(translate(model, job, TranslateOptions(), text, one.diagnostics));
    }
    EXPECT_TRUE(isRead || !one.error.empty() || job.train.num_gpus.value >= 1000)
        << "seed " << seed << "\n"
        << modelText << "\n"
        << jobText;
  }
}

TEST(Fuzz, DamagedSides) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    FrontendCase one;
    Job job;
    std::string side = damage("megatron:tp=2,pp=4,ep=16,layers=4x2+3,dtype=f32", random);
    bool isRead = one.readSides(side, "vllm:tp=8", job);
    EXPECT_EQ(isRead, one.error.empty()) << "seed " << seed << " " << side;
  }
}

} // namespace
} // namespace xfer::frontend
