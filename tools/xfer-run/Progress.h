//===- Progress.h - A line for who waits ------------------------*- C++ -*-===//
//
// Shows how far a step is on standard error, only if that is a terminal and
// only once the step has taken a second. Leaves no trace when it ends.
//===----------------------------------------------------------------------===//
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace xfer::run {

class Progress {
public:
  /// `step` is borrowed: `verifying`, say.
  Progress(const char *step, int64_t total);
  ~Progress();
  Progress(const Progress &) = delete;
  /// One of `total` is done. Thread-safe.
  void advance();

private:
  using Clock = std::chrono::steady_clock;
  const char *step;
  const int64_t total;
  const bool isTerminal;
  std::atomic<int64_t> done{0};
  std::mutex mutex; ///< guards what follows
  Clock::time_point nextPrint;
  bool printed = false;
};

} // namespace xfer::run
