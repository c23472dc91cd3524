//===- DeviceReplayOpen.cpp - What replays need on a device ---------------===//
//
// Streams, events, staging and connections, made once; and the kernels' tables, which
// are made anew whenever tensors are bound.
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
  for (OwnedEvent *event : {&packTail, &unpackTail, &uploadedEvent})
    if (Status status = event->make(cuda, false); !status.isOk())
      return status;
  std::vector<OwnedEvent *> timed = {&clockEvent, &captureEvents.began, &captureEvents.ended};
  for (ReplayEvents &each : replayEvents)
    timed.insert(timed.end(), {&each.began, &each.ended});
  events.resize(schedule.windows.size());
  for (WindowEvents &each : events)
    for (OwnedEvent &event : each)
      timed.push_back(&event);
  for (OwnedEvent *event : timed)
    if (Status status = event->make(cuda, true); !status.isOk())
      return status;
  if (Status status = DeviceMemory::make(cuda, static_cast<size_t>(schedule.stagingBytes), staging);
      !status.isOk())
    return status;
  if (Status status = DeviceMemory::make(cuda, sizeof(uint32_t), haltFlag); !status.isOk())
    return status;
  if (Status status = PinnedMemory::make(cuda, sizeof(DamageReport), report); !status.isOk())
    return status;
  std::memset(report.data(), 0, sizeof(DamageReport));
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
  Part parts[] = {partOf(builder.copies),
                  partOf(builder.loops),
                  partOf(builder.folds),
                  partOf(builder.operands),
                  partOf(builder.messages),
                  partOf(builder.tiles),
                  partOf(bases)};
  size_t end = kTableAlignment; // the first words are for halt()
  for (Part &part : parts) {
    part.offset = end;
    end += alignedTable(part.bytes);
  }
  const size_t sumBytes = builder.messages.empty() ? 0 : builder.tiles.size() * sizeof(uint64_t);
  if (end + sumBytes > tableCapacity) {
    if (Status status = PinnedMemory::make(cuda, end + sumBytes, tableCopy); !status.isOk())
      return status;
    if (Status status = DeviceMemory::make(cuda, end + sumBytes, tableMemory); !status.isOk())
      return status;
    tableCapacity = end + sumBytes;
  }
  std::memset(tableCopy.data(), 0, end);
  for (const Part &part : parts)
    if (part.bytes > 0)
      std::memcpy(tableCopy.data() + part.offset, part.data, part.bytes);

  trouble = {};
  note(cuda.MemcpyAsync(tableMemory.data(), tableCopy.data(), end, kCudaMemcpyHostToDevice,
                        streams[kPack]),
       "upload tables");
  note(cuda.MemcpyAsync(haltFlag.data(), tableCopy.data(), sizeof(uint32_t),
                        kCudaMemcpyHostToDevice, streams[kPack]),
       "upload tables");
  note(cuda.EventRecord(uploadedEvent, streams[kPack]), "record an event");
  if (!isGoing())
    return trouble;
  if (Status status = waitFor(uploadedEvent, "upload tables", deadline); !status.isOk())
    return status;

  std::byte *at = tableMemory.data();
  tables.copies = reinterpret_cast<const CopyStep *>(at + parts[0].offset);
  tables.loops = reinterpret_cast<const StepLoop *>(at + parts[1].offset);
  tables.folds = reinterpret_cast<const FoldStep *>(at + parts[2].offset);
  tables.operands = reinterpret_cast<const FoldOperand *>(at + parts[3].offset);
  tables.messages = reinterpret_cast<const MessageStep *>(at + parts[4].offset);
  tables.tiles = reinterpret_cast<const Tile *>(at + parts[5].offset);
  tables.bases = reinterpret_cast<std::byte *const *>(at + parts[6].offset);
  tables.tileSums = reinterpret_cast<uint64_t *>(at + end);
  tables.halt = reinterpret_cast<volatile uint32_t *>(haltFlag.data());
  tables.damage = reinterpret_cast<DamageReport *>(report.data());
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

} // namespace xfer::runtime
