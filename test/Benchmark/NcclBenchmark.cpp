//===- NcclBenchmark.cpp - What enqueuing on a device costs the host ------===//
//
// Replays windows of small messages through the stand-in while its calls do
// nothing, so that what is measured is the runtime's own time: per wire operation,
// it should stay under a microsecond. Verifies a replay before.
//===----------------------------------------------------------------------===//
#include "../Runtime/Job.h"
#include "../Runtime/standin/Standin.h"
#include <chrono>
#include <cstdio>

using namespace xfer;
using namespace xfer::test;

/// Every rank sends to every other in each of `numWindows` windows.
static PlanBuilder makePlan(int64_t numRanks, int64_t numWindows) {
  PlanBuilder builder(iota<int64_t>(static_cast<size_t>(numRanks)));
  const uint32_t a = builder.tensor("a", fb::DType::F32);
  for (int64_t rank = 0; rank < numRanks; ++rank) {
    builder.source(rank, a, fb::DType::F32, {numWindows, 8});
    builder.target(rank, a, fb::DType::F32, {numRanks, numWindows, 8});
  }
  for (int64_t window = 0; window < numWindows; ++window)
    for (int64_t from = 0; from < numRanks; ++from)
      for (int64_t to = 0; to < numRanks; ++to)
        if (from != to)
          builder.bucket({window,
                          fb::Transport::P2P,
                          {from},
                          from,
                          {to},
                          16,
                          {{a, builder.region(window * 8, {{4, 2}}),
                            builder.region((from * numWindows + window) * 8, {{4, 2}})}},
                          window});
  return builder;
}

/// Prints what a replay costs; false if that is too much, or if a replay goes wrong.
static bool measure(bool checksums) {
  constexpr int64_t kRanks = 9, kWindows = 200; // 8 peers, as the compiler schedules by default
  constexpr int kReplays = 50;
  Job job(makePlan(kRanks, kWindows).build(), ncclBackend().makePlace());
  job.checksums = checksums;
  for (int64_t rank = 0; rank < kRanks; ++rank)
    job.fill<float>(rank, "a", iota<float>(kWindows * 8, static_cast<float>(10000 * rank)));
  std::map<int64_t, xfer_session_t *> sessions;
  for (int64_t rank = 0; rank < kRanks; ++rank)
    sessions[rank] = nullptr;
  const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
    Outcome outcome = job.open(rank, 60'000, &sessions[rank]);
    if (outcome.status == XFER_OK)
      outcome = job.bind(rank, sessions[rank]);
    if (outcome.status == XFER_OK)
      outcome = Outcome::of(xfer_session_replay(sessions[rank], job.place->stream(rank)));
    return outcome.status == XFER_OK ? Outcome::of(xfer_session_wait(sessions[rank], -1)) : outcome;
  });
  for (const auto &[rank, outcome] : outcomes)
    if (outcome.status != XFER_OK) {
      std::fprintf(stderr, "error: rank %lld: %s\n", static_cast<long long>(rank),
                   outcome.text.c_str());
      return false;
    }
  const std::vector<float> got = job.read<float>(0, "a");
  for (int64_t from = 1; from < kRanks; ++from)
    for (int64_t i = 0; i < kWindows * 8; i += 2)
      if (got[static_cast<size_t>(from * kWindows * 8 + i)] !=
          static_cast<float>(10000 * from) + static_cast<float>(i)) {
        std::fprintf(stderr, "error: element %lld of rank %lld is wrong\n",
                     static_cast<long long>(i), static_cast<long long>(from));
        return false;
      }

  void *stream = job.place->stream(0);
  standin::setNoOperation(true);
  double best = 1e30;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kReplays; ++i)
      if (xfer_session_replay(sessions[0], stream) != XFER_OK)
        return false;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count() / kReplays);
  }
  (void)xfer_session_wait(sessions[0], -1);
  standin::setNoOperation(false);
  const double numOperations = 2.0 * (kRanks - 1) * kWindows; // a send and a receive per peer
  std::printf("enqueue%s: %.0f ns a window, %.1f ns a wire operation (goal: under 1000)\n",
              checksums ? " with checksums" : "", best / kWindows * 1e9,
              best / numOperations * 1e9);
  job.onRanks(job.ranks, [&](int64_t rank) {
    xfer_session_destroy(sessions[rank]);
    return Outcome();
  });
  return best / numOperations < 1e-6;
}

int main() {
  const bool isFast = measure(false), isFastWithChecksums = measure(true);
  return isFast && isFastWithChecksums ? 0 : 1;
}
