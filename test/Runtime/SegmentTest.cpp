//===- SegmentTest.cpp - The parts that a bucket crosses in ---------------===//
//
// Where buckets are cut, that both ends cut alike whatever their layouts, and
// which parts lie in a tensor.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include "Messages.h"

using namespace xfer;
using namespace xfer::test;
using runtime::kLongChunkBytes;
using runtime::Messages;
using runtime::Segment;

namespace {

constexpr int64_t kLong = kLongChunkBytes / 4; // elements of i32
constexpr auto kType = fb::DType::I32;

/// Rank 0 sends chunks of these numbers of elements to 1 and 2, each from and to a tensor that has
/// twice as many. Where `spread` says so, every other element is meant.
struct Spread {
  bool source = false, target = false;
};
PlanBuilder makePlan(const std::vector<int64_t> &sizes, const std::vector<Spread> &spread = {}) {
  PlanBuilder builder({0, 1, 2});
  BucketText bucket = {0, fb::Transport::P2P, {0}, 0, {1, 2}, 0, {}};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const uint32_t tensor = builder.tensor("t" + std::to_string(i), kType);
    const Spread at = spread.empty() ? Spread() : spread[i];
    builder.source(0, tensor, kType, {2 * sizes[i]});
    for (int64_t rank : {1, 2})
      builder.target(rank, tensor, kType, {2 * sizes[i]});
    bucket.chunks.push_back({tensor, builder.region(0, {{sizes[i], at.source ? 2 : 1}}),
                             builder.region(1, {{sizes[i], at.target ? 2 : 1}}), bucket.bytes});
    bucket.bytes += 4 * sizes[i];
  }
  for (int64_t rank : {0, 1, 2})
    builder.program(rank).staging_bytes = bucket.bytes;
  builder.bucket(bucket);
  return builder;
}

struct Loaded {
  explicit Loaded(PlanBuilder builder) : job(builder.build()) {}
  Messages messages(size_t rank) const { return {*job.plan, job.plan->programs[rank]}; }
  Job job;
};

/// "0+4 4+8": offsets and sizes in elements of i32.
std::string describe(std::span<const Segment> segments) {
  std::string text;
  for (const Segment &segment : segments)
    text += (text.empty() ? "" : " ") + std::to_string(segment.offset / 4) + "+" +
            std::to_string(segment.bytes / 4) + ":" + std::to_string(segment.numChunks);
  return text;
}

std::string cut(const std::vector<int64_t> &sizes) {
  return describe(Loaded(makePlan(sizes)).messages(0).segmentsOf(0));
}

TEST(Segment, LongChunksCrossAloneAndShortNeighboursTogether) {
  const std::string L = std::to_string(kLong);
  const auto after = [](int64_t longs, int64_t rest) {
    return std::to_string(longs * kLong + rest);
  };
  EXPECT_EQ(cut({1}), "0+1:1");
  EXPECT_EQ(cut({1, 2, 3}), "0+6:3");
  EXPECT_EQ(cut({kLong - 1, kLong - 1}), "0+" + after(2, -2) + ":2");
  EXPECT_EQ(cut({kLong}), "0+" + L + ":1");
  EXPECT_EQ(cut({kLong, kLong}), "0+" + L + ":1 " + L + "+" + L + ":1");
  EXPECT_EQ(cut({1, 2, kLong, 5}), "0+3:2 3+" + L + ":1 " + after(1, 3) + "+5:1");
  EXPECT_EQ(cut({kLong, 5, 7, kLong}),
            "0+" + L + ":1 " + L + "+12:2 " + after(1, 12) + "+" + L + ":1");
}

TEST(Segment, ShortNeighboursShareUpToALimit) {
  const int64_t size = kLong / 2, perSegment = runtime::kSharedSegmentBytes / 4 / size;
  const std::string full = std::to_string(perSegment * size), shared = std::to_string(perSegment);
  const std::vector<int64_t> sizes(static_cast<size_t>(perSegment), size);
  EXPECT_EQ(cut(sizes), "0+" + full + ":" + shared);
  std::vector<int64_t> more = sizes;
  more.push_back(1);
  EXPECT_EQ(cut(more), "0+" + full + ":" + shared + " " + full + "+1:1");
}

TEST(Segment, ATensorServesAsPackedBufferWhereItLiesAsItCrosses) {
  const Loaded loaded(makePlan({kLong, kLong, kLong, 8},
                               {{false, true}, {true, false}, {false, false}, {false, false}}));
  const Messages sender = loaded.messages(0), receiver = loaded.messages(1);
  ASSERT_EQ(sender.segments.size(), 4U);
  const bool packs[] = {true, false, true, true}, unpacks[] = {false, true, true, true};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(sender.segments[i].packsInPlace, packs[i]) << i;
    EXPECT_FALSE(sender.segments[i].unpacksInPlace) << i;
    EXPECT_EQ(receiver.segments[i].unpacksInPlace, unpacks[i]) << i;
    EXPECT_FALSE(receiver.segments[i].packsInPlace) << i;
  }
}

TEST(Segment, BothEndsCutAlike) {
  const Loaded loaded(
      makePlan({3, kLong, 4, 5, kLong}, {{true, true}, {true, false}, {}, {}, {false, true}}));
  const std::vector<runtime::Envelope> &sends = loaded.messages(0).sends;
  ASSERT_EQ(sends.size(), 8U); // segment by segment to both
  for (size_t rank : {1, 2}) {
    const std::vector<runtime::Envelope> &receives = loaded.messages(rank).receives;
    ASSERT_EQ(receives.size(), 4U);
    for (size_t i = 0; i < 4; ++i)
      EXPECT_EQ(receives[i], sends[2 * i + rank - 1]) << i;
  }
}

// What no chunk names crosses too, so that both ends must mean the same bytes.
TEST(Segment, GapsBelongToTheSegmentBeforeThem) {
  PlanBuilder builder = makePlan({kLong, 8});
  for (const auto &program : builder.plan.programs) {
    const fb::Chunk last = program->chunks[1];
    program->chunks[1] = {last.tensor(), last.source(),        last.source_region(),
                          last.target(), last.target_region(), last.offset() + 16};
    const fb::Bucket bucket = program->buckets[0];
    program->buckets[0] = {bucket.ordinal(),      bucket.sender(),       bucket.bytes() + 16,
                           bucket.contributors(), bucket.destinations(), bucket.first_chunk(),
                           bucket.num_chunks(),   bucket.transport()};
    program->staging_bytes += 16;
  }
  const Loaded loaded(std::move(builder));
  const Messages messages = loaded.messages(0);
  EXPECT_EQ(describe(messages.segmentsOf(0)),
            "0+" + std::to_string(kLong + 4) + ":1 " + std::to_string(kLong + 4) + "+8:1");
  EXPECT_FALSE(messages.segments[0].packsInPlace);
}

} // namespace
