//===- AllocationTest.cpp - Replays allocate nothing ----------------------===//
//
// Counts every allocation of the process, in all threads, while sessions that
// are already open replay; of gloo, every one but those of the Gloo library
// itself. Alone in its program: it replaces malloc.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include <atomic>
#include <barrier>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#include <dlfcn.h>
#include <execinfo.h>
static std::atomic<bool> isCounting = false;
static std::atomic<int64_t> numAllocations = 0;

/// Whether the first caller beyond the standard libraries lies in Gloo.
static bool isGloos() {
  void *frames[16];
  const int count = backtrace(frames, 16);
  for (int i = 2; i < count; ++i) {
    Dl_info info = {};
    if (dladdr(frames[i], &info) == 0 || !info.dli_fname)
      return false;
    if (std::strstr(info.dli_fname, "libstdc++") || std::strstr(info.dli_fname, "libc.so"))
      continue;
    return std::strstr(info.dli_fname, "libgloo") != nullptr;
  }
  return false;
}

extern "C" void *__libc_malloc(size_t size);
extern "C" void *malloc(size_t size) {
  if (isCounting.load(std::memory_order_relaxed) && !isGloos())
    ++numAllocations;
  return __libc_malloc(size);
}

namespace {
using namespace xfer;
using namespace xfer::test;

class Allocation : public OnBackend {};
XFER_ON_EVERY_BACKEND(Allocation);

TEST_P(Allocation, ReplayAllocatesNothing) {
  void *frame = nullptr;
  backtrace(&frame, 1); // allocates when first called
  numAllocations = 0;
  PlanBuilder builder({0, 1, 2});
  const uint32_t a = builder.tensor("a", fb::DType::F16), g = builder.tensor("g", fb::DType::F32);
  const uint32_t even = builder.region(0, {{500, 2}}), all = builder.region(0, {{500, 1}});
  builder.source(0, a, fb::DType::F32, {1000});
  for (int64_t rank : {0, 1, 2}) {
    builder.target(rank, a, fb::DType::F32, {1000});
    builder.source(rank, g, fb::DType::F32, {1000}, fb::ReduceOp::Avg);
    builder.target(rank, g, fb::DType::F32, {1000});
  }
  for (int64_t window = 0; window < 6; window += 2) {
    builder.bucket({window, fb::Transport::P2P, {0}, 0, {1, 2}, 1000, {{a, even, all}}, window});
    builder.bucket({window, fb::Transport::Local, {0}, 0, {0}, 1000, {{a, even, all}}, window});
    builder.bucket({window + 1,
                    fb::Transport::Broadcast,
                    {1, 0, 2},
                    0,
                    {1, 2},
                    2000,
                    {{g, even, all}},
                    window});
  }
  Job job(builder.build(), makePlace());
  int phase = 0; // counts in phase 1: the first replay has warmed up what the C library keeps
  auto nextPhase = [&]() noexcept { isCounting = phase++ == 1; };
  std::barrier meeting(3, nextPhase);
  const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
    xfer_session_t *session = nullptr;
    Outcome outcome = job.open(rank, 20'000, &session);
    if (outcome.status == XFER_OK)
      outcome = job.bind(rank, session);
    auto replay = [&](int count) {
      for (int i = 0; i < count && outcome.status == XFER_OK; ++i)
        outcome.status = xfer_session_replay(session, nullptr);
      if (outcome.status == XFER_OK)
        outcome.status = xfer_session_wait(session, -1);
    };
    meeting.arrive_and_wait();
    replay(1);
    meeting.arrive_and_wait();
    replay(20);
    meeting.arrive_and_wait();
    xfer_session_destroy(session);
    return outcome;
  });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  EXPECT_EQ(numAllocations.load(), 0);
  EXPECT_EQ(phase, 3);
  isCounting = true;
  void *volatile memory = ::operator new(1);
  ::operator delete(memory);
  isCounting = false;
  EXPECT_EQ(numAllocations.load(), 1) << "the counter does not count";
}
} // namespace
#else
TEST(Allocation, ReplayAllocatesNothing) { GTEST_SKIP() << "a sanitizer owns malloc"; }
#endif
