//===- Parallel.cpp - Work on every core ----------------------------------===//
#include "Parallel.h"
#include "Progress.h"
#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace xfer::run {

int64_t numWorkers() { return std::max(1u, std::thread::hardware_concurrency()); }

void parallelFor(int64_t count, int64_t threads, llvm::function_ref<void(int64_t)> work) {
  std::atomic<int64_t> next{0};
  auto drain = [&] {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
      work(i);
  };
  std::vector<std::jthread> helpers;
  try {
    for (int64_t i = 1; i < std::min(threads, count); ++i)
      helpers.emplace_back(drain);
  } catch (const std::system_error &) {
    // No more threads can be had: those that run do the work.
  }
  drain();
}

void parallelFor(const char *step, int64_t count, llvm::function_ref<void(int64_t)> work) {
  Progress progress(step, count);
  parallelFor(count, numWorkers(), [&](int64_t i) {
    work(i);
    progress.advance();
  });
}

std::vector<HeldTask> makeHeldTasks(llvm::ArrayRef<LocalTensor> tensors) {
  constexpr int64_t kTaskElements = int64_t(1) << 20;
  std::vector<HeldTask> tasks;
  for (const LocalTensor &local : tensors) {
    if (local.elements == 0 || !local.isHere)
      continue;
    for (const PlacedTensor &placed : local.memory->tensors) {
      int64_t held = placed.placement.numHeld(local.position);
      for (int64_t begin = 0; begin < held; begin += kTaskElements)
        tasks.push_back({&local, &placed, begin, std::min(begin + kTaskElements, held)});
    }
  }
  return tasks;
}

} // namespace xfer::run
