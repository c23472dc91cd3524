//===- CompilerTest.cpp - The compiler's C API ----------------------------===//
#include "xfer/compiler.h"
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Compilation {
  xfer_compiler_status_t status = XFER_COMPILER_OK;
  std::string plan, diagnostics;
};

constexpr const char *kTrainer =
    "mesh @a = [x=2]\ntensor @w : f32[64]\nsource @w on @a split [{x}]\n";
constexpr const char *kServer = "mesh @b = [x=2] ranks [2, 3]\ntarget @w on @b\n";

Compilation compile(const std::vector<std::string> &texts, xfer_compile_options_t options = {}) {
  options.size = sizeof(options);
  std::vector<xfer_text_t> views;
  for (const std::string &text : texts)
    views.push_back({"in.xfer", text.data(), text.size()});
  xfer_compilation_t *handle = nullptr;
  Compilation result;
  result.status = xfer_compile(views.data(), views.size(), &options, &handle);
  std::unique_ptr<xfer_compilation_t, void (*)(xfer_compilation_t *)> owner(
      handle, xfer_compilation_destroy);
  size_t size = 0;
  const void *plan = xfer_compilation_plan(handle, &size);
  result.plan.assign(static_cast<const char *>(plan), size);
  result.diagnostics = xfer_compilation_diagnostics(handle);
  return result;
}

TEST(Compiler, TextsOfTwoSidesMakeOnePlan) {
  Compilation both = compile({kTrainer, kServer});
  EXPECT_EQ(both.status, XFER_COMPILER_OK) << both.diagnostics;
  EXPECT_EQ(both.plan.substr(4, 4), "XFER");
  EXPECT_EQ(both.diagnostics, "");
  EXPECT_EQ(both.plan, compile({std::string(kTrainer) + kServer}).plan);
}

TEST(Compiler, ErrorsHaveNamePlaceAndCaret) {
  Compilation wrong = compile({kTrainer, "mesh @b = [x=0]\n"});
  EXPECT_EQ(wrong.status, XFER_COMPILER_REJECTED);
  EXPECT_EQ(wrong.plan, "");
  EXPECT_EQ(wrong.diagnostics.find("in.xfer:1:12: error: axis 'x' has size 0"), 0u)
      << wrong.diagnostics;
  EXPECT_NE(wrong.diagnostics.find("\nmesh @b = [x=0]\n           ^"), std::string::npos)
      << wrong.diagnostics;
}

TEST(Compiler, AMissingSideIsRejected) {
  EXPECT_EQ(compile({kTrainer}).status, XFER_COMPILER_REJECTED);
}

TEST(Compiler, ARankThatNoMeshHasIsRejected) {
  xfer_compile_options_t options = {};
  options.one_rank = 1;
  options.rank = 9;
  Compilation wrong = compile({kTrainer, kServer}, options);
  EXPECT_EQ(wrong.status, XFER_COMPILER_REJECTED);
  EXPECT_EQ(wrong.diagnostics, "error: no mesh has rank 9\n");
}

TEST(Compiler, ErrorsInThePipelineHaveAPlace) {
  xfer_compile_options_t options = {};
  options.pipeline = "build-routes,cut-chunk";
  Compilation wrong = compile({kTrainer, kServer}, options);
  EXPECT_EQ(wrong.status, XFER_COMPILER_REJECTED);
  EXPECT_EQ(wrong.diagnostics.find("<pipeline>:1:14: error: "), 0u) << wrong.diagnostics;
}

TEST(Compiler, NoTextIsAnEmptyPlan) {
  EXPECT_EQ(compile({}).status, XFER_COMPILER_OK);
  EXPECT_EQ(compile({""}).status, XFER_COMPILER_OK);
}

TEST(Compiler, BytesThatAreNoTextAreRejected) {
  std::string junk;
  for (int i = 0; i < 4096; ++i)
    junk += static_cast<char>(i * 37);
  Compilation wrong = compile({junk});
  EXPECT_EQ(wrong.status, XFER_COMPILER_REJECTED);
  EXPECT_NE(wrong.diagnostics, "");
}

TEST(Compiler, WrongCallsLeaveTheResultAlone) {
  xfer_compilation_t *handle = nullptr;
  const xfer_text_t noData = {"x", nullptr, 1};
  xfer_compile_options_t negative = {}, longer = {};
  negative.size = sizeof(negative);
  negative.staging_bytes = -1;
  longer.size = sizeof(longer) + 1;
  EXPECT_EQ(xfer_compile(nullptr, 1, nullptr, &handle), XFER_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_compile(&noData, 1, nullptr, &handle), XFER_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_compile(nullptr, 0, nullptr, nullptr), XFER_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_compile(nullptr, 0, &negative, &handle), XFER_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_compile(nullptr, 0, &longer, &handle), XFER_COMPILER_INVALID_ARGUMENT);
  EXPECT_EQ(handle, nullptr);
  xfer_compilation_destroy(nullptr);
}

TEST(Compiler, ACallerMayKnowFewerOptions) {
  xfer_compile_options_t options = {};
  options.size = offsetof(xfer_compile_options_t, pipeline);
  options.pipeline = "not read";
  xfer_compilation_t *handle = nullptr;
  EXPECT_EQ(xfer_compile(nullptr, 0, &options, &handle), XFER_COMPILER_OK);
  xfer_compilation_destroy(handle);
}

TEST(Compiler, TextsNeedNoNameAndNoEnd) {
  const char text[] = {'m', 'e', 's', 'h', '!'};
  const xfer_text_t texts[] = {{nullptr, text, 4}};
  xfer_compilation_t *handle = nullptr;
  EXPECT_EQ(xfer_compile(texts, 1, nullptr, &handle), XFER_COMPILER_REJECTED);
  EXPECT_EQ(std::string(xfer_compilation_diagnostics(handle)).find("<text>:1:5: error:"), 0u);
  xfer_compilation_destroy(handle);
}

TEST(Compiler, ThreadsCompileAtOnce) {
  const std::string expected = compile({kTrainer, kServer}).plan;
  std::vector<Compilation> results(4);
  std::vector<std::thread> threads;
  for (Compilation &result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        compile({kTrainer, "mesh @b = [x=0]"});
        result = compile({kTrainer, kServer});
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const Compilation &result : results)
    EXPECT_EQ(result.plan, expected);
}

TEST(Compiler, APlanIsTheSameWhetherItWasProvenOrNot) {
  xfer_compile_options_t options = {};
  options.no_verify_plan = 1;
  EXPECT_EQ(compile({kTrainer, kServer}, options).plan, compile({kTrainer, kServer}).plan);
  // What comes from lowered text need not be right: proven it is refused.
  const std::string wrong = std::string(kTrainer) + kServer +
                            "program rank 0 {\n}\nprogram rank 1 {\n}\n"
                            "program rank 2 {\n}\nprogram rank 3 {\n}\n";
  EXPECT_EQ(compile({wrong}).status, XFER_COMPILER_REJECTED);
  EXPECT_EQ(compile({wrong}, options).status, XFER_COMPILER_OK);
}

TEST(Compiler, SizesAreThoseThatAreAskedFor) {
  const std::string usual = compile({kTrainer, kServer}).plan;
  xfer_compile_options_t options = {};
  options.staging_bytes = 128 << 20; // what 0 means
  options.bucket_bytes = 4 << 20;
  EXPECT_EQ(compile({kTrainer, kServer}, options).plan, usual);
  options.staging_bytes = 64 << 20;
  EXPECT_NE(compile({kTrainer, kServer}, options).plan, usual);
  options.staging_bytes = 0;
  options.bucket_bytes = 64; // half of what each rank sends
  EXPECT_NE(compile({kTrainer, kServer}, options).plan, usual);
}

/// A job with unequal pieces, reductions, storages and fan-outs.
constexpr const char *kMixed = R"(
mesh @a = [dp=2, tp=3]
mesh @b = [tp=2, dp=2] ranks [6:10]
tensor @g : bf16[12, 5]
source @g : f32 on @a split [{tp}, {}] partial<sum>{dp}
target @g on @b
tensor @w : f32[31]
source @w on @a split [{cyclic(tp, 2)}]
target @w on @b split [{tp}]
target storage @s : f32[w:31 | zero:1] on @b { view @w [w: d0] }
)";

TEST(Compiler, EveryRankGetsTheSameBytesOnAnyNumberOfThreads) {
  std::vector<Compilation> alone;
  for (int64_t rank = 0; rank < 10; ++rank) {
    xfer_compile_options_t options = {};
    options.one_rank = 1;
    options.rank = rank;
    alone.push_back(compile({kMixed}, options));
    ASSERT_EQ(alone.back().status, XFER_COMPILER_OK) << alone.back().diagnostics;
  }
  const std::string whole = compile({kMixed}).plan;
  for (size_t numThreads : {1, 2, 3, 8}) {
    std::vector<std::string> wholes(numThreads);
    std::vector<std::vector<std::string>> ranks(numThreads);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < numThreads; ++t)
      threads.emplace_back([&, t] {
        wholes[t] = compile({kMixed}).plan;
        for (size_t i = 0; i < alone.size(); ++i) { // each thread begins with another rank
          xfer_compile_options_t options = {};
          options.one_rank = 1;
          options.rank = static_cast<int64_t>((i + t) % alone.size());
          ranks[t].push_back(compile({kMixed}, options).plan);
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    for (size_t t = 0; t < numThreads; ++t) {
      EXPECT_EQ(wholes[t], whole);
      for (size_t i = 0; i < alone.size(); ++i)
        EXPECT_EQ(ranks[t][i], alone[(i + t) % alone.size()].plan) << "thread " << t;
    }
  }
}

TEST(Compiler, StatusesHaveNames) {
  EXPECT_STREQ(xfer_compiler_status_name(XFER_COMPILER_REJECTED), "REJECTED");
  EXPECT_STREQ(xfer_compiler_status_name(static_cast<xfer_compiler_status_t>(99)), "UNKNOWN");
  EXPECT_EQ(std::string(xfer_compiler_version()).find("xfer "), 0u);
}

} // namespace
