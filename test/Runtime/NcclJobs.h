//===- NcclJobs.h - Jobs for tests of sessions on devices -------*- C++ -*-===//
//
// What tests of the nccl backend on the stand-in share.
//===----------------------------------------------------------------------===//
#pragma once
#include "Ring.h"
#include "Standin.h"
#include "nccl/NcclApi.h"

namespace xfer::test {

/// On the stand-in, which must have seen nothing wrong and have nothing left.
class OnStandin : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(ncclBackend().reasonToSkip(), "");
    ASSERT_TRUE(runtime::CudaApi::get(cuda).isOk());
    ASSERT_TRUE(runtime::NcclApi::get(nccl).isOk());
  }
  void TearDown() override {
    standin::heal();
    EXPECT_EQ(standin::describeAlive(), "");
    EXPECT_TRUE(standin::takeViolations().empty());
  }
  static std::shared_ptr<Place> makePlace() { return ncclBackend().makePlace(); }

  const runtime::CudaApi *cuda = nullptr;
  const runtime::NcclApi *nccl = nullptr;
};

/// A job that uses everything: windows, fan-out, broadcasts, reductions, casts, local copies, over
/// `numRanks` ranks, with what must arrive.
class Medley {
public:
  Medley(int64_t numRanks, std::shared_ptr<Place> place) : numRanks(numRanks) {
    PlanBuilder builder(iota<int64_t>(static_cast<size_t>(numRanks)));
    const uint32_t w = builder.tensor("w", fb::DType::BF16),
                   g = builder.tensor("g", fb::DType::F32);
    const uint32_t whole = builder.region(0, {{kCount, 1}}),
                   even = builder.region(0, {{kCount, 2}});
    std::vector<int64_t> everyone;
    for (int64_t rank = 0; rank < numRanks; ++rank) {
      everyone.push_back(rank);
      builder.source(rank, w, fb::DType::F32, {2 * kCount});
      builder.target(rank, w, fb::DType::F32, {numRanks, kCount});
      builder.source(rank, g, fb::DType::F32, {kCount}, fb::ReduceOp::Sum);
      builder.target(rank, g, fb::DType::F32, {kCount});
    }
    // Every rank's even elements to all others, by broadcast and point to point in turn.
    for (int64_t rank = 0; rank < numRanks; ++rank) {
      std::vector<int64_t> others = everyone;
      std::erase(others, rank);
      builder.bucket({2 * rank,
                      fb::Transport::Local,
                      {rank},
                      rank,
                      {rank},
                      2 * kCount,
                      {{w, even, builder.region(rank * kCount, {{kCount, 1}})}}});
      if (!others.empty())
        builder.bucket({2 * rank + 1,
                        rank % 2 ? fb::Transport::Broadcast : fb::Transport::P2P,
                        {rank},
                        rank,
                        others,
                        2 * kCount,
                        {{w, even, builder.region(rank * kCount, {{kCount, 1}})}}});
    }
    if (numRanks > 1)
      builder.bucket({2 * numRanks,
                      fb::Transport::P2P,
                      everyone,
                      numRanks - 1,
                      everyone,
                      4 * kCount,
                      {{g, whole, whole}}});
    job = std::make_unique<Job>(builder.build(), std::move(place));
    fill(0);
  }

  /// Gives the sources values that differ by round.
  void fill(int round) {
    this->round = round;
    for (int64_t rank = 0; rank < numRanks; ++rank) {
      std::vector<float> values(2 * kCount);
      for (int64_t i = 0; i < kCount; ++i)
        values[static_cast<size_t>(2 * i)] = valueOf(rank, i);
      job->fill<float>(rank, "w", values);
      job->fill<float>(rank, "g", std::vector<float>(kCount, static_cast<float>(rank + 1 + round)));
    }
  }

  void check() const {
    for (int64_t rank = 0; rank < numRanks; ++rank) {
      const auto w = job->read<float>(rank, "w");
      for (int64_t sender = 0; sender < numRanks; ++sender)
        for (int64_t i = 0; i < kCount; ++i)
          ASSERT_EQ(w[static_cast<size_t>(sender * kCount + i)], valueOf(sender, i))
              << "element " << i << " of rank " << sender << " on rank " << rank;
      if (numRanks == 1)
        continue;
      float sum = 0;
      for (int64_t each = 0; each < numRanks; ++each)
        sum += static_cast<float>(each + 1 + round);
      EXPECT_EQ(job->read<float>(rank, "g"), std::vector<float>(kCount, sum));
    }
  }

  /// Every element is right, or as it was before the first replay.
  void checkNothingIsWrong() const {
    auto isRightOr = [](float value, float right) {
      uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      return value == right || bits == 0xa5a5a5a5;
    };
    for (int64_t rank = 0; rank < numRanks; ++rank) {
      const auto w = job->read<float>(rank, "w"), g = job->read<float>(rank, "g");
      for (int64_t i = 0; i < numRanks * kCount; ++i)
        ASSERT_TRUE(isRightOr(w[static_cast<size_t>(i)], valueOf(i / kCount, i % kCount))) << i;
      for (float value : g)
        ASSERT_TRUE(isRightOr(value, static_cast<float>(numRanks * (numRanks + 1) / 2))) << value;
    }
  }

  std::unique_ptr<Job> job;

private:
  static constexpr int64_t kCount = 100;
  /// Exact in bf16.
  float valueOf(int64_t rank, int64_t i) const {
    return static_cast<float>((rank * 31 + i + round) % 128);
  }
  const int64_t numRanks;
  int round = 0;
};

/// Two ranks that send each other what goes, or not, straight into the target.
inline PlanBuilder makeExchange(bool isInPlace) {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  const uint32_t all = builder.region(0, {{8, 1}}), even = builder.region(0, {{8, 2}});
  for (int64_t rank : {0, 1}) {
    builder.source(rank, a, fb::DType::I32, {8});
    builder.target(rank, a, fb::DType::I32, {16});
    builder.bucket(
        {3, fb::Transport::P2P, {rank}, rank, {1 - rank}, 32, {{a, all, isInPlace ? all : even}}});
  }
  return builder;
}

} // namespace xfer::test
