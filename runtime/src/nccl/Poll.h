//===- Poll.h - Waiting for what cannot wake a thread -----------*- C++ -*-===//
//
// NCCL and CUDA have no wait with a deadline: everything is asked again and
// again. Short waits are answered at once, long ones cost no processor.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_POLL_H
#define XFER_RUNTIME_NCCL_POLL_H

#include "../Backend.h"
#include <thread>

namespace xfer::runtime {

class Poll {
public:
  /// Gives way to others; for longer the longer it has been waiting.
  void pause() {
    if (++count < 64)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(count < 1024 ? 20 : 200));
  }
  /// After something has moved.
  void reset() { count = 0; }

private:
  int count = 0;
};

/// How long device work may take to end after its communicators were aborted.
inline constexpr int64_t kDrainMilliseconds = 900;

inline bool isPast(const Deadline &deadline) {
  return std::chrono::steady_clock::now() >= deadline.time;
}

} // namespace xfer::runtime

#endif
