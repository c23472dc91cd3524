//===- DeviceReplay.cpp - Enqueues one replay -----------------------------===//
//
// Three streams, so that window i is on the wire while window i+1 is packed and
// window i-1 unpacked:
//
//   pack    |pack 0|pack 1|         |pack 2|
//   wire           |gather+deliver 0|gather+deliver 1|
//   unpack                          |unpack 0|       |unpack 1|
//
// Window i may use staging once window i-2, which shares it, is through. A window
// of reductions goes wire, unpack (the fold), wire, unpack. All of NCCL's work is
// on one stream: communicators are used in the same order on every rank.
//===----------------------------------------------------------------------===//
#include "DeviceReplay.h"

namespace xfer::runtime {

Status DeviceReplay::enqueue(CudaStream stream, const Deadline &deadline, bool &isCaptured) {
  trouble = {};
  int captureStatus = kCudaStreamCaptureStatusNone;
  note(cuda.StreamIsCapturing(stream, &captureStatus), "ask for a capture");
  isCaptured = wasCaptured = captureStatus != kCudaStreamCaptureStatusNone;
  const ReplayEvents &own = isCaptured ? captureEvents : eventsOf(enqueued);
  began = own.began;
  std::fill(std::begin(isUsed), std::end(isUsed), false);

  // After the replay before it, whichever stream that was on. A capture's own order is the graph's.
  if (enqueued > 0 && !isCaptured)
    note(cuda.StreamWaitEvent(stream, eventsOf(enqueued - 1).ended, 0), "order streams");
  note(cuda.EventRecord(began, stream), "record an event");
  use(kWire);
  if (schedule.zeros.count > 0)
    launch(cuda.copy, schedule.zeros.first, schedule.zeros.count, kUnpack);
  for (numEnqueued = 0; numEnqueued < events.size() && isGoing(); ++numEnqueued)
    enqueueWindow(numEnqueued, deadline);

  if (isUsed[kPack]) {
    record(packTail, kPack);
    wait(kWire, packTail);
  }
  if (isUsed[kUnpack]) {
    record(unpackTail, kUnpack);
    wait(kWire, unpackTail);
  }
  record(own.ended, kWire);
  if (isGoing())
    note(cuda.StreamWaitEvent(stream, own.ended, 0), "order streams");
  enqueued += !isCaptured; // counts as in flight even if it failed on the way
  return trouble;
}

DeviceReplay::StreamRole DeviceReplay::streamOf(Stage stage) {
  return stage == Stage::Pack                                ? kPack
         : stage == Stage::Gather || stage == Stage::Deliver ? kWire
                                                             : kUnpack;
}

void DeviceReplay::enqueueWindow(size_t index, const Deadline &deadline) {
  const DeviceWindow &window = schedule.windows[index];
  // What a stage must wait for: first that staging is free.
  CudaEvent before = index >= 2 ? lastEventOf(index - 2) : nullptr;
  for (Stage stage : kStages) {
    if (!window.has(stage))
      continue;
    const StreamRole role = streamOf(stage);
    wait(role, before);
    switch (stage) {
    case Stage::Pack:
      launch(window.pack, cuda.copy, role);
      break;
    case Stage::Gather:
      issue(window.gathers, deadline);
      break;
    case Stage::Fold:
      launch(window.fold, cuda.fold, role);
      break;
    case Stage::Deliver:
      issue(window.deliveries, deadline);
      break;
    case Stage::Unpack:
      launch(window.unpack, cuda.copy, role);
      break;
    }
    record(before = endOf(index, stage), role);
  }
}

/// The event after which nothing of a window is left to do; null if it had nothing.
CudaEvent DeviceReplay::lastEventOf(size_t index) const {
  CudaEvent last = nullptr;
  for (Stage stage : kStages)
    if (schedule.windows[index].has(stage))
      last = endOf(index, stage);
  return last;
}

/// A stream of this replay, which begins where the caller's stream was.
CudaStream DeviceReplay::use(StreamRole role) {
  if (!std::exchange(isUsed[role], true) && isGoing())
    note(cuda.StreamWaitEvent(streams[role], began, 0), "order streams");
  return streams[role];
}

void DeviceReplay::wait(StreamRole role, CudaEvent event) {
  const CudaStream stream = use(role);
  if (event && isGoing())
    note(cuda.StreamWaitEvent(stream, event, 0), "order streams");
}

void DeviceReplay::record(CudaEvent event, StreamRole role) {
  const CudaStream stream = use(role);
  if (isGoing())
    note(cuda.EventRecord(event, stream), "record an event");
}

void DeviceReplay::launch(CudaApi::Kernel kernel, int64_t first, int64_t count, StreamRole role) {
  const CudaStream stream = use(role);
  if (count > 0 && isGoing())
    note(kernel(&tables, first, count, stream), "launch a kernel");
}

/// `kernel` does the tiles.
void DeviceReplay::launch(const KernelWork &work, CudaApi::Kernel kernel, StreamRole role) {
  launch(cuda.hash, work.verified.tiles.first, work.verified.tiles.count, role);
  launch(cuda.verify, work.verified.first, work.verified.count, role);
  launch(kernel, work.tiles.first, work.tiles.count, role);
  launch(cuda.hash, work.sealed.tiles.first, work.sealed.tiles.count, role);
  launch(cuda.seal, work.sealed.first, work.sealed.count, role);
}

void DeviceReplay::issue(const IndexRange &range, const Deadline &deadline) {
  for (size_t g = range.first; g < range.first + range.count && isGoing(); ++g) {
    const IndexRange &group = schedule.groups[g];
    const std::span<const Call> members = std::span(calls).subspan(group.first, group.count);
    NcclResult result = kNcclSuccess;
    if (members.size() > 1)
      result = nccl.GroupStart();
    for (const Call &each : members)
      if (result == kNcclSuccess)
        result = call(each);
    if (members.size() > 1) {
      const NcclResult ended = nccl.GroupEnd();
      result = result == kNcclSuccess ? ended : result;
    }
    trouble = comms.finish(result, members.front().comm, "exchange messages", deadline);
  }
}

NcclResult DeviceReplay::call(const Call &each) const {
  const CudaStream stream = streams[kWire];
  switch (each.kind) {
  case WireOperation::Kind::Send:
    return nccl.Send(each.address, each.bytes, kNcclUint8, each.peer, each.comm, stream);
  case WireOperation::Kind::Receive:
    return nccl.Recv(each.address, each.bytes, kNcclUint8, each.peer, each.comm, stream);
  case WireOperation::Kind::Broadcast:
    break;
  }
  return nccl.Broadcast(each.address, each.address, each.bytes, kNcclUint8, each.peer, each.comm,
                        stream);
}

} // namespace xfer::runtime
