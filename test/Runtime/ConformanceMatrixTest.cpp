//===- ConformanceMatrixTest.cpp - Everything with everything -------------===//
//
// One job per number of ranks: every element type, at three alignments, through
// every transport and role, with checksums and without.
//===----------------------------------------------------------------------===//
#include "Job.h"

using namespace xfer;
using namespace xfer::test;

namespace {

constexpr int64_t kCount = 37;
constexpr int64_t kExtent = 2 * kCount + 3;

/// Bytes of a source element by tensor, rank and position; small integers for reductions.
uint8_t byteOf(size_t tensor, int64_t rank, int64_t i) {
  return static_cast<uint8_t>(31 * tensor + 7 * static_cast<size_t>(rank) + static_cast<size_t>(i));
}

struct Case {
  std::string name;
  fb::DType dtype;
  int64_t width, offset; ///< of an element; of the first element read
};

std::vector<Case> makeCases() {
  constexpr int64_t kWidths[] = {8, 4, 2, 2, 1, 1, 8, 4, 2, 1, 1, 1};
  std::vector<Case> cases;
  for (int dtype = 0; dtype < 12; ++dtype)
    for (int64_t offset : {0, 1, 3})
      cases.push_back({std::string(fb::EnumNameDType(fb::DType(dtype))) + std::to_string(offset),
                       fb::DType(dtype), kWidths[dtype], offset});
  return cases;
}

/// Two windows per case: in the first each rank sends to the next, alone to itself; in the second
/// rank 0 broadcasts and the last rank fans out. In the last window all ranks reduce an i32 to
/// rank 0, which ships the total to all.
std::vector<uint8_t> makePlan(int64_t numRanks, const std::vector<Case> &cases) {
  PlanBuilder builder(iota<int64_t>(static_cast<size_t>(numRanks)));
  const uint32_t dense = builder.region(0, {{kCount, 1}});
  const std::vector<int64_t> all = builder.plan.ranks, others(all.begin() + 1, all.end()),
                             butLast(all.begin(), all.end() - 1);
  const auto p2p = numRanks == 1 ? fb::Transport::Local : fb::Transport::P2P;
  int64_t window = 0;
  for (const Case &each : cases) {
    const uint32_t tensor = builder.tensor(each.name, each.dtype);
    const uint32_t even = builder.region(each.offset, {{kCount, 2}}),
                   straight = builder.region(each.offset, {{kCount, 1}});
    for (int64_t rank : all) {
      builder.source(rank, tensor, each.dtype, {kExtent});
      for (const char *kind : {".next", ".broadcast", ".fan"})
        builder.targetStorage(rank, each.name + kind, each.dtype, {kExtent});
    }
    auto add = [&](fb::Transport transport, int64_t from, const std::vector<int64_t> &to,
                   uint32_t read, uint32_t written, const char *kind) {
      if (!to.empty())
        builder.bucket({window,
                        transport,
                        {from},
                        from,
                        to,
                        kCount * each.width,
                        {{tensor, read, written, 0, "", each.name + kind}},
                        window});
    };
    for (int64_t rank : all)
      add(p2p, rank, {(rank + 1) % numRanks}, even, straight, ".next");
    ++window;
    add(fb::Transport::Broadcast, 0, others, straight, even, ".broadcast");
    add(fb::Transport::P2P, numRanks - 1, butLast, straight, straight, ".fan");
    ++window;
  }
  const uint32_t sum = builder.tensor("sum", fb::DType::I32);
  for (int64_t rank : all) {
    builder.source(rank, sum, fb::DType::I32, {kCount}, fb::ReduceOp::Sum);
    builder.target(rank, sum, fb::DType::I32, {kCount});
    builder.program(rank).staging_bytes = 1 << 20;
  }
  builder.bucket({window, p2p, all, 0, all, 4 * kCount, {{sum, dense, dense}}});
  return builder.build();
}

class Matrix : public OnBackend {};
XFER_ON_EVERY_BACKEND(Matrix);

void check(Job &job, const std::vector<Case> &cases) {
  const auto numRanks = static_cast<int64_t>(job.ranks.size());
  for (int64_t rank : job.ranks)
    for (size_t t = 0; t < cases.size(); ++t) {
      const Case &each = cases[t];
      auto expect = [&](const char *kind, int64_t from, int64_t fromStride, int64_t toStride) {
        std::vector<uint8_t> expected(static_cast<size_t>(kExtent * each.width), 0xa5);
        for (int64_t i = 0; i < kCount && from >= 0; ++i)
          for (int64_t b = 0; b < each.width; ++b)
            expected[static_cast<size_t>((each.offset + i * toStride) * each.width + b)] =
                byteOf(t, from, (each.offset + i * fromStride) * each.width + b);
        EXPECT_EQ(job.read<uint8_t>(rank, each.name + kind), expected)
            << each.name << kind << " on rank " << rank;
      };
      expect(".next", (rank + numRanks - 1) % numRanks, 2, 1);
      expect(".broadcast", rank == 0 ? -1 : 0, 1, 2);
      expect(".fan", rank == numRanks - 1 ? -1 : numRanks - 1, 1, 1);
    }
  std::vector<int32_t> sum(kCount);
  for (int64_t rank : job.ranks)
    for (int32_t i = 0; i < kCount; ++i)
      sum[static_cast<size_t>(i)] += static_cast<int32_t>(1000 * rank) + i;
  for (int64_t rank : job.ranks)
    EXPECT_EQ(job.read<int32_t>(rank, "sum"), sum) << rank;
}

TEST_P(Matrix, EveryTypeTransportRoleAndAlignment) {
  const std::vector<Case> cases = makeCases();
  for (int64_t numRanks : {1, 2, 4, 7})
    for (int32_t checksums : {0, 1}) {
      Job job(makePlan(numRanks, cases), makePlace());
      job.checksums = checksums;
      for (int64_t rank : job.ranks) {
        for (size_t t = 0; t < cases.size(); ++t) {
          std::vector<uint8_t> bytes(static_cast<size_t>(kExtent * cases[t].width));
          for (size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = byteOf(t, rank, static_cast<int64_t>(i));
          job.fill<uint8_t>(rank, cases[t].name, bytes);
        }
        job.fill<int32_t>(rank, "sum", iota<int32_t>(kCount, static_cast<int32_t>(1000 * rank)));
      }
      job.replay(2);
      check(job, cases);
    }
}

} // namespace
