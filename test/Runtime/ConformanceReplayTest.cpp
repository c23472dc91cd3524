//===- ConformanceReplayTest.cpp - What a replay moves --------------------===//
//
// Every transport and role, reductions, casts, windows, on every backend. The data
// is checked on every rank.
//===----------------------------------------------------------------------===//
#include "Elements.h"
#include "Job.h"
#include <array>
#include <cmath>

using namespace xfer;
using namespace xfer::test;

namespace {

class Replay : public OnBackend {
protected:
  std::vector<float> reduce(fb::ReduceOp op, const std::vector<std::vector<float>> &contributions,
                            bool strided);
};
XFER_ON_EVERY_BACKEND(Replay);

TEST_P(Replay, UnicastOfStridedRegionsInOneBucket) {
  PlanBuilder builder({0, 4});
  const uint32_t a = builder.tensor("a", fb::DType::I32), b = builder.tensor("b", fb::DType::I16);
  builder.source(0, a, fb::DType::I32, {4, 6});
  builder.source(0, b, fb::DType::I16, {3});
  builder.target(4, a, fb::DType::I32, {3, 4});
  builder.target(4, b, fb::DType::I16, {3});
  // Columns 1:4 of the source become rows of the target, and columns 0:3.
  const uint32_t columns = builder.region(1, {{4, 6}, {3, 1}});
  const uint32_t transposed = builder.region(0, {{4, 1}, {3, 4}});
  const uint32_t all = builder.region(0, {{3, 1}});
  builder.bucket(
      {0, fb::Transport::P2P, {0}, 0, {4}, 54, {{a, columns, transposed}, {b, all, all, 48}}});
  Job job(builder.build(), makePlace());
  job.fill<int32_t>(0, "a", iota<int32_t>(24));
  job.fill<int16_t>(0, "b", {7, 8, 9});
  job.replay();
  EXPECT_EQ(job.read<int32_t>(4, "a"),
            (std::vector<int32_t>{1, 7, 13, 19, 2, 8, 14, 20, 3, 9, 15, 21}));
  EXPECT_EQ(job.read<int16_t>(4, "b"), (std::vector<int16_t>{7, 8, 9}));
}

TEST_P(Replay, OneContiguousChunkUsesTensorMemory) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I64);
  builder.source(0, a, fb::DType::I64, {8});
  builder.target(1, a, fb::DType::I64, {8});
  builder.bucket({0,
                  fb::Transport::P2P,
                  {0},
                  0,
                  {1},
                  32,
                  {{a, builder.region(4, {{4, 1}}), builder.region(2, {{2, 2}, {2, 1}})}}});
  builder.program(0).staging_bytes = 0;  // nothing may be staged
  builder.program(1).staging_bytes = 32; // what arrives, where ranks do not share memory
  Job job(builder.build(), makePlace());
  job.fill<int64_t>(0, "a", iota<int64_t>(8));
  job.replay();
  const auto got = job.read<int64_t>(1, "a");
  EXPECT_EQ((std::vector<int64_t>(got.begin() + 2, got.begin() + 6)),
            (std::vector<int64_t>{4, 5, 6, 7}));
}

class FanOut : public testing::TestWithParam<std::tuple<const Backend *, fb::Transport>> {
protected:
  void SetUp() override {
    if (const std::string reason = std::get<0>(GetParam())->reasonToSkip(); !reason.empty())
      GTEST_SKIP() << reason;
  }
  std::shared_ptr<Place> makePlace() const { return std::get<0>(GetParam())->makePlace(); }
  fb::Transport transport() const { return std::get<1>(GetParam()); }
};

TEST_P(FanOut, OneBufferReachesEveryDestination) {
  PlanBuilder builder({0, 1, 2, 3});
  const uint32_t a = builder.tensor("a", fb::DType::U8);
  const uint32_t even = builder.region(0, {{4, 2}}), all = builder.region(0, {{4, 1}});
  builder.source(1, a, fb::DType::U8, {8});
  for (int64_t rank : {0, 2, 3})
    builder.target(rank, a, fb::DType::U8, {4});
  builder.bucket({0, transport(), {1}, 1, {3, 0, 2}, 4, {{a, even, all}}});
  Job job(builder.build(), makePlace());
  job.fill<uint8_t>(1, "a", iota<uint8_t>(8));
  job.replay(3);
  for (int64_t rank : {0, 2, 3})
    EXPECT_EQ(job.read<uint8_t>(rank, "a"), (std::vector<uint8_t>{0, 2, 4, 6})) << rank;
}

TEST_P(FanOut, SenderAmongItsDestinationsWritesItsTargetToo) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  const uint32_t all = builder.region(0, {{4, 1}}),
                 reversedHalves = builder.region(0, {{2, 2}, {2, 1}});
  builder.source(0, a, fb::DType::I32, {4});
  builder.target(0, a, fb::DType::I32, {4});
  builder.target(1, a, fb::DType::I32, {4});
  builder.bucket({0, transport(), {0}, 0, {0, 1}, 16, {{a, all, reversedHalves}}});
  Job job(builder.build(), makePlace());
  job.fill<int32_t>(0, "a", iota<int32_t>(4));
  job.replay();
  EXPECT_EQ(job.read<int32_t>(0, "a"), iota<int32_t>(4));
  EXPECT_EQ(job.read<int32_t>(1, "a"), iota<int32_t>(4));
}

INSTANTIATE_TEST_SUITE_P(Transports, FanOut,
                         testing::Combine(testing::ValuesIn(backends()),
                                          testing::Values(fb::Transport::P2P,
                                                          fb::Transport::Broadcast)),
                         [](const auto &info) {
                           return std::get<0>(info.param)->name() + std::string("_") +
                                  fb::EnumNameTransport(std::get<1>(info.param));
                         });

// An earlier system decided by one flag whether a bucket reads or writes; a self-copy does both,
// and its write was lost.
TEST_P(Replay, SelfCopyWritesItsTarget) {
  PlanBuilder builder({0});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  builder.source(0, a, fb::DType::I32, {4});
  builder.target(0, a, fb::DType::I32, {2});
  builder.bucket({0,
                  fb::Transport::Local,
                  {0},
                  0,
                  {0},
                  8,
                  {{a, builder.region(1, {{2, 1}}), builder.region(0, {{2, 1}})}}});
  Job job(builder.build(), makePlace());
  job.fill<int32_t>(0, "a", {10, 11, 12, 13});
  job.replay();
  EXPECT_EQ(job.read<int32_t>(0, "a"), (std::vector<int32_t>{11, 12}));
}

TEST_P(Replay, BundledSelfCopiesWriteEveryTargetBesideABroadcast) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32), b = builder.tensor("b", fb::DType::BF16),
                 c = builder.tensor("c", fb::DType::I32);
  const uint32_t all = builder.region(0, {{4, 1}}), even = builder.region(0, {{2, 2}}),
                 two = builder.region(0, {{2, 1}});
  for (uint32_t tensor : {a, b, c})
    builder.source(0, tensor, tensor == b ? fb::DType::F32 : fb::DType::I32, {4});
  builder.target(0, a, fb::DType::I32, {4});
  builder.target(0, b, fb::DType::F32, {2});
  builder.target(0, c, fb::DType::I32, {4});
  builder.target(1, c, fb::DType::I32, {4});
  builder.bucket({0, fb::Transport::Local, {0}, 0, {0}, 20, {{a, all, all}, {b, even, two, 16}}});
  builder.bucket({0, fb::Transport::Broadcast, {0}, 0, {0, 1}, 16, {{c, all, all}}});
  Job job(builder.build(), makePlace());
  job.fill<int32_t>(0, "a", iota<int32_t>(4, 1));
  job.fill<float>(0, "b", {1.00390625f, 0, 3, 0}); // rounds to 1 on the wire
  job.fill<int32_t>(0, "c", iota<int32_t>(4, 50));
  job.replay();
  EXPECT_EQ(job.read<int32_t>(0, "a"), iota<int32_t>(4, 1));
  EXPECT_EQ(job.read<float>(0, "b"), (std::vector<float>{1, 3}));
  for (int64_t rank : {0, 1})
    EXPECT_EQ(job.read<int32_t>(rank, "c"), iota<int32_t>(4, 50));
}

/// {3, 1, 2} via 1 -> [0, 1, 3]: the sender is in the middle, two contributors receive.
std::vector<float> Replay::reduce(fb::ReduceOp op,
                                  const std::vector<std::vector<float>> &contributions,
                                  bool strided) {
  PlanBuilder builder({0, 1, 2, 3});
  const uint32_t g = builder.tensor("g", fb::DType::F32), h = builder.tensor("h", fb::DType::F32);
  const auto count = static_cast<int64_t>(contributions[0].size());
  const uint32_t all = builder.region(0, {{count, 1}});
  const uint32_t from = strided ? builder.region(1, {{count, 2}}) : all;
  for (int64_t rank : {1, 2, 3})
    for (uint32_t tensor : {g, h})
      builder.source(rank, tensor, fb::DType::F32, {strided ? 2 * count : count}, op);
  for (int64_t rank : {0, 1, 3})
    for (uint32_t tensor : {g, h})
      builder.target(rank, tensor, fb::DType::F32, {count});
  std::vector<ChunkText> chunks = {{g, from, all}};
  if (strided)
    chunks.push_back({h, from, all, 4 * count + 4});
  builder.bucket({0,
                  fb::Transport::P2P,
                  {3, 1, 2},
                  1,
                  {0, 1, 3},
                  strided ? 8 * count + 4 : 4 * count,
                  chunks});
  Job job(builder.build(), makePlace());
  const int64_t order[] = {3, 1, 2};
  for (size_t i = 0; i < 3; ++i)
    for (const char *name : {"g", "h"}) {
      std::vector<float> values(strided ? 2 * contributions[i].size() : contributions[i].size());
      for (size_t e = 0; e < contributions[i].size(); ++e)
        values[strided ? 2 * e + 1 : e] = contributions[i][e];
      job.fill<float>(order[i], name, values);
    }
  job.replay();
  const auto result = job.read<float>(0, "g");
  for (int64_t rank : {1, 3})
    EXPECT_EQ(0, std::memcmp(job.read<float>(rank, "g").data(), result.data(), 4 * result.size()));
  if (strided) {
    EXPECT_EQ(0, std::memcmp(job.read<float>(3, "h").data(), result.data(), 4 * result.size()));
  }
  return result;
}

TEST_P(Replay, ReductionsFoldInContributorOrder) {
  const std::vector<std::vector<float>> contributions = {
      {1e8f, 3, -0.0f, NAN}, {1, 5, 0.0f, 2}, {-1e8f, 4, 7, 1}};
  for (bool strided : {false, true}) {
    const auto sum = reduce(fb::ReduceOp::Sum, contributions, strided);
    EXPECT_EQ(sum[0], 0); // 1e8 + 1 is 1e8: in another order it would be 1
    EXPECT_EQ(sum[1], 12);
    EXPECT_TRUE(std::isnan(sum[3]));
    EXPECT_EQ(reduce(fb::ReduceOp::Avg, contributions, strided)[1], 4);
    EXPECT_EQ(reduce(fb::ReduceOp::Product, contributions, strided)[1], 60);
    const auto min = reduce(fb::ReduceOp::Min, contributions, strided);
    EXPECT_EQ(min[1], 3);
    EXPECT_TRUE(min[2] == 0 && std::signbit(min[2]));
    EXPECT_TRUE(std::isnan(min[3]));
    const auto max = reduce(fb::ReduceOp::Max, contributions, strided);
    EXPECT_EQ(max[0], 1e8f);
    EXPECT_EQ(max[2], 7);
    EXPECT_TRUE(std::isnan(max[3]));
  }
}

TEST_P(Replay, ReduceToOneselfThenToOthers) {
  PlanBuilder builder({0, 1, 2});
  const uint32_t g = builder.tensor("g", fb::DType::F16);
  constexpr int64_t kCount = 5000; // more than one block of the fold
  const uint32_t all = builder.region(0, {{kCount, 1}});
  for (int64_t rank : {0, 1})
    builder.source(rank, g, fb::DType::F32, {kCount}, fb::ReduceOp::Sum);
  for (int64_t rank : {0, 2})
    builder.target(rank, g, fb::DType::F32, {kCount});
  builder.bucket({0, fb::Transport::Local, {0, 1}, 0, {0}, 2 * kCount, {{g, all, all}}});
  builder.bucket({0, fb::Transport::P2P, {0, 1}, 0, {2}, 2 * kCount, {{g, all, all}}});
  Job job(builder.build(), makePlace());
  job.fill<float>(0, "g", iota<float>(kCount));
  job.fill<float>(1, "g", iota<float>(kCount, 1));
  job.replay(2);
  std::vector<float> expected(kCount); // odd numbers: f16 rounds those above 2048 to even multiples
  for (int64_t i = 0; i < kCount; ++i) {
    const float sum = static_cast<float>(2 * i + 1);
    const float step = sum < 2048 ? 1 : sum < 4096 ? 2 : sum < 8192 ? 4 : 8;
    expected[static_cast<size_t>(i)] = std::nearbyintf(sum / step) * step;
  }
  EXPECT_EQ(job.read<float>(0, "g"), expected);
  EXPECT_EQ(job.read<float>(2, "g"), expected);
}

// Each of 6 ranks sends its own part to all others over many windows whose buckets are staged, so
// that both ends of the arena are reused; replays follow each other without waiting.
TEST_P(Replay, ManyWindowsAreDoubleBuffered) {
  constexpr int64_t kRanks = 6, kWindows = 11, kCount = 64;
  PlanBuilder builder(iota<int64_t>(kRanks));
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  for (int64_t rank = 0; rank < kRanks; ++rank) {
    builder.source(rank, a, fb::DType::I32, {kWindows, kCount, 2});
    builder.target(rank, a, fb::DType::I32, {kRanks, kWindows, kCount});
    builder.program(rank).staging_bytes = kRanks * 4 * (kCount + kCount / 4);
  }
  for (int64_t window = 0; window < kWindows; ++window)
    for (int64_t sender = 0; sender < kRanks; ++sender) {
      // Sizes that grow and shrink, so that the halves meet in the middle.
      const int64_t count = window % 3 == 1 ? kCount : kCount / 4;
      const uint32_t from = builder.region(window * kCount * 2, {{count, 2}});
      const uint32_t to = builder.region((sender * kWindows + window) * kCount, {{count, 1}});
      std::vector<int64_t> others;
      for (int64_t rank = 0; rank < kRanks; ++rank)
        if (rank != sender)
          others.push_back(rank);
      builder.bucket({3 * window,
                      fb::Transport::P2P,
                      {sender},
                      sender,
                      others,
                      4 * count,
                      {{a, from, to}},
                      window});
    }
  Job job(builder.build(), makePlace());
  for (int64_t rank = 0; rank < kRanks; ++rank)
    job.fill<int32_t>(rank, "a",
                      iota<int32_t>(kWindows * kCount * 2, static_cast<int32_t>(rank * 100'000)));
  job.replay(20);
  for (int64_t rank = 0; rank < kRanks; ++rank) {
    const auto got = job.read<int32_t>(rank, "a");
    for (int64_t sender = 0; sender < kRanks; ++sender)
      for (int64_t window = 0; window < kWindows && sender != rank; ++window)
        for (int64_t i = 0; i < (window % 3 == 1 ? kCount : kCount / 4); ++i)
          ASSERT_EQ(got[static_cast<size_t>((sender * kWindows + window) * kCount + i)],
                    sender * 100'000 + window * kCount * 2 + 2 * i);
  }
}

// Two tensors in one source storage, one of them twice in a target, and zeros between.
TEST_P(Replay, StoragesHoldSeveralTensors) {
  PlanBuilder builder({0, 1});
  const uint32_t q = builder.tensor("q", fb::DType::I64), k = builder.tensor("k", fb::DType::I64);
  builder.sourceStorage(0, "qk", fb::DType::I64, {3, 4});
  builder.targetStorage(1, "q", fb::DType::I64, {10});
  builder.targetStorage(1, "kk", fb::DType::I64, {1});
  const uint32_t left = builder.region(0, {{3, 4}}), last = builder.region(11, {}),
                 first = builder.region(0, {{3, 1}}), second = builder.region(7, {{3, 1}}),
                 scalar = builder.region(0, {});
  builder.zeros(1, "q", builder.region(1, {{4, 2}}));
  builder.bucket({0,
                  fb::Transport::P2P,
                  {0},
                  0,
                  {1},
                  56,
                  {{q, left, first, 0, "qk"},
                   {q, left, second, 24, "qk"},
                   {k, last, scalar, 48, "qk", "kk"}}});
  Job job(builder.build(), makePlace());
  job.fill<int64_t>(0, "qk", iota<int64_t>(12, 1));
  for (int i = 0; i < 2; ++i) {
    job.replay();
    auto got = job.read<int64_t>(1, "q");
    for (size_t untouched : {4, 6}) // a target's other elements keep what they hold
      EXPECT_EQ(static_cast<uint64_t>(std::exchange(got[untouched], -1)), 0xa5a5a5a5a5a5a5a5);
    EXPECT_EQ(got, (std::vector<int64_t>{1, 5, 9, 0, -1, 0, -1, 1, 5, 9}));
    EXPECT_EQ(job.read<int64_t>(1, "kk"), (std::vector<int64_t>{12}));
  }
}

TEST_P(Replay, ZerosAloneAreWritten) {
  PlanBuilder builder({0});
  builder.targetStorage(0, "pad", fb::DType::BF16, {3, 2});
  builder.zeros(0, "pad", builder.region(2, {{4, 1}}));
  Job job(builder.build(), makePlace());
  job.replay();
  EXPECT_EQ(job.read<uint16_t>(0, "pad"), (std::vector<uint16_t>{0xa5a5, 0xa5a5, 0, 0, 0, 0}));
}

TEST_P(Replay, CastsThroughTheWireTypeRoundTwice) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::BF16);
  builder.source(0, a, fb::DType::I64, {2});
  builder.target(1, a, fb::DType::F8E4M3FN, {2});
  const uint32_t all = builder.region(0, {{2, 1}});
  builder.bucket({0, fb::Transport::P2P, {0}, 0, {1}, 4, {{a, all, all}}});
  Job job(builder.build(), makePlace());
  job.fill<int64_t>(0, "a", {-300, 1000});
  job.replay();
  EXPECT_EQ(job.read<uint8_t>(1, "a"), (std::vector<uint8_t>{0xf9, 0x7f})); // -288; NaN
}

/// `count` values of a type, none like its neighbours.
std::vector<float> numbers(int64_t count, int64_t first) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>((first + i) % 251);
  return values;
}

// Long enough for messages of their own on the backends that have them.
TEST_P(Replay, LongChunksAmongShortOnesInOneBucket) {
  constexpr int64_t kLong = 100'000, kShort = 5;
  PlanBuilder builder({0, 1, 2});
  struct Piece {
    int64_t count;
    bool isSpreadAtSource, isSpreadAtTarget;
  };
  const std::vector<Piece> pieces = {
      {kShort, false, false}, {kLong, false, false}, {kLong, true, false}, {kShort, true, true},
      {kShort, false, true},  {kLong, false, true},  {kLong, true, true}};
  BucketText bucket = {0, fb::Transport::P2P, {0}, 0, {1, 2}, 0, {}};
  for (const Piece &piece : pieces) {
    const uint32_t tensor =
        builder.tensor("t" + std::to_string(bucket.chunks.size()), fb::DType::F32);
    builder.source(0, tensor, fb::DType::F32, {2 * piece.count});
    for (int64_t rank : {1, 2})
      builder.target(rank, tensor, fb::DType::F32, {2 * piece.count});
    auto region = [&](bool isSpread) {
      return builder.region(isSpread ? 1 : 0, {{piece.count, isSpread ? 2 : 1}});
    };
    bucket.chunks.push_back(
        {tensor, region(piece.isSpreadAtSource), region(piece.isSpreadAtTarget), bucket.bytes});
    bucket.bytes += 4 * piece.count;
  }
  for (int64_t rank : {0, 1, 2})
    builder.program(rank).staging_bytes = 2 * bucket.bytes;
  builder.bucket(bucket);
  bucket.window = bucket.ordinal = 1;
  builder.bucket(bucket); // again, so that windows share the staging
  Job job(builder.build(), makePlace());
  job.checksums = 1;
  std::vector<std::vector<float>> sources;
  for (size_t i = 0; i < pieces.size(); ++i) {
    sources.push_back(numbers(2 * pieces[i].count, static_cast<int64_t>(31 * i)));
    job.fill<float>(0, "t" + std::to_string(i), sources.back());
  }
  job.replay(3);
  for (int64_t rank : {1, 2})
    for (size_t i = 0; i < pieces.size(); ++i) {
      const std::vector<float> got = job.read<float>(rank, "t" + std::to_string(i));
      int64_t numWrong = 0;
      for (int64_t k = 0; k < pieces[i].count; ++k)
        numWrong += got[static_cast<size_t>(pieces[i].isSpreadAtTarget ? 2 * k + 1 : k)] !=
                    sources[i][static_cast<size_t>(pieces[i].isSpreadAtSource ? 2 * k + 1 : k)];
      EXPECT_EQ(numWrong, 0) << "rank " << rank << ", tensor " << i;
    }
}

TEST_P(Replay, LongChunksAreReducedAndCast) {
  constexpr int64_t kLong = 150'000, kShort = 3;
  PlanBuilder builder({0, 1, 2});
  const uint32_t a = builder.tensor("a", fb::DType::BF16), b = builder.tensor("b", fb::DType::BF16);
  for (int64_t rank : {0, 1}) {
    builder.source(rank, a, fb::DType::F32, {kShort}, fb::ReduceOp::Sum);
    builder.source(rank, b, fb::DType::F32, {kLong}, fb::ReduceOp::Sum);
  }
  for (int64_t rank : {1, 2}) {
    builder.target(rank, a, fb::DType::F32, {kShort});
    builder.target(rank, b, fb::DType::BF16, {kLong});
  }
  for (int64_t rank : {0, 1, 2})
    builder.program(rank).staging_bytes = 20 * kLong;
  const uint32_t some = builder.region(0, {{kShort, 1}}), all = builder.region(0, {{kLong, 1}});
  builder.bucket({0,
                  fb::Transport::P2P,
                  {0, 1},
                  1,
                  {2, 1},
                  2 * (kShort + kLong),
                  {{a, some, some}, {b, all, all, 2 * kShort}}});
  Job job(builder.build(), makePlace());
  for (int64_t rank : {0, 1}) {
    job.fill<float>(rank, "a", {1, 2, 3});
    job.fill<float>(rank, "b", numbers(kLong, rank));
  }
  job.replay(2);
  const std::vector<float> first = numbers(kLong, 0), second = numbers(kLong, 1);
  for (int64_t rank : {1, 2}) {
    EXPECT_EQ(job.read<float>(rank, "a"), (std::vector<float>{2, 4, 6}));
    const std::vector<uint16_t> got = job.read<uint16_t>(rank, "b");
    int64_t numWrong = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      uint16_t expected;
      runtime::copyFunction(XFER_F32, XFER_BF16)(
          reinterpret_cast<const std::byte *>(std::array{first[i] + second[i]}.data()), 1,
          reinterpret_cast<std::byte *>(&expected), 1, 1);
      numWrong += got[i] != expected;
    }
    EXPECT_EQ(numWrong, 0) << "rank " << rank;
  }
}

TEST_P(Replay, ScalarsEmptyTensorsAndIdleRanks) {
  PlanBuilder builder({0, 1, 2});
  const uint32_t a = builder.tensor("a", fb::DType::F64), b = builder.tensor("b", fb::DType::F64);
  builder.source(0, a, fb::DType::F64, {});
  builder.source(0, b, fb::DType::F64, {3, 0});
  builder.target(1, a, fb::DType::F64, {});
  builder.target(2, b, fb::DType::F64, {0, 3});
  const uint32_t scalar = builder.region(0, {});
  builder.bucket({0, fb::Transport::P2P, {0}, 0, {1}, 8, {{a, scalar, scalar}}});
  Job job(builder.build(), makePlace());
  job.fill<double>(0, "a", {2.5});
  job.replay();
  EXPECT_EQ(job.read<double>(1, "a"), (std::vector<double>{2.5}));
}

TEST_P(Replay, InfoCountsWhatMoves) {
  PlanBuilder builder({0, 1, 2});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  const uint32_t all = builder.region(0, {{4, 1}});
  for (int64_t rank : {0, 1})
    builder.source(rank, a, fb::DType::I32, {4}, fb::ReduceOp::Sum);
  for (int64_t rank : {0, 1, 2})
    builder.target(rank, a, fb::DType::I32, {4});
  builder.bucket({0, fb::Transport::P2P, {0, 1}, 0, {1, 2}, 16, {{a, all, all}}});
  builder.bucket({1, fb::Transport::Local, {0}, 0, {0}, 16, {{a, all, all}}});
  builder.bucket({1, fb::Transport::Broadcast, {1}, 1, {0, 2}, 16, {{a, all, all}}});
  Job job(builder.build(), makePlace());
  xfer_program_info_t info = {};
  ASSERT_EQ(xfer_plan_get_program(job.plan, 0, &info), XFER_OK);
  EXPECT_EQ(info.num_windows, 2);
  EXPECT_EQ(info.num_buckets, 3);
  EXPECT_EQ(info.p2p_messages, 2);
  EXPECT_EQ(info.reductions, 1);
  EXPECT_EQ(info.local_copies, 1);
  EXPECT_EQ(info.sent_bytes, 32);
  EXPECT_EQ(info.received_bytes, 32); // one contribution, one broadcast
  EXPECT_EQ(info.local_bytes, 16);
  EXPECT_EQ(info.staging_bytes, 16); // the folded bucket; all else lies in tensors
  ASSERT_EQ(xfer_plan_get_program(job.plan, 1, &info), XFER_OK);
  EXPECT_EQ(info.p2p_messages, 1); // its contribution
  EXPECT_EQ(info.broadcasts, 1);
  EXPECT_EQ(info.sent_bytes, 32);
  EXPECT_EQ(info.received_bytes, 16);
}

} // namespace
