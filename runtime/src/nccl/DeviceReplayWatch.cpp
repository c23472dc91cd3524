//===- DeviceReplayWatch.cpp - How far replays have come ------------------===//
//
// What has finished, when it did, and how to stop what has not. Waits only where
// it is given a deadline.
//===----------------------------------------------------------------------===//
#include "DeviceReplay.h"
#include "Poll.h"
#include <cstring>

namespace xfer::runtime {

Status DeviceReplay::update() {
  bool isFinished = true;
  while (finished < enqueued && isFinished) {
    const ReplayEvents &replay = eventsOf(finished);
    if (Status status = query(replay.ended, isFinished); !status.isOk())
      return status;
    if (!isFinished)
      break;
    int64_t nanoseconds = 0;
    if (Status status = isGoing() ? elapsed(replay.began, replay.ended, nanoseconds) : Status();
        !status.isOk())
      return status;
    finishedTime += nanoseconds;
    ++finished;
  }
  return {};
}

Status DeviceReplay::stateOf(size_t index, WindowState &state) const {
  state = {};
  if (index >= numEnqueued)
    return {};
  const DeviceWindow &window = schedule.windows[index];
  const CudaEvent wired = window.has(Stage::Deliver)  ? endOf(index, Stage::Deliver)
                          : window.has(Stage::Gather) ? endOf(index, Stage::Gather)
                                                      : nullptr;
  const CudaEvent done = lastEventOf(index);
  if (Status status = wired ? query(wired, state.isWired) : Status(); !status.isOk())
    return status;
  state.isWired |= !wired;
  if (Status status = done ? query(done, state.isDone) : Status(); !status.isOk())
    return status;
  state.isDone |= !done;
  return {};
}

/// The host's time at which an event completed. The two clocks are compared here and now, as they
/// drift apart, and several times, as either side may be held up.
Status DeviceReplay::readClock(CudaEvent event, const Deadline &deadline, Moment &moment) const {
  int64_t best = INT64_MAX;
  for (int i = 0; i < 5; ++i) {
    const Moment before = now();
    if (Status status = cuda.check(cuda.EventRecord(clockEvent, stopStream), "record an event");
        !status.isOk())
      return status;
    if (!isDoneBy(deadline, clockEvent))
      return failure(XFER_TIMEOUT, "the device is still busy");
    const int64_t width = now() - before;
    int64_t ago = 0;
    if (Status status = elapsed(event, clockEvent, ago); !status.isOk())
      return status;
    if (width < best)
      moment = before + width / 2 - ago;
    best = std::min(best, width);
  }
  return {};
}

/// A stage begins when its stream and what it waits for are ready: both are ends of others, so that
/// no further event is needed.
Status DeviceReplay::readTimes(Timeline &timeline, const Deadline &deadline) const {
  if (wasCaptured)
    return failure(XFER_UNSUPPORTED,
                   "the last replay was captured, and a graph's launches leave no times");
  if (enqueued == 0 || !isGoing())
    return {};
  const ReplayEvents &replay = eventsOf(enqueued - 1);
  Moment begun = 0;
  if (Status status = readClock(replay.began, deadline, begun); !status.isOk())
    return status;
  auto momentOf = [&](CudaEvent event) {
    bool isComplete = false;
    int64_t since = 0;
    return query(event, isComplete).isOk() && isComplete &&
                   elapsed(replay.began, event, since).isOk()
               ? begun + since
               : Moment(0);
  };
  timeline.setReplay(begun, momentOf(replay.ended));
  std::vector<Moment> ends(numEnqueued); // of windows
  Moment free[kNumStreams] = {begun, begun, begun};
  for (size_t i = 0; i < numEnqueued; ++i) {
    Timeline::Window &window = timeline[i];
    Moment ready = i >= 2 ? ends[i - 2] : begun;
    for (Stage stage : kStages) {
      if (!schedule.windows[i].has(stage))
        continue;
      Moment &last = free[streamOf(stage)];
      const Moment begin = std::max(ready, last);
      const Moment end = momentOf(endOf(i, stage));
      if (end == 0)
        return {}; // where a failed replay came to
      if (stage == Stage::Pack)
        window.pack.add(begin, end);
      if (stage == Stage::Fold || stage == Stage::Unpack)
        window.unpack.add(begin, end);
      if (streamOf(stage) == kWire) {
        window.opened = window.opened == 0 ? begin : window.opened;
        window.closed = end;
      }
      ready = last = end;
    }
    ends[i] = ready;
  }
  return {};
}

/// Between two events that have completed.
Status DeviceReplay::elapsed(CudaEvent from, CudaEvent to, int64_t &nanoseconds) const {
  float milliseconds = 0;
  const CudaError error = cuda.EventElapsedTime(&milliseconds, from, to);
  nanoseconds = static_cast<int64_t>(static_cast<double>(milliseconds) * 1e6);
  return cuda.check(error, "read the time between events");
}

Status DeviceReplay::query(CudaEvent event, bool &isComplete) const {
  const CudaError error = cuda.EventQuery(event);
  isComplete = error == kCudaSuccess;
  return error == kCudaErrorNotReady ? Status() : cuda.check(error, "ask for an event");
}

Status DeviceReplay::waitFor(CudaEvent event, const char *what, const Deadline &deadline) const {
  for (Poll poll;; poll.pause()) {
    bool isComplete = false;
    if (Status status = query(event, isComplete); !status.isOk() || isComplete)
      return status;
    if (Status status = comms.asynchronousError(); !status.isOk())
      return status;
    if (comms.isAbortRequested.load())
      return failure(XFER_ABORTED, "aborted while waiting to ", what);
    if (isPast(deadline))
      return failure(XFER_TIMEOUT, "could not ", what, " within ", deadline.milliseconds, " ms");
  }
}

bool DeviceReplay::isDoneBy(const Deadline &deadline, CudaEvent event) const {
  for (Poll poll; cuda.EventQuery(event) == kCudaErrorNotReady; poll.pause())
    if (isPast(deadline))
      return false;
  return true;
}

bool DeviceReplay::drain(const Deadline &deadline) {
  for (const OwnedStream &stream : streams) {
    if (!stream || !uploadedEvent || cuda.EventRecord(uploadedEvent, stream) != kCudaSuccess)
      continue; // nothing was enqueued yet
    if (!isDoneBy(deadline, uploadedEvent))
      return false;
  }
  return true;
}

void DeviceReplay::halt(uint32_t how, const Deadline &deadline) {
  std::memcpy(tableCopy.data(), &how, sizeof(how));
  if (cuda.MemcpyAsync(haltFlag.data(), tableCopy.data(), sizeof(how), kCudaMemcpyHostToDevice,
                       stopStream) == kCudaSuccess &&
      cuda.EventRecord(uploadedEvent, stopStream) == kCudaSuccess)
    (void)isDoneBy(deadline, uploadedEvent);
}

} // namespace xfer::runtime
