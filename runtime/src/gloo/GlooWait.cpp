//===- GlooWait.cpp - Waits with a deadline -------------------------------===//
//
// Nothing here waits without the timer: wait() says what it waits for and until
// when, and the timer or the end of the session aborts that one wait. Every wait
// after that fails at once.
//===----------------------------------------------------------------------===//
#include "GlooConnection.h"

namespace xfer::runtime {

GlooConnection::WaitEnd GlooConnection::wait(GlooBuffer &buffer, Direction direction,
                                             const Deadline &deadline) {
  bool mayWait, isDone = false;
  {
    std::lock_guard lock(mutex);
    mayWait = ended.isOk();
    if (mayWait)
      waiting = {&buffer, direction, deadline.time};
    waitWasAborted = false;
    if (isTimerIdle)
      changed.notify_all();
  }
  const std::string error = call([&] {
    if (mayWait)
      isDone = direction == Direction::Send ? buffer.waitSend(nullptr, kNoLimit)
                                            : buffer.waitRecv(nullptr, kNoLimit);
  });
  std::lock_guard lock(mutex);
  waiting.buffer = nullptr;
  if (isDone && !waitWasAborted)
    return WaitEnd::Done;
  return ended.isOk() && error.empty() ? WaitEnd::Late : WaitEnd::Failed;
}

Status GlooConnection::explain(WaitEnd end, Direction direction, const GlooPeer &peer,
                               const Deadline &deadline, const std::string &what) {
  if (end == WaitEnd::Late)
    return runtime::failure(XFER_TIMEOUT, "rank ", peer.rank,
                            direction == Direction::Send ? " did not take " : " did not send ",
                            what, " within ", deadline.milliseconds, " ms");
  return explain(peer, what);
}

// The peer's watcher knows soon, if it does not know yet.
Status GlooConnection::explain(const GlooPeer &peer, const std::string &what) {
  std::unique_lock lock(mutex);
  changed.wait_for(lock, std::chrono::milliseconds(500),
                   [&] { return !ended.isOk() || peer.hasLeft.load(); });
  if (!ended.isOk())
    return Status(ended.code(), concat(ended.text(), "; waited for rank ", peer.rank, ": ", what));
  return runtime::failure(XFER_PEER_FAILED, "rank ", peer.rank,
                          peer.hasLeft.load() ? " left" : " closed its connection", " before ",
                          what);
}

/// Ends the current wait when it is late.
void GlooConnection::runTimer() {
  std::unique_lock lock(mutex);
  while (!isStopping) {
    if (!waiting.buffer) {
      isTimerIdle = true;
      changed.wait(lock);
      isTimerIdle = false;
    } else if (std::chrono::steady_clock::now() < waiting.deadline) {
      changed.wait_until(lock, waiting.deadline);
    } else {
      abortWait();
      changed.wait(lock, [&] { return isStopping || !waiting.buffer || !waitWasAborted; });
    }
  }
}

void GlooConnection::abortWait() {
  if (!waiting.buffer)
    return;
  waitWasAborted = true;
  (void)call([&] {
    if (waiting.direction == Direction::Send)
      waiting.buffer->abortWaitSend();
    else
      waiting.buffer->abortWaitRecv();
  });
}

} // namespace xfer::runtime
