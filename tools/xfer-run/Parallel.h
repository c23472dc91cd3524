//===- Parallel.h - Work on every core --------------------------*- C++ -*-===//
//
// Splits independent work over as many threads as the machine lets this
// process run at once.
//===----------------------------------------------------------------------===//
#pragma once
#include "LocalTensors.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfer::run {

/// Hardware threads that this process may use; at least 1.
int64_t numWorkers();

/// Calls `work(i)` for every i < count, on at most `threads` threads; returns when all are done.
void parallelFor(int64_t count, int64_t threads, llvm::function_ref<void(int64_t)> work);

/// The same on all workers, with a progress bar that calls it `step`.
void parallelFor(const char *step, int64_t count, llvm::function_ref<void(int64_t)> work);

/// Elements [begin, end) of those of a tensor that lie in a local memory, in its order: a piece of
/// work of at most about a million.
struct HeldTask {
  const LocalTensor *local = nullptr;
  const PlacedTensor *placed = nullptr;
  int64_t begin = 0, end = 0;
};
std::vector<HeldTask> makeHeldTasks(llvm::ArrayRef<LocalTensor> tensors);

} // namespace xfer::run
