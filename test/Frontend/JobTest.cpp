//===- JobTest.cpp - Sizes that agree -------------------------------------===//
#include "FrontendForTest.h"
#include <gtest/gtest.h>

namespace xfer::frontend {
namespace {

/// The first error of two sides, or "".
std::string errorOf(llvm::StringRef train, llvm::StringRef generation = "") {
  FrontendCase one;
  Job job;
  bool resolved = one.readSides(train, generation, job);
  EXPECT_EQ(resolved, one.error.empty());
  return one.error;
}

std::string errorOfFile(llvm::StringRef text) {
  FrontendCase one;
  Job job;
  auto document = parseJson(one.add(text), one.diagnostics);
  EXPECT_TRUE(document) << one.error;
  (void)(succeeded(readJob(document->root, job, one.diagnostics)) &&
         succeeded(resolveJob(job, one.diagnostics)));
  return one.error;
}

TEST(Job, GenerationFollowsTraining) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(one.readSides("megatron:tp=2,pp=4,dp=2", "vllm:tp=8,dp=16", job)) << one.error;
  EXPECT_EQ(job.train.num_gpus.value, 16);
  EXPECT_EQ(job.train.first_rank.value, 0);
  EXPECT_EQ(job.generation.num_gpus.value, 128);
  EXPECT_EQ(job.generation.first_rank.value, 16);
}

TEST(Job, DataParallelismIsWhatIsLeft) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(one.readSides("megatron:num_gpus=64,tp=2,pp=4", "vllm:tp=8,first_rank=0", job));
  EXPECT_EQ(job.train.dp.value, 8);
  EXPECT_EQ(job.generation.dp.value, 1);
  EXPECT_EQ(job.generation.first_rank.value, 0);
}

TEST(Job, LeastRanksThatExpertsNeed) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(one.readSides("megatron:tp=2,pp=4,ep=16", "vllm:tp=8,ep=32", job)) << one.error;
  EXPECT_EQ(job.train.dp.value, 8);
  EXPECT_EQ(job.train.num_gpus.value, 64);
  EXPECT_EQ(job.generation.dp.value, 4);
}

TEST(Job, FilesMayCountDataParallelismBesideExperts) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(one.readSides("megatron:num_gpus=64,tp=2,pp=2,ep=4,dp=4", "", job)) << one.error;
  EXPECT_EQ(job.train.dp.value, 16);
}

TEST(Job, FilesAndTheCommandLineSpellTheSame) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(succeeded(parseSide(one.buffer("vllm:tp=4"), job.generation, one.diagnostics)));
  auto document = parseJson(one.add(R"({
    "_comment": "of NVIDIA's benchmark",
    "train": {"framework": "megatron", "num_gpus": 16, "tp_size": 2, "cp_size": 1, "ep_size": 1,
              "pp_size": 4, "fsdp_size": 1, "dp_size": 2, "layers": [1, 2, 3, 4]},
    "generation": {"tp_size": 2, "dp_size": 3}})"),
                            one.diagnostics);
  ASSERT_TRUE(document);
  ASSERT_TRUE(succeeded(readJob(document->root, job, one.diagnostics))) << one.error;
  ASSERT_TRUE(succeeded(resolveJob(job, one.diagnostics))) << one.error;
  EXPECT_EQ(job.train.stageLayers, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(job.generation.tp.value, 4); // the command line goes first
  EXPECT_EQ(job.generation.dp.value, 3);
}

TEST(Job, LayersRepeat) {
  FrontendCase one;
  Job job;
  ASSERT_TRUE(one.readSides("megatron:pp=4,layers=4x2+3+5", "", job)) << one.error;
  EXPECT_EQ(job.train.stageLayers, (std::vector<int64_t>{4, 4, 3, 5}));
}

TEST(Job, SizesThatDoNotMultiply) {
  EXPECT_EQ(errorOf("megatron:num_gpus=12,tp=2,pp=4,dp=2"),
            "1:19: 'num_gpus' of 'train' is 12, but its sizes multiply to 16: tp 2, pp 4, cp 1, "
            "dp 2");
  EXPECT_EQ(
      errorOf("megatron:num_gpus=7,tp=2"),
      "1:19: 'num_gpus' of 'train' is 7, but its sizes multiply to 6: tp 2, pp 1, cp 1, dp 3");
  EXPECT_EQ(errorOf("megatron:tp=1048576,pp=1048576"), "1:24: 'train' has more than 1048576 ranks");
  EXPECT_EQ(errorOf("megatron:tp=1048577"),
            "1:13: 'tp' is 1048577, expected an integer from 1 to 1048576");
}

TEST(Job, SizesOfExperts) {
  EXPECT_EQ(errorOf("megatron:tp=2,dp=2,ep=3"),
            "1:23: ep 3 * etp 1 does not divide the 4 ranks of a stage: tp 2, cp 1, dp 2");
  EXPECT_EQ(errorOf("", "vllm:tp=4,ep=6,first_rank=0"),
            "1:14: 'ep' is 6, expected a multiple of tp 4: vllm deals experts to all ranks of tp");
  EXPECT_EQ(errorOf("", "vllm:tp=4,etp=2,first_rank=0"),
            "1:15: 'etp' is 2, expected a multiple of tp 4");
  EXPECT_EQ(errorOf("", "vllm:tp=2,ep=4,etp=2,first_rank=0"),
            "1:20: vllm cuts experts over 'ep' or over 'etp', not over both");
}

TEST(Job, UnknownNamesAndValues) {
  EXPECT_EQ(errorOf("megatrn:tp=2"), "1:1: unknown framework 'megatrn', expected 'fsdp', "
                                     "'megatron' or 'vllm'; did you mean 'megatron'?");
  EXPECT_EQ(errorOf("vllm:tpp=2"), "1:6: 'train' has no option 'tpp'; did you mean 'tp'?");
  EXPECT_EQ(errorOf("vllm:tp=2.0"), "1:9: 'tp' is '2.0', expected an integer from 1 to 1048576");
  EXPECT_EQ(errorOf("vllm:tp"), "1:6: 'tp' is true, expected an integer from 1 to 1048576");
  EXPECT_EQ(errorOf("vllm:tp=2,tp=2"), "1:11: option 'tp' is given twice");
  EXPECT_EQ(errorOf("vllm:tp=2,tp_size=4"), "1:11: option 'tp_size' is given twice");
  EXPECT_EQ(errorOf("vllm:cp=2"), "1:9: 'vllm' has no use for 'cp'");
  EXPECT_EQ(errorOf("fsdp:pp=2"), "1:9: 'fsdp' has no use for 'pp'");
  EXPECT_EQ(errorOf("megatron:flat"), "1:10: 'megatron' has no use for 'flat'");
  EXPECT_EQ(errorOf("fsdp:layers=1"), "1:13: 'fsdp' has no use for 'layers'");
  EXPECT_EQ(errorOf("megatron:pp=2,layers=1"), "1:22: 'layers' lists 1 stages, but pp is 2");
  EXPECT_EQ(errorOf("megatron:layers=1x9999999"),
            "1:17: expected how many layers each stage has, as in 4+4+3 or 4x2+3, got '1x9999999'");
  EXPECT_EQ(errorOf("megatron:layers=1+a"), "1:19: 'layers' has 'a', expected a number of layers");
  EXPECT_EQ(errorOf("fsdp:dtype=bf61"), "1:12: 'dtype' is 'bf61', expected 'model' or 'f32' or "
                                        "'bf16' or 'f16'; did you mean 'bf16'?");
  EXPECT_EQ(errorOf("", "vllm:tp=2"),
            "1:1: ranks of generation follow those of training: describe the training side too, "
            "or say 'first_rank'");
}

TEST(Job, Files) {
  EXPECT_EQ(errorOfFile("[]"), "1:1: expected a job to be an object, got an array");
  EXPECT_EQ(errorOfFile("{\"trian\": {}}"), "1:2: a job has no 'trian', expected 'train' and "
                                            "'generation'; did you mean 'train'?");
  EXPECT_EQ(errorOfFile("{\"train\": 3}"), "1:11: expected 'train' to be an object, got 3");
  EXPECT_EQ(errorOfFile("{\"train\": {\"tp_size\": 2}}"),
            "1:11: 'train' has no 'framework', expected 'fsdp', 'megatron' or 'vllm' here or on "
            "the command line");
  EXPECT_EQ(errorOfFile("{\"train\": {\"framework\": \"fsdp\", \"dp_size\": -2}}"),
            "1:44: 'dp_size' is -2, expected an integer from 1 to 1048576");
  EXPECT_EQ(errorOfFile("{\"train\": {\"framework\": \"fsdp\", \"dp_size\": 2.0}}"),
            "1:44: 'dp_size' is 2.0, expected an integer from 1 to 1048576");
  EXPECT_EQ(errorOfFile("{\"train\": {\"framework\": \"fsdp\", \"dp\": 99999999999999999999}}"),
            "1:39: 'dp' is 99999999999999999999, expected an integer from 1 to 1048576");
}

} // namespace
} // namespace xfer::frontend
