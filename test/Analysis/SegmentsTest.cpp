//===- SegmentsTest.cpp - toSegments loses and adds nothing ----------------===//
#include "xfer/Analysis/Segments.h"
#include <gtest/gtest.h>
#include <random>

namespace xfer {
namespace {

std::vector<int64_t> expand(const DimSegments &segments) {
  std::vector<int64_t> indices;
  for (const Segment &segment : segments)
    for (int64_t i = 0; i < segment.count; ++i)
      for (int64_t j = 0; j < segment.run; ++j)
        indices.push_back(segment.begin + i * segment.stride + j);
  std::sort(indices.begin(), indices.end());
  return indices;
}

TEST(Segments, KeepsExactlyTheRuns) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::vector<LocalRun> runs;
    std::vector<int64_t> indices;
    int64_t at = 0, source = 0, target = 0;
    int64_t period = random() % 5 + 1;
    std::vector<int64_t> gaps(period), lengths(period);
    for (int64_t i = 0; i < period; ++i) {
      gaps[i] = random() % 3 + 1;
      lengths[i] = random() % 3 + 1;
    }
    for (int64_t i = 0, n = random() % 40; i < n; ++i) {
      int64_t length = random() % 20 ? lengths[i % period] : 1;
      runs.push_back({at, length, source, target});
      for (int64_t j = 0; j < length; ++j)
        indices.push_back(at + j);
      at += length + gaps[i % period];
      source += length;
      target += length + (random() % 30 == 0);
    }
    ASSERT_EQ(expand(toSegments(runs)), indices) << "round " << round;
  }
}

TEST(Segments, PeriodTwoBecomesTwoSegments) {
  std::vector<LocalRun> runs;
  for (int64_t i = 0; i < 1000; ++i) {
    runs.push_back({10 * i, 2, 5 * i, 5 * i});
    runs.push_back({10 * i + 5, 3, 5 * i + 2, 5 * i + 2});
  }
  DimSegments expected{{0, 2, 10, 1000}, {5, 3, 10, 1000}};
  EXPECT_EQ(toSegments(runs), expected);
}

TEST(Segments, UnequalLocalSpacingIsNotOneSegment) {
  // Equal global spacing, but the second run lies elsewhere in the source.
  std::vector<LocalRun> runs{{0, 1, 0, 0}, {2, 1, 1, 1}, {4, 1, 7, 2}};
  EXPECT_GT(toSegments(runs).size(), 1u);
}

} // namespace
} // namespace xfer
