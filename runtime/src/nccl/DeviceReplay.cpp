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
#include "Poll.h"
#include <cstring>

namespace xfer::runtime {
namespace {

constexpr size_t kTableAlignment = 256;

size_t alignedTable(size_t bytes) {
  return (bytes + kTableAlignment - 1) / kTableAlignment * kTableAlignment;
}

} // namespace

Status DeviceReplay::allocate(size_t numBindings) {
  for (OwnedStream *stream : {&streams[kPack], &streams[kWire], &streams[kUnpack], &stopStream})
    if (Status status = stream->make(cuda); !status.isOk())
      return status;
  std::vector<OwnedEvent *> needed = {&startEvent, &packTail, &unpackTail, &capturedEvent,
                                      &uploadedEvent};
  for (OwnedEvent &event : finishedEvents)
    needed.push_back(&event);
  events.resize(schedule.windows.size());
  for (WindowEvents &each : events)
    for (OwnedEvent *event : {&each.packed, &each.gathered, &each.folded, &each.wired, &each.done})
      needed.push_back(event);
  for (OwnedEvent *event : needed)
    if (Status status = event->make(cuda); !status.isOk())
      return status;
  if (Status status = DeviceMemory::make(cuda, static_cast<size_t>(schedule.stagingBytes), staging);
      !status.isOk())
    return status;
  if (Status status = DeviceMemory::make(cuda, sizeof(uint32_t), deadFlag); !status.isOk())
    return status;
  // Chunks may leave gaps in a message, and what the memory held before is nobody's business.
  trouble = {};
  if (schedule.stagingBytes > 0)
    note(cuda.MemsetAsync(staging.data(), 0, static_cast<size_t>(schedule.stagingBytes),
                          streams[kPack]),
         "clear staging");
  if (!isGoing())
    return trouble;
  // Made once with tensors at address zero, so that binding usually has the room it needs.
  return bind(std::vector<std::byte *>(numBindings), Deadline::in(60'000));
}

Status DeviceReplay::bind(std::span<std::byte *const> data, const Deadline &deadline) {
  std::vector<std::byte *> bases = {staging.data()};
  bases.insert(bases.end(), data.begin(), data.end());
  StepBuilder builder(bases);
  schedule.buildSteps(builder);
  if (Status status = upload(builder, bases, deadline); !status.isOk())
    return status;
  calls.clear();
  for (const WireOperation &operation : schedule.operations)
    calls.push_back({operation.kind, operation.peer,
                     comms[static_cast<size_t>(operation.communicator)],
                     bases[static_cast<size_t>(operation.place.base)] + operation.place.offset,
                     static_cast<size_t>(operation.bytes)});
  return {};
}

/// Copies the tables to the device, one after the other.
Status DeviceReplay::upload(const StepBuilder &builder, std::span<std::byte *const> bases,
                            const Deadline &deadline) {
  struct Part {
    const void *data;
    size_t bytes;
    size_t offset;
  };
  auto partOf = [](const auto &vector) {
    return Part{vector.data(), vector.size() * sizeof(vector[0]), 0};
  };
  Part parts[] = {partOf(builder.copies),   partOf(builder.loops), partOf(builder.folds),
                  partOf(builder.operands), partOf(builder.tiles), partOf(bases)};
  size_t end = kTableAlignment; // the first words are for stopKernels
  for (Part &part : parts) {
    part.offset = end;
    end += alignedTable(part.bytes);
  }
  if (end > tableCapacity) {
    if (Status status = PinnedMemory::make(cuda, end, tableCopy); !status.isOk())
      return status;
    if (Status status = DeviceMemory::make(cuda, end, tableMemory); !status.isOk())
      return status;
    tableCapacity = end;
  }
  std::memset(tableCopy.data(), 0, end);
  for (const Part &part : parts)
    if (part.bytes > 0)
      std::memcpy(tableCopy.data() + part.offset, part.data, part.bytes);

  trouble = {};
  note(cuda.MemcpyAsync(tableMemory.data(), tableCopy.data(), end, kCudaMemcpyHostToDevice,
                        streams[kPack]),
       "upload tables");
  note(cuda.MemcpyAsync(deadFlag.data(), tableCopy.data(), sizeof(uint32_t),
                        kCudaMemcpyHostToDevice, streams[kPack]),
       "upload tables");
  note(cuda.EventRecord(uploadedEvent, streams[kPack]), "record an event");
  if (!isGoing())
    return trouble;
  if (Status status = waitFor(uploadedEvent, "upload tables", deadline); !status.isOk())
    return status;

  const std::byte *at = tableMemory.data();
  tables.copies = reinterpret_cast<const CopyStep *>(at + parts[0].offset);
  tables.loops = reinterpret_cast<const StepLoop *>(at + parts[1].offset);
  tables.folds = reinterpret_cast<const FoldStep *>(at + parts[2].offset);
  tables.operands = reinterpret_cast<const FoldOperand *>(at + parts[3].offset);
  tables.tiles = reinterpret_cast<const Tile *>(at + parts[4].offset);
  tables.bases = reinterpret_cast<std::byte *const *>(at + parts[5].offset);
  tables.isDead = reinterpret_cast<const volatile uint32_t *>(deadFlag.data());
  return {};
}

Status DeviceReplay::connect(const Deadline &deadline) {
  // One byte to and one from every peer; NCCL makes a connection at its first use.
  size_t numMessages = 0;
  for (size_t g = 0; g < schedule.warmUp.count; ++g)
    numMessages += schedule.groups[schedule.warmUp.first + g].count;
  DeviceMemory bytes;
  if (Status status = DeviceMemory::make(cuda, numMessages + comms.size() + 1, bytes);
      !status.isOk())
    return status;
  trouble = {};
  note(cuda.MemcpyAsync(bytes.data(), tableCopy.data(), 1, kCudaMemcpyHostToDevice, streams[kWire]),
       "upload a byte");
  std::byte *place = bytes.data() + 1;
  std::vector<Call> messages;
  std::swap(messages, calls);
  calls.resize(schedule.operations.size());
  for (size_t g = 0; g < schedule.warmUp.count; ++g) {
    const IndexRange &group = schedule.groups[schedule.warmUp.first + g];
    for (size_t i = group.first; i < group.first + group.count; ++i) {
      const WireOperation &operation = schedule.operations[i];
      const bool isSend = operation.kind == WireOperation::Kind::Send;
      calls[i] = {operation.kind, operation.peer, comms[0], isSend ? bytes.data() : place++, 1};
    }
  }
  issue(schedule.warmUp, deadline);
  for (size_t i = 1; i < comms.size() && isGoing(); ++i, ++place) {
    const Call byte = {WireOperation::Kind::Broadcast, 0, comms[i], place, 1};
    note(cuda.MemcpyAsync(place, tableCopy.data(), 1, kCudaMemcpyHostToDevice, streams[kWire]),
         "upload a byte");
    if (isGoing())
      trouble = comms.finish(call(byte), byte.comm, "connect", deadline);
  }
  std::swap(messages, calls);
  if (isGoing())
    note(cuda.EventRecord(uploadedEvent, streams[kWire]), "record an event");
  const Status status = isGoing() ? waitFor(uploadedEvent, "connect the ranks", deadline) : trouble;
  if (!status.isOk()) { // nothing may use `bytes` any more
    comms.abort();
    (void)drain(Deadline::in(kDrainMilliseconds));
  }
  return status;
}

Status DeviceReplay::enqueue(CudaStream stream, const Deadline &deadline, bool &isCaptured) {
  trouble = {};
  int captureStatus = kCudaStreamCaptureStatusNone;
  note(cuda.StreamIsCapturing(stream, &captureStatus), "ask for a capture");
  isCaptured = captureStatus != kCudaStreamCaptureStatusNone;
  std::fill(std::begin(isUsed), std::end(isUsed), false);

  // After the replay before it, whichever stream that was on. A capture's own order is the graph's.
  if (enqueued > 0 && !isCaptured)
    note(cuda.StreamWaitEvent(stream, finishedEvent(enqueued - 1), 0), "order streams");
  note(cuda.EventRecord(startEvent, stream), "record an event");
  use(kWire);
  if (schedule.zeros.count > 0)
    launchCopies(schedule.zeros, kUnpack);
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
  const CudaEvent end = isCaptured ? capturedEvent : finishedEvent(enqueued);
  record(end, kWire);
  if (isGoing())
    note(cuda.StreamWaitEvent(stream, end, 0), "order streams");
  enqueued += !isCaptured; // counts as in flight even if it failed on the way
  return trouble;
}

Status DeviceReplay::update() {
  bool isFinished = true;
  while (finished < enqueued && isFinished) {
    if (Status status = query(finishedEvent(finished), isFinished); !status.isOk())
      return status;
    finished += isFinished;
  }
  return {};
}

void DeviceReplay::enqueueWindow(size_t index, const Deadline &deadline) {
  const DeviceWindow &window = schedule.windows[index];
  const WindowEvents &own = events[index];
  const bool packs = window.pack.count > 0, gathers = window.gathers.count > 0;
  const bool folds = window.fold.count > 0, delivers = window.deliveries.count > 0;
  // What a stream that comes new to this window must wait for: first that staging is free.
  CudaEvent before = index >= 2 ? lastEventOf(index - 2) : nullptr;
  if (packs) {
    wait(kPack, before);
    launchCopies(window.pack, kPack);
    record(before = own.packed, kPack);
  }
  if (gathers) {
    wait(kWire, before);
    issue(window.gathers, deadline);
    record(before = own.gathered, kWire);
  }
  if (folds) {
    wait(kUnpack, before);
    launchFolds(window.fold, kUnpack);
    record(before = own.folded, kUnpack);
  }
  if (delivers) {
    wait(kWire, before);
    issue(window.deliveries, deadline);
    record(before = own.wired, kWire);
  }
  if (window.unpack.count > 0) {
    wait(kUnpack, before);
    launchCopies(window.unpack, kUnpack);
    record(own.done, kUnpack);
  }
}

/// The event after which nothing of a window is left to do; null if it had nothing.
CudaEvent DeviceReplay::lastEventOf(size_t index) const {
  const DeviceWindow &window = schedule.windows[index];
  const WindowEvents &own = events[index];
  return window.unpack.count > 0       ? own.done
         : window.deliveries.count > 0 ? own.wired
         : window.fold.count > 0       ? own.folded
         : window.gathers.count > 0    ? own.gathered
         : window.pack.count > 0       ? static_cast<CudaEvent>(own.packed)
                                       : nullptr;
}

Status DeviceReplay::stateOf(size_t index, WindowState &state) const {
  state = {};
  if (index >= numEnqueued)
    return {};
  const DeviceWindow &window = schedule.windows[index];
  const CudaEvent wired = window.deliveries.count > 0 ? events[index].wired
                          : window.gathers.count > 0
                              ? static_cast<CudaEvent>(events[index].gathered)
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

/// A stream of this replay, which begins where the caller's stream was.
CudaStream DeviceReplay::use(StreamRole role) {
  if (!std::exchange(isUsed[role], true) && isGoing())
    note(cuda.StreamWaitEvent(streams[role], startEvent, 0), "order streams");
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

void DeviceReplay::launchCopies(const TileRange &range, StreamRole role) {
  const CudaStream stream = use(role);
  if (isGoing())
    note(cuda.copy(&tables, range.first, range.count, stream), "launch copies");
}

void DeviceReplay::launchFolds(const TileRange &range, StreamRole role) {
  const CudaStream stream = use(role);
  if (isGoing())
    note(cuda.fold(&tables, range.first, range.count, stream), "launch reductions");
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

bool DeviceReplay::drain(const Deadline &deadline) {
  for (const OwnedStream &stream : streams) {
    if (!stream || !uploadedEvent || cuda.EventRecord(uploadedEvent, stream) != kCudaSuccess)
      continue; // nothing was enqueued yet
    CudaError error = kCudaErrorNotReady;
    for (Poll poll; (error = cuda.EventQuery(uploadedEvent)) == kCudaErrorNotReady; poll.pause())
      if (isPast(deadline))
        return false;
  }
  return true;
}

void DeviceReplay::stopKernels(const Deadline &deadline) {
  const uint32_t isDead = 1;
  std::memcpy(tableCopy.data(), &isDead, sizeof(isDead));
  if (cuda.MemcpyAsync(deadFlag.data(), tableCopy.data(), sizeof(isDead), kCudaMemcpyHostToDevice,
                       stopStream) == kCudaSuccess &&
      cuda.EventRecord(uploadedEvent, stopStream) == kCudaSuccess)
    for (Poll poll; cuda.EventQuery(uploadedEvent) == kCudaErrorNotReady && !isPast(deadline);)
      poll.pause();
}

} // namespace xfer::runtime
