//===- PlanLoadTest.cpp - Hostile plans -----------------------------------===//
//
// Damaged files are rejected; files that are well formed but wrong are rejected
// with the reason; and whatever is accepted replays without harm, also when its
// hashes are those of the damage.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include <limits>
#include <random>

using namespace xfer;
using namespace xfer::test;

namespace {

/// Every kind of step: a unicast with a strided source, a reduction, a self-copy.
PlanBuilder makeValid() {
  PlanBuilder builder({0, 2});
  const uint32_t a = builder.tensor("a", fb::DType::BF16), g = builder.tensor("g", fb::DType::F32);
  builder.source(0, a, fb::DType::F32, {4, 6});
  builder.source(0, g, fb::DType::F32, {4}, fb::ReduceOp::Avg);
  builder.source(2, g, fb::DType::F32, {4}, fb::ReduceOp::Avg);
  builder.target(0, a, fb::DType::BF16, {4});
  builder.target(2, a, fb::DType::F32, {4, 3});
  builder.target(2, g, fb::DType::F32, {4});
  const uint32_t columns = builder.region(1, {{4, 6}, {3, 1}});
  const uint32_t column = builder.region(0, {{4, 6}});
  const uint32_t dense = builder.region(0, {{12, 1}}), four = builder.region(0, {{4, 1}});
  builder.bucket({0, fb::Transport::P2P, {0}, 0, {2}, 24, {{a, columns, dense}}});
  builder.bucket({1, fb::Transport::P2P, {0, 2}, 0, {2}, 16, {{g, four, four}}});
  builder.bucket({2, fb::Transport::Local, {0}, 0, {0}, 8, {{a, column, four}}});
  return builder;
}

Outcome load(const std::vector<uint8_t> &bytes) {
  xfer_plan_t *plan = nullptr;
  const Outcome outcome = Outcome::of(xfer_plan_load(bytes.data(), bytes.size(), &plan));
  xfer_plan_destroy(plan);
  return outcome;
}

TEST(PlanLoad, AcceptsAndDescribesAValidPlan) {
  Job job(makeValid().build());
  xfer_plan_info_t info = {};
  ASSERT_EQ(xfer_plan_get_info(job.plan, &info), XFER_OK);
  EXPECT_EQ(info.num_ranks, 2u);
  EXPECT_EQ(info.ranks[1], 2);
  EXPECT_EQ(info.num_programs, 2u);
  EXPECT_STREQ(info.declarations, "a g ");
  EXPECT_STREQ(info.pipeline, "by-hand");
  const auto bindings = job.bindingsOf(2);
  ASSERT_EQ(bindings.size(), 3u);
  EXPECT_STREQ(bindings[1].name, "a");
  EXPECT_EQ(bindings[1].side, XFER_TARGET);
  EXPECT_EQ(bindings[1].dtype, XFER_F32);
  EXPECT_EQ(bindings[1].bytes, 48);
  job.replay();
}

TEST(PlanLoad, RejectsEveryTruncation) {
  const std::vector<uint8_t> bytes = makeValid().build();
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(load({bytes.begin(), bytes.begin() + static_cast<long>(size)}).status,
              XFER_INVALID_PLAN)
        << size;
}

TEST(PlanLoad, RejectsEveryFlippedByte) {
  std::vector<uint8_t> bytes = makeValid().build();
  for (uint8_t &byte : bytes)
    for (uint8_t flip : {0x01, 0x80, 0xff}) {
      byte ^= flip;
      ASSERT_EQ(load(bytes).status, XFER_INVALID_PLAN) << (&byte - bytes.data());
      byte ^= flip;
    }
}

/// Hashes are no protection against malice: damage the file, then make them right again.
bool resealDamaged(std::vector<uint8_t> &bytes) {
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  return fb::VerifyPlanBuffer(verifier) && fb::sealPlan(bytes);
}

/// Loads a damaged plan and, if it is accepted, replays it. Plans of huge tensors are left out: the
/// test would have to bring them. Returns true if it was replayed.
bool replayDamaged(const std::vector<uint8_t> &bytes, int64_t timeout) {
  xfer_plan_t *plan = nullptr;
  if (xfer_plan_load(bytes.data(), bytes.size(), &plan) != XFER_OK)
    return false;
  int64_t total = 0;
  for (int64_t rank : {0, 2}) {
    xfer_program_info_t program = {};
    (void)xfer_plan_get_program(plan, rank, &program);
    total = std::max(total, program.staging_bytes);
    for (size_t i = 0; i < program.num_bindings; ++i) {
      xfer_binding_info_t binding;
      EXPECT_EQ(xfer_plan_get_binding(plan, rank, i, &binding), XFER_OK);
      total = std::max(total, binding.bytes);
    }
  }
  xfer_plan_destroy(plan);
  if (total > 1 << 20)
    return false;
  Job job(bytes);
  job.onRanks(job.ranks, [&](int64_t rank) { return job.runRank(rank, timeout); });
  return true;
}

TEST(PlanLoad, FlippedBytesUnderARightHashAreRejectedOrHarmless) {
  const std::vector<uint8_t> valid = makeValid().build();
  int numAccepted = 0;
  for (size_t i = 0; i < valid.size(); ++i)
    for (uint8_t flip : {0x01, 0x02, 0x80, 0xff}) {
      std::vector<uint8_t> bytes = valid;
      bytes[i] ^= flip;
      numAccepted += resealDamaged(bytes) && replayDamaged(bytes, 20);
    }
  EXPECT_GT(numAccepted, 0); // padding, names of tensors, window numbers
}

TEST(PlanLoad, RandomDamageUnderARightHashIsRejectedOrHarmless) {
  const std::vector<uint8_t> valid = makeValid().build();
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bytes = valid;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    if (resealDamaged(bytes))
      replayDamaged(bytes, 5);
  }
}

struct Mistake {
  const char *name;
  void (*make)(fb::PlanT &plan);
  const char *message;
};

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

fb::Bucket withBytes(const fb::Bucket &b, int64_t bytes) {
  return {b.ordinal(),      b.sender(),      bytes,          b.contributors(),
          b.destinations(), b.first_chunk(), b.num_chunks(), b.transport()};
}
fb::Bucket withTransport(const fb::Bucket &b, fb::Transport transport) {
  return {b.ordinal(),      b.sender(),      b.bytes(),      b.contributors(),
          b.destinations(), b.first_chunk(), b.num_chunks(), transport};
}
fb::Bucket withLists(const fb::Bucket &b, int64_t sender, uint32_t contributors,
                     uint32_t destinations) {
  return {b.ordinal(),  sender,          b.bytes(),      contributors,
          destinations, b.first_chunk(), b.num_chunks(), b.transport()};
}
fb::Bucket withChunks(const fb::Bucket &b, uint32_t first, uint32_t count) {
  return {b.ordinal(),      b.sender(), b.bytes(), b.contributors(),
          b.destinations(), first,      count,     b.transport()};
}

const Mistake kMistakes[] = {
    {"Version", [](fb::PlanT &plan) { plan.version = 1; }, "format version 1, expected 2"},
    {"TextHoldsANul",
     [](fb::PlanT &plan) {
       plan.pipeline += std::string("\0x", 2);
       plan.digest = fb::planDigest(plan.compiler, plan.pipeline, plan.declarations);
     },
     "texts hold a NUL byte"},
    {"Digest", [](fb::PlanT &plan) { plan.digest ^= 1; }, "texts have digest"},
    {"RanksDescend",
     [](fb::PlanT &plan) {
       plan.ranks = {2, 0};
     },
     "not ascending"},
    {"RankIsNegative",
     [](fb::PlanT &plan) {
       plan.ranks = {-1, 2};
     },
     "negative"},
    {"ProgramMissing", [](fb::PlanT &plan) { plan.programs.clear(); }, "plan has 0 programs"},
    {"ProgramOfAnotherRank", [](fb::PlanT &plan) { plan.programs[0]->rank = 1; }, "is of rank 1"},
    {"TensorNameIsEmpty", [](fb::PlanT &plan) { plan.tensors[0]->name = ""; }, "empty name"},
    {"TensorsShareAName", [](fb::PlanT &plan) { plan.tensors[0]->name = "g"; },
     "two tensors are named 'g'"},
    {"TensorType", [](fb::PlanT &plan) { plan.tensors[0]->dtype = fb::DType(12); },
     "unknown element type 12"},
    {"LoopOfSizeZero",
     [](fb::PlanT &plan) {
       plan.regions[0]->loops[0] = {0, 6};
     },
     "region 0: loop 0 has size 0"},
    {"LoopStrideZero",
     [](fb::PlanT &plan) {
       plan.regions[0]->loops[0] = {4, 0};
     },
     "region 0: loop 0 has stride 0"},
    {"LoopStrideNegative",
     [](fb::PlanT &plan) {
       plan.regions[0]->loops[0] = {4, -6};
     },
     "has stride -6"},
    {"LoopOverflows",
     [](fb::PlanT &plan) {
       plan.regions[0]->loops[0] = {kHuge, kHuge};
     },
     "reaches past 2^63"},
    {"LoopsOverflow",
     [](fb::PlanT &plan) {
       plan.regions[0]->loops = {{1 << 30, 1}, {1 << 30, 1}, {1 << 30, 1}};
     },
     "reaches past 2^63"},
    {"RegionOffsetNegative", [](fb::PlanT &plan) { plan.regions[0]->offset = -1; },
     "offset -1 is negative"},
    {"RegionOffsetHuge", [](fb::PlanT &plan) { plan.regions[0]->offset = kHuge; }, "too large"},
    {"RegionLeavesSource", [](fb::PlanT &plan) { plan.regions[0]->offset = 4; },
     "reaches element 24 of source 'a', which has 24"},
    {"RegionLeavesTarget", [](fb::PlanT &plan) { plan.programs[1]->targets[0]->shape = {11}; },
     "reaches element 11 of target 'a', which has 11"},
    {"RankListEmpty", [](fb::PlanT &plan) { plan.rank_lists[0]->ranks.clear(); },
     "rank list 0 is empty"},
    {"RankListRepeats",
     [](fb::PlanT &plan) {
       plan.rank_lists[0]->ranks = {0, 0};
     },
     "names rank 0 twice"},
    {"RankListUnknown", [](fb::PlanT &plan) { plan.rank_lists[0]->ranks = {1}; },
     "names rank 1, which is not a rank of the job"},
    {"BindingsShareAName", [](fb::PlanT &plan) { plan.programs[0]->sources[1]->name = "a"; },
     "two source bindings are named 'a'"},
    {"BindingNameIsEmpty", [](fb::PlanT &plan) { plan.programs[1]->targets[1]->name = ""; },
     "target 1 has an empty name"},
    {"BindingNameHasNul",
     [](fb::PlanT &plan) { plan.programs[1]->targets[1]->name = std::string("g\0", 2); },
     "target 1 has an empty name or a NUL"},
    {"BindingType", [](fb::PlanT &plan) { plan.programs[0]->sources[0]->dtype = fb::DType(200); },
     "source 'a' has unknown element type 200"},
    {"BindingCast", [](fb::PlanT &plan) { plan.programs[0]->targets[0]->dtype = fb::DType::I16; },
     "target 'a' of i16 cannot be cast from the wire's bf16"},
    {"BindingReduce",
     [](fb::PlanT &plan) { plan.programs[0]->sources[1]->reduce = fb::ReduceOp(9); },
     "cannot be reduced by operation 9"},
    {"TargetReduces",
     [](fb::PlanT &plan) { plan.programs[0]->targets[0]->reduce = fb::ReduceOp::Sum; },
     "cannot be reduced"},
    {"ContributorsWithoutReduction",
     [](fb::PlanT &plan) { plan.programs[0]->sources[1]->reduce = fb::ReduceOp::None; },
     "several contributors but no reduction"},
    {"ShapeNegative",
     [](fb::PlanT &plan) {
       plan.programs[0]->sources[0]->shape = {-4, -6};
     },
     "has size -4"},
    {"ShapeOverflows",
     [](fb::PlanT &plan) {
       plan.programs[0]->sources[0]->shape = {kHuge, 2};
     },
     "more than 2^63 bytes"},
    {"BytesOverflow", [](fb::PlanT &plan) { plan.programs[0]->sources[0]->shape = {kHuge}; },
     "more than 2^63 bytes"},
    {"ChunkUnknownTensor",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {9, 0, 0, kAbsent, kAbsent, 0}; },
     "program of rank 0: bucket 0 of 0 -> [2] in window 0: chunk 0: tensor 9 is unknown"},
    {"ChunkUnknownRegion",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 77, kAbsent, kAbsent, 0}; },
     "region 77 is unknown"},
    {"ChunkUnknownSource",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 2, 0, kAbsent, kAbsent, 0}; },
     "source 2 is unknown, the rank has 2"},
    {"ChunkUnknownTarget",
     [](fb::PlanT &plan) { plan.programs[1]->chunks[0] = {0, kAbsent, kAbsent, 2, 2, 0}; },
     "target 2 is unknown, the rank has 2"},
    {"ChunkHalfARole",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 0, 0, kAbsent, 0}; },
     "roles do not fit"},
    {"ZerosOfUnknownTarget",
     [](fb::PlanT &plan) {
       plan.programs[1]->zeros = {{2, 2}};
     },
     "zeros 0: target 2 is unknown"},
    {"ZerosOfUnknownRegion",
     [](fb::PlanT &plan) {
       plan.programs[1]->zeros = {{0, 99}};
     },
     "zeros 0: region 99 is unknown"},
    {"ZerosRepeat",
     [](fb::PlanT &plan) {
       plan.regions.push_back(std::make_unique<fb::RegionT>());
       plan.regions.back()->loops = {{3, 1}, {2, 1}};
       plan.programs[1]->zeros = {{1, 4}};
     },
     "zeros 0: region 4 repeats elements"},
    {"ZerosLeaveTarget",
     [](fb::PlanT &plan) {
       plan.programs[1]->zeros = {{1, 2}};
     },
     "zeros 0: region 2 reaches element 11 of target 'g', which has 4"},
    {"ChunkWithoutRole",
     [](fb::PlanT &plan) {
       plan.programs[0]->chunks[0] = {0, kAbsent, kAbsent, kAbsent, kAbsent, 0};
     },
     "roles do not fit"},
    {"ChunkWithExtraRole",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 0, 0, 3, 0}; }, "roles do not fit"},
    {"ChunkSidesDiffer", [](fb::PlanT &plan) { plan.programs[0]->chunks[2] = {0, 0, 0, 0, 3, 0}; },
     "source has 12 elements, target 4"},
    {"ChunkOffsetNegative",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 0, kAbsent, kAbsent, -2}; },
     "byte -2"},
    {"ChunkMisaligned",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 0, kAbsent, kAbsent, 1}; },
     "expected a multiple of 2"},
    {"ChunkExceedsBucket",
     [](fb::PlanT &plan) { plan.programs[0]->chunks[0] = {0, 0, 0, kAbsent, kAbsent, 2}; },
     "exceeds the bucket's 24 bytes"},
    {"ChunksOverlap",
     [](fb::PlanT &plan) {
       auto &program = *plan.programs[0];
       program.chunks.insert(program.chunks.begin() + 1, program.chunks[0]);
       for (fb::Bucket &bucket : program.buckets)
         bucket = &bucket == &program.buckets[0] ? withChunks(withBytes(bucket, 48), 0, 2)
                                                 : withChunks(bucket, bucket.first_chunk() + 1, 1);
     },
     "chunk 1 of tensor 'a' lies at byte 0, expected a multiple of 2 from 24 on"},
    {"BucketBytesZero",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withBytes(plan.programs[0]->buckets[0], 0);
     },
     "0 bytes"},
    {"BucketBytesHuge",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withBytes(plan.programs[0]->buckets[0], kHuge);
     },
     "bytes"},
    {"BucketStagesMoreThanStated",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withBytes(plan.programs[0]->buckets[0], int64_t{1} << 40);
     },
     "window 1 and the one before it stage"},
    {"BucketUnknownRankList",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withLists(plan.programs[0]->buckets[0], 0, 0, 99);
     },
     "has rank lists 0 and 99"},
    {"SenderDoesNotContribute",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withLists(plan.programs[0]->buckets[0], 2, 0, 1);
     },
     "sender 2 is not a contributor"},
    {"RankTakesNoPart",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withLists(plan.programs[0]->buckets[0], 2, 1, 1);
     },
     "neither contributor nor destination"},
    {"WireToItself",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[2] =
           withTransport(plan.programs[0]->buckets[2], fb::Transport::P2P);
     },
     "crosses the wire from rank 0 to itself"},
    {"LocalToAnother",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] =
           withTransport(plan.programs[0]->buckets[0], fb::Transport::Local);
     },
     "is not from the rank to itself"},
    {"NoneThatSends",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] =
           withTransport(plan.programs[0]->buckets[0], fb::Transport::None);
     },
     "transport none, but the rank sends"},
    {"TransportUnassigned",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] =
           withTransport(plan.programs[0]->buckets[0], fb::Transport::Unassigned);
     },
     "unknown transport 0"},
    {"TransportUnknown",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] =
           withTransport(plan.programs[0]->buckets[0], fb::Transport(33));
     },
     "unknown transport 33"},
    {"BucketSkipsAChunk",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withChunks(plan.programs[0]->buckets[0], 1, 1);
     },
     "expected to begin at 0 of 3"},
    {"BucketHasTooManyChunks",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[2] = withChunks(plan.programs[0]->buckets[2], 2, 0xffffffff);
     },
     "has chunks 2 + 4294967295"},
    {"BucketIsEmpty",
     [](fb::PlanT &plan) {
       plan.programs[0]->buckets[0] = withChunks(plan.programs[0]->buckets[0], 0, 0);
     },
     "has chunks 0 + 0"},
    {"ChunkInNoBucket",
     [](fb::PlanT &plan) { plan.programs[0]->chunks.push_back(plan.programs[0]->chunks[0]); },
     "buckets hold 3 chunks, but the program has 4"},
    {"WindowsDescend",
     [](fb::PlanT &plan) {
       plan.programs[0]->windows[1] = {0, 1, 1};
     },
     "window index 0 is negative or not ascending"},
    {"WindowIsEmpty",
     [](fb::PlanT &plan) {
       plan.programs[0]->windows[1] = {1, 1, 0};
     },
     "window 1 has buckets 1 + 0"},
    {"WindowHasTooManyBuckets",
     [](fb::PlanT &plan) {
       plan.programs[0]->windows[2] = {2, 2, 9};
     },
     "window 2 has buckets 2 + 9"},
    {"BucketInNoWindow", [](fb::PlanT &plan) { plan.programs[0]->windows.pop_back(); },
     "windows hold 2 buckets, but the program has 3"},
    {"SourceCannotBeCast", [](fb::PlanT &plan) { plan.tensors[0]->dtype = fb::DType::I32; },
     "source 'a' of f32 cannot be cast to the wire's i32"},
    {"LogicalChunkMissing",
     [](fb::PlanT &plan) {
       plan.programs[0]->logical.assign(2, {0, 0});
     },
     "has 3 chunks, but says of 2 what they are"},
    {"LogicalRegionUnknown",
     [](fb::PlanT &plan) {
       plan.programs[0]->logical.assign(3, {99, 0});
     },
     "chunk 0 is logical region 99 of 0"},
    {"StagingUnderstated", [](fb::PlanT &plan) { plan.programs[0]->staging_bytes = 55; },
     "window 1 and the one before it stage 56 bytes, but the program states 55"},
};

class PlanMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(PlanMistakes, AreRejectedWithTheReason) {
  PlanBuilder builder = makeValid();
  builder.build();
  GetParam().make(builder.plan);
  const Outcome outcome = load(PlanBuilder::seal(builder.plan));
  EXPECT_EQ(outcome.status, XFER_INVALID_PLAN);
  EXPECT_NE(outcome.text.find(GetParam().message), std::string::npos) << outcome.text;
}

INSTANTIATE_TEST_SUITE_P(Each, PlanMistakes, testing::ValuesIn(kMistakes),
                         [](const auto &info) { return info.param.name; });

// A file whose programs all name one long vector is small and would take forever.
TEST(PlanLoad, SharedVectorsAreRefused) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<fb::Loop> loops(2000, {1, 1});
  const auto shared = builder.CreateVectorOfStructs(loops);
  std::vector<flatbuffers::Offset<fb::Region>> regions;
  for (int i = 0; i < 2000; ++i)
    regions.push_back(fb::CreateRegion(builder, 0, shared));
  const auto text = builder.CreateString("");
  const auto regionVector = builder.CreateVector(regions);
  fb::PlanBuilder plan(builder);
  plan.add_version(fb::kPlanVersion);
  plan.add_compiler(text);
  plan.add_pipeline(text);
  plan.add_declarations(text);
  plan.add_digest(fb::planDigest("", "", ""));
  plan.add_content(1);
  plan.add_regions(regionVector);
  fb::FinishPlanBuffer(builder, plan.Finish());
  std::vector<uint8_t> bytes(builder.GetBufferPointer(),
                             builder.GetBufferPointer() + builder.GetSize());
  ASSERT_TRUE(fb::sealPlan(bytes));
  const Outcome outcome = load(bytes);
  EXPECT_EQ(outcome.status, XFER_INVALID_PLAN);
  EXPECT_NE(outcome.text.find("loops are misaligned or shared"), std::string::npos) << outcome.text;
}

// A device reads contributions by their elements.
TEST(PlanLoad, ContributionsAreAligned) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::F32), b = builder.tensor("b", fb::DType::F32);
  for (int64_t rank : {0, 1}) {
    builder.source(rank, a, fb::DType::BF16, {3}, fb::ReduceOp::Sum);
    builder.source(rank, b, fb::DType::F64, {2}, fb::ReduceOp::Sum);
  }
  builder.target(1, a, fb::DType::F32, {3});
  builder.target(1, b, fb::DType::F32, {2});
  const uint32_t three = builder.region(0, {{3, 1}}), two = builder.region(0, {{2, 1}});
  builder.bucket(
      {0, fb::Transport::P2P, {0, 1}, 0, {1}, 20, {{a, three, three}, {b, two, two, 12}}});
  const Outcome outcome = load(builder.build());
  EXPECT_EQ(outcome.status, XFER_INVALID_PLAN);
  EXPECT_NE(outcome.text.find("chunk 1 of tensor 'b' contributes at byte 6, expected a multiple "
                              "of 8"),
            std::string::npos)
      << outcome.text;
}

TEST(PlanLoad, NullArgumentsAreRejected) {
  xfer_plan_t *plan = nullptr;
  EXPECT_EQ(xfer_plan_load(nullptr, 0, &plan), XFER_INVALID_PLAN);
  EXPECT_EQ(xfer_plan_load(nullptr, 4, &plan), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_plan_load("", 0, nullptr), XFER_INVALID_ARGUMENT);
  xfer_plan_destroy(nullptr);
}

} // namespace
