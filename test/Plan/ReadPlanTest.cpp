//===- ReadPlanTest.cpp - Plan files that lie -----------------------------===//
//
// What readPlan makes of damaged files whose hashes are right, so that the
// checks behind them are reached.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/ReadPlan.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Passes.h"
#include "xfer/compiler.h"
#include "xfer/plan_digest.h"
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace xfer;

namespace {

/// A reduction, a broadcast or fan-out, a storage with padding, and two targets on one rank.
constexpr const char *kText = R"(
mesh @a = [dp=2, tp=2]
mesh @b = [tp=2] ranks [4, 5]
tensor @g : bf16[6, 4]
source @g : f32 on @a split [{tp}, {}] partial<sum>{dp}
target @g on @b
tensor @w : f32[8]
source @w on @a split [{cyclic(tp, 2)}]
target @w on @b split [{tp}]
target storage @s : f32[w:8 | zero:2] on @b { view @w [w: d0] }
)";

class Plan {
public:
  explicit Plan(const char *declarations = kText) {
    const xfer_text_t text = {"plan.xfer", declarations, std::strlen(declarations)};
    xfer_compilation_t *compilation = nullptr;
    EXPECT_EQ(xfer_compile(&text, 1, nullptr, &compilation), XFER_COMPILER_OK)
        << xfer_compilation_diagnostics(compilation);
    size_t size = 0;
    const void *bytes = xfer_compilation_plan(compilation, &size);
    assign(bytes, size);
    xfer_compilation_destroy(compilation);
  }
  std::span<uint8_t> bytes() { return {reinterpret_cast<uint8_t *>(storage.data()), numBytes}; }
  const fb::Plan &root() const { return *fb::GetPlan(storage.data()); }
  /// Rebuilds the file with something changed, and hashes that are right.
  void change(const std::function<void(fb::PlanT &, fb::ProgramT &)> &tell) {
    std::unique_ptr<fb::PlanT> plan(root().UnPack());
    tell(*plan, *plan->programs[0]);
    flatbuffers::FlatBufferBuilder builder;
    fb::FinishPlanBuffer(builder, fb::CreatePlan(builder, plan.get()));
    assign(builder.GetBufferPointer(), builder.GetSize());
    seal();
  }
  void seal() { fb::sealPlan(bytes()); }
  /// The text, or what is wrong, to verify-plan too.
  std::string read() {
    llvm::SourceMgr sources;
    Diagnostics diagnostics(sources);
    std::string text, pipeline;
    llvm::raw_string_ostream stream(text);
    diagnostics.setHandler(
        [&](const llvm::SMDiagnostic &diagnostic) { printDiagnostic(diagnostic, stream); });
    auto file = bytes();
    auto module =
        readPlan({reinterpret_cast<const char *>(file.data()), file.size()}, pipeline, diagnostics);
    EXPECT_EQ(module == nullptr, diagnostics.errorCount() > 0);
    if (!module)
      return text;
    PassContext context = {diagnostics, std::nullopt};
    if (createVerifyPlanPass()->run(*module, context) != PassResult::Failed)
      printModule(*module, stream);
    return text;
  }

private:
  void assign(const void *bytes, size_t size) {
    storage.assign((size + 7) / 8, 0);
    std::memcpy(storage.data(), bytes, size);
    numBytes = size;
  }
  std::vector<uint64_t> storage;
  size_t numBytes = 0;
};

TEST(ReadPlan, TextOfAPlanHasItsDeclarations) {
  std::string text = Plan().read();
  EXPECT_NE(text.find("tensor @g"), std::string::npos) << text;
  EXPECT_NE(text.find("copy 1"), std::string::npos) << text;
}

TEST(ReadPlan, AnyByteChangedIsRefusedByItsHash) {
  Plan plan;
  plan.bytes()[plan.bytes().size() / 2] ^= 1;
  EXPECT_EQ(plan.read(), "error: plan: content hash is not that of the file's bytes\n");
}

TEST(ReadPlan, ChangedTextsAreRefusedByTheirDigest) {
  Plan plan;
  const_cast<char *>(plan.root().pipeline()->data())[0] ^= 1;
  plan.seal();
  EXPECT_EQ(plan.read(), "error: plan: digest is not that of the plan's texts\n");
}

TEST(ReadPlan, NoTwoPlansHaveOneDigest) {
  Plan plan;
  plan.change([](fb::PlanT &to, fb::ProgramT &) {
    to.declarations.insert(0, std::string("//\0\n", 4));
    to.digest = fb::planDigest(to.compiler, to.pipeline, to.declarations);
  });
  EXPECT_EQ(plan.read(), "error: plan: texts hold a NUL byte\n");
}

TEST(ReadPlan, NoCrashWhateverByteIsChanged) {
  const Plan original;
  const size_t size = Plan().bytes().size();
  for (size_t i = 0; i < size; ++i)
    for (int change : {0x01, 0x80, 0xff}) {
      Plan plan = original;
      plan.bytes()[i] ^= change;
      flatbuffers::Verifier verifier(plan.bytes().data(), size);
      if (fb::VerifyPlanBuffer(verifier) && fb::contentOffset(plan.bytes()))
        plan.seal();
      EXPECT_NE(plan.read(), "") << "byte " << i << " ^ " << change;
    }
}

TEST(ReadPlan, NoCrashWhereverItIsCut) {
  Plan plan;
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  diagnostics.setHandler([](const llvm::SMDiagnostic &) {});
  std::string pipeline;
  for (size_t size = 0; size < plan.bytes().size(); ++size)
    EXPECT_EQ(readPlan({reinterpret_cast<const char *>(plan.bytes().data()), size}, pipeline,
                       diagnostics),
              nullptr);
}

struct Lie {
  std::function<void(fb::PlanT &, fb::ProgramT &)> tell;
  const char *expected;
  void check() const {
    Plan plan;
    plan.change(tell);
    const std::string said = plan.read();
    EXPECT_NE(said.find(expected), std::string::npos)
        << "expected " << expected << ", got " << said;
  }
};

fb::Bucket with(const fb::Bucket &from, uint32_t contributors, fb::Transport transport,
                uint32_t numChunks) {
  return fb::Bucket(from.ordinal(), from.sender(), from.bytes(), contributors, from.destinations(),
                    from.first_chunk(), numChunks, transport);
}

fb::Chunk with(const fb::Chunk &from, uint32_t tensor, uint32_t sourceRegion) {
  return fb::Chunk(tensor, from.source(), sourceRegion, from.target(), from.target_region(),
                   from.offset());
}

TEST(ReadPlan, ErrorsListAnyRanks) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(ranksToString({kMost - 3, kMost - 2, kMost - 1, kMost}),
            "[9223372036854775804:9223372036854775807, 9223372036854775807]");
  EXPECT_EQ(ranksToString({kMost, -kMost - 1, 3, 4, 5}),
            "[9223372036854775807, -9223372036854775808, 3:6]");
}

TEST(ReadPlan, WhatSeveralRanksContributeIsPartialAndReducedAlike) {
  constexpr const char *kReductions = R"(
mesh @a = [dp=2]
mesh @b = [x=1] ranks [2]
tensor @sum : f32[4]
tensor @add : f32[4]
tensor @max : f32[4]
tensor @w : f32[4]
source @sum on @a partial<sum>{dp}
source @add on @a partial<sum>{dp}
source @max on @a partial<max>{dp}
source @w on @a
target @sum on @b
target @add on @b
target @max on @b
target @w on @b
)";
  // @sum and @add cross in one bucket; a chunk of one tensor is said to be of another.
  auto errorFor = [&](uint32_t from, uint32_t to) {
    Plan plan(kReductions);
    plan.change([&](fb::PlanT &, fb::ProgramT &p) {
      for (fb::Chunk &chunk : p.chunks)
        if (chunk.tensor() == from)
          chunk = fb::Chunk(to, to, chunk.source_region(), chunk.target(), chunk.target_region(),
                            chunk.offset());
    });
    return plan.read();
  };
  const std::string notPartial = errorFor(0, 3), mixed = errorFor(1, 2);
  EXPECT_NE(notPartial.find("several ranks contribute to '@w', whose source is not partial"),
            std::string::npos)
      << notPartial;
  EXPECT_NE(mixed.find("'@max' is reduced by 'max', expected 'sum' as the chunks before it"),
            std::string::npos)
      << mixed;
}

TEST(ReadPlan, DestinationsHoldTheTargetThatAChunkIsFor) {
  constexpr const char *kTwoServers = R"(
mesh @a = [x=1]
mesh @b = [y=2] ranks [1, 2]
mesh @c = [z=2] ranks [3, 4]
tensor @w : f32[4]
source @w on @a
target @w on @b split [{y}]
target @w on @c split [{z}]
)";
  // A destination of either target's mesh, with the other target.
  for (auto [destination, other, mesh] : {std::tuple(1, 1, "@c"), std::tuple(3, 0, "@b")}) {
    Plan plan(kTwoServers);
    plan.change([&, destination = destination, other = other](fb::PlanT &whole, fb::ProgramT &p) {
      for (const fb::Bucket &bucket : p.buckets)
        for (uint32_t c = 0; c < bucket.num_chunks(); ++c)
          if (whole.rank_lists[bucket.destinations()]->ranks.front() == destination) {
            fb::LogicalChunk &logical = p.logical[bucket.first_chunk() + c];
            logical = fb::LogicalChunk(logical.region(), other);
          }
    });
    EXPECT_NE(plan.read().find("error: destination " + std::to_string(destination) +
                               " is not a rank of '" + mesh +
                               "', the mesh of the target of '@w'\n"
                               "note: in chunk "),
              std::string::npos)
        << plan.read();
  }
}

TEST(ReadPlan, LimitsAreThoseOfThePlansOwnPipeline) {
  for (const auto &[stated, kept] :
       {std::pair("max-operations=4", true), std::pair("max-operations=1", false),
        std::pair("staging-bytes=1000", true), std::pair("staging-bytes=10", false)}) {
    Plan plan;
    plan.change([&](fb::PlanT &to, fb::ProgramT &) {
      const std::string pass = "schedule-windows";
      to.pipeline.replace(to.pipeline.find(pass), std::string::npos, pass + "{" + stated + "}");
      to.digest = fb::planDigest(to.compiler, to.pipeline, to.declarations);
    });
    const std::string text = plan.read();
    EXPECT_EQ(text.find("error") == std::string::npos, kept) << text;
    if (!kept) {
      EXPECT_NE(text.find("of rank"), std::string::npos) << text;
    }
  }
}

TEST(ReadPlan, TheTightestOfItsLimitsIsKept) {
  for (const char *later : {"staging-bytes=0", "staging-bytes=1000"}) {
    Plan plan;
    plan.change([&](fb::PlanT &to, fb::ProgramT &) {
      const std::string pass = "schedule-windows";
      to.pipeline.replace(to.pipeline.find(pass), std::string::npos,
                          pass + "{staging-bytes=10}," + pass + "{" + later + "}");
      to.digest = fb::planDigest(to.compiler, to.pipeline, to.declarations);
    });
    EXPECT_NE(plan.read().find("expected at most 10"), std::string::npos) << plan.read();
  }
}

TEST(ReadPlan, NumbersAreChecked) {
  const Lie lies[] = {
      {[](fb::PlanT &, fb::ProgramT &p) { p.logical[0] = fb::LogicalChunk(1000000, 0); },
       "chunk 0 of rank 0 is logical region 1000000 of 8"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.logical[0] = fb::LogicalChunk(0, 7); },
       "chunk 0 of rank 0 is for target 7 of 1 of tensor 'g'"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.logical.pop_back(); },
       "program of rank 0 has 1 chunks, but says of 0 which logical regions they are"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.chunks[0] = with(p.chunks[0], 1000, 0); },
       "chunk 0 of rank 0 is of tensor 1000 of 2"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.chunks[0] = with(p.chunks[0], 0, 1000); },
       "chunk 0 of rank 0 names region 1000 of 8"},
      {[](fb::PlanT &, fb::ProgramT &p) {
         p.buckets[0] = with(p.buckets[0], 1000, fb::Transport::P2P, 1);
       },
       "bucket 0 of rank 0 has rank lists 1000 and 0 of 7"},
      {[](fb::PlanT &, fb::ProgramT &p) {
         p.buckets[0] = with(p.buckets[0], 0, static_cast<fb::Transport>(9), 1);
       },
       "bucket 0 of rank 0 has transport 9, expected one up to 4"},
      {[](fb::PlanT &, fb::ProgramT &p) {
         p.buckets[0] = with(p.buckets[0], 0, fb::Transport::P2P, 1u << 31);
       },
       "bucket 0 of rank 0 has chunks 0 + 2147483648"},
      {[](fb::PlanT &, fb::ProgramT &p) {
         fb::Bucket &b = p.buckets[0];
         b = fb::Bucket(-1, b.sender(), b.bytes(), b.contributors(), b.destinations(),
                        b.first_chunk(), b.num_chunks(), b.transport());
       },
       "bucket has the negative number -1"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.windows[0] = fb::Window(0, 0, 0xffffffff); },
       "program of rank 0 has a window of buckets 0 + 4294967295"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.windows[0] = fb::Window(0, 1, 1); },
       "program of rank 0 has a window of buckets 1 + 1"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.windows.pop_back(); },
       "program of rank 0 has buckets or chunks that are in no window"},
      {[](fb::PlanT &plan, fb::ProgramT &) { std::swap(plan.programs[0], plan.programs[1]); },
       "programs do not ascend by rank at 0"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.tensors[0]->name = "other"; },
       "tensor 0 is 'other', expected 'g'"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.tensors.pop_back(); },
       "has 1 tensors, but its declarations 2"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.logical_regions[0]->segments.clear(); },
       "region has 0 dimensions"},
      {[](fb::PlanT &plan, fb::ProgramT &) {
         plan.logical_regions[0]->segments[0] = fb::Segment(0, INT64_MAX, INT64_MAX, INT64_MAX);
       },
       "region is too large"},
      // Said in two loops, where text has one.
      {[](fb::PlanT &plan, fb::ProgramT &) {
         std::vector<fb::Loop> &loops = plan.regions[0]->loops;
         loops.insert(loops.begin(), fb::Loop(1, 7));
       },
       "has loops that continue each other, or of one element\nnote: in chunk 0"},
      // As of text: its last element is below 2^63, one stride more is not.
      {[](fb::PlanT &plan, fb::ProgramT &) {
         plan.regions[0]->loops.assign(1, fb::Loop(2, int64_t{1} << 62));
       },
       "is too large\nnote: in chunk 0 of the program of rank 0"},
      {[](fb::PlanT &plan, fb::ProgramT &) {
         plan.logical_regions[0]->segments[0] = fb::Segment(0, 1, 2, (1 << 20) + 1);
       },
       "region has more than 1048576 intervals in a dimension"},
      {[](fb::PlanT &plan, fb::ProgramT &) {
         plan.logical_regions[0]->segments[0] = fb::Segment(-1, 0, 0, 0);
       },
       "region has a segment that is not canonical\nnote: in chunk 0 of the program of rank 0"},
  };
  for (const Lie &lie : lies)
    lie.check();
}

TEST(ReadPlan, WhatFollowsFromTheDeclarationsIsChecked) {
  const Lie lies[] = {
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.ranks.back() = 7; },
       "is for ranks [0:5, 7], but its declarations name [0:6]"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.tensors[1]->dtype = fb::DType::F64; },
       "tensor 'w' has element type 0, expected 1 for f32"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.sources.pop_back(); },
       "rank 0 binds 1 sources, expected 2"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.sources[0]->name = "other"; },
       "rank 0 binds source 0 'other' of f32 with shape [3, 4], reduced by sum, expected 'g' of "
       "f32 with shape [3, 4], reduced by sum"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.sources[0]->reduce = fb::ReduceOp::Max; },
       "reduced by max, expected 'g' of f32 with shape [3, 4], reduced by sum"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.sources[1]->dtype = static_cast<fb::DType>(99); },
       "rank 0 binds source 1 of no known type, reduction or shape"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.sources[1]->shape.assign(99, 1); },
       "rank 0 binds source 1 of no known type, reduction or shape"},
      {[](fb::PlanT &, fb::ProgramT &p) {
         const fb::Chunk &c = p.chunks[0];
         p.chunks[0] = {c.tensor(),        1,         c.source_region(), c.target(),
                        c.target_region(), c.offset()};
       },
       "rank 0 has chunk 0 of tensor 'g' in source 1, expected 0"},
      {[](fb::PlanT &, fb::ProgramT &p) { p.zeros.emplace_back(0, 0); },
       "rank 0 has 1 zeros, expected 0"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.programs.back()->zeros.clear(); },
       "rank 5 does not zero offset 8 sizes [2] strides [1] of target 's'"},
      {[](fb::PlanT &plan, fb::ProgramT &) { plan.programs.back()->zeros[0] = fb::Zeros(0, 0); },
       "rank 5 has zeros 0 of region 0 in target 0, expected offset 8 sizes [2] strides [1] of "
       "target 2 's'"},
  };
  for (const Lie &lie : lies)
    lie.check();
}

} // namespace
