//===- Replay.cpp - Runs one rank's program -------------------------------===//
//
// Two windows are in flight: while one is on the wire, the next is packed and
// posted, and then the first is unpacked.
//
//   prepare 0,  prepare 1, complete 0,  prepare 2, complete 1, ...
//
// Window i is staged only when nobody reads window i-2 any more, here or there.
//
// Why nobody waits in a circle: complete(i) waits for prepare(i) of others and, at
// a destination, for their folds, which wait only for prepare(i); settle(i) waits
// for complete(i) of others. Prepare never waits. Windows have one order in the job,
// and settle(i-2) comes before prepare(i), so every wait is for something earlier.
//===----------------------------------------------------------------------===//
#include "Replay.h"
#include "Fold.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

Replay::Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds,
               bool checksums, bool needsBuffers)
    : plan(plan), program(program), messages(plan, program), memory(plan, program, needsBuffers),
      timeline(program), progress(program), timeout(timeoutMilliseconds), checksums(checksums) {}

void Replay::open(std::unique_ptr<Connection> newConnection) {
  connection = std::move(newConnection);
  memory.allocate();
  size_t numContributors = 0;
  for (const BucketStep &bucket : program.buckets)
    if (bucket.isReduce && bucket.sender == program.rank)
      numContributors = std::max(numContributors, plan.contributorsOf(bucket).ranks.size());
  received.resize(numContributors);
}

Status Replay::run() {
  progress.reset();
  timeline.begin();
  const Status status = runWindows();
  timeline.end(status.isOk());
  if (status.isOk())
    return status;
  connection->fail(status);
  connection->withdraw();
  return Status(status.code(),
                concat("rank ", program.rank, ": ", status.text(), "; ", progress.describe()));
}

Status Replay::runWindows() {
  writeZeros();
  const size_t numWindows = program.windows.size();
  for (size_t i = 0; i <= numWindows; ++i) {
    if (i < numWindows) {
      if (Status status = i >= 2 ? settle(i - 2) : Status(); !status.isOk())
        return status;
      if (Status status = expect(i); !status.isOk())
        return status;
      if (Status status = prepare(i); !status.isOk())
        return status;
    }
    if (Status status = i >= 1 ? complete(i - 1) : Status(); !status.isOk())
      return status;
  }
  for (size_t i = numWindows - std::min<size_t>(numWindows, 2); i < numWindows; ++i)
    if (Status status = settle(i); !status.isOk())
      return status;
  return connection->finish(deadline());
}

void Replay::writeZeros() {
  for (const ZeroStep &step : program.zeros)
    zeroNest(byteWidth(program.binding(step.binding).dtype),
             plan.nests[static_cast<size_t>(step.nest)],
             memory.tensors[static_cast<size_t>(step.binding)]);
  progress.finishZeros();
}

/// Says where the window's messages go; one that is unpacked in place goes to its target.
Status Replay::expect(size_t window) {
  for (const BucketStep &bucket : program.bucketsOf(program.windows[window])) {
    const size_t index = program.indexOf(bucket);
    const size_t first = messages.slots[index].firstReceive;
    const size_t count = messages.slots[index + 1].firstReceive - first;
    if (count > 0)
      timeline[window].open();
    for (size_t i = 0; i < count; ++i) {
      std::byte *to = nullptr;
      if (bucket.sender == program.rank) {
        to = memory.contributionArrival(index, i);
      } else {
        const Segment &segment = messages.segmentsOf(index)[i];
        to = memory.arrival(index, segment);
        if (to && segment.unpacksInPlace)
          progress.begin(index);
      }
      if (Status status = connection->expect(first + i, to); !status.isOk())
        return status;
    }
  }
  return {};
}

/// Packs every bucket with a source role, and sends what needs nothing from others.
Status Replay::prepare(size_t window) {
  for (const BucketStep &bucket : program.bucketsOf(program.windows[window]))
    if (bucket.isSource)
      if (Status status = bucket.isReduce ? contribute(window, program.indexOf(bucket))
                                          : packAndDeliver(window, program.indexOf(bucket));
          !status.isOk())
        return status;
  return {};
}

/// Packs a contribution in the source's type, and sends it unless this rank reduces.
Status Replay::contribute(size_t window, size_t index) {
  const BucketStep &bucket = program.buckets[index];
  std::byte *packed = memory.contribution(index);
  if (!bucket.packsInPlace) {
    const Moment begin = now();
    for (const ChunkStep &chunk : program.chunksOf(bucket)) {
      const xfer_dtype_t dtype = program.binding(chunk.sourceBinding).dtype;
      packNest(ElementCopy::make(dtype, dtype), plan.nests[static_cast<size_t>(chunk.sourceNest)],
               memory.tensors[static_cast<size_t>(chunk.sourceBinding)],
               packed + chunk.contributionOffset);
    }
    timeline[window].pack.add(begin, now());
  }
  return bucket.sender == program.rank ? Status()
                                       : post(window, messages.slots[index].firstSend, packed,
                                              checksumOf(packed, bucket.contributionBytes));
}

/// Packs and sends segment after segment: each leaves while the next is packed.
Status Replay::packAndDeliver(size_t window, size_t index) {
  const std::span<const Segment> segments = messages.segmentsOf(index);
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment &segment = segments[i];
    if (!segment.packsInPlace) {
      const Moment begin = now();
      std::byte *packed = memory.wire(index, segment);
      for (const ChunkStep &chunk : program.chunksOf(segment))
        packNest(ElementCopy::make(program.binding(chunk.sourceBinding).dtype, chunk.wireDType),
                 plan.nests[static_cast<size_t>(chunk.sourceNest)],
                 memory.tensors[static_cast<size_t>(chunk.sourceBinding)],
                 packed + (chunk.offset - segment.offset));
      timeline[window].pack.add(begin, now());
    }
    if (Status status = deliver(window, index, i); !status.isOk())
      return status;
  }
  return {};
}

/// Sends a segment of the wire buffer to every destination but this rank.
Status Replay::deliver(size_t window, size_t index, size_t number) {
  const Messages::Slots &slots = messages.slots[index], &next = messages.slots[index + 1];
  const size_t numSegments = next.firstSegment - slots.firstSegment;
  const size_t numDestinations = (next.firstSend - slots.firstSend) / numSegments;
  if (numDestinations == 0)
    return {};
  const Segment &segment = messages.segmentsOf(index)[number];
  const std::byte *data = memory.wire(index, segment);
  const uint64_t checksum = checksumOf(data, segment.bytes);
  const size_t first = slots.firstSend + number * numDestinations;
  for (size_t slot = first; slot < first + numDestinations; ++slot)
    if (Status status = post(window, slot, data, checksum); !status.isOk())
      return status;
  return {};
}

Status Replay::post(size_t window, size_t slot, const std::byte *data, uint64_t checksum) {
  timeline[window].open();
  return connection->send(slot, data, checksum);
}

/// Reduces and delivers what this rank reduces, then writes every bucket with a target role.
Status Replay::complete(size_t window) {
  for (const BucketStep &bucket : program.bucketsOf(program.windows[window]))
    if (bucket.isReduce && bucket.sender == program.rank)
      if (Status status = gatherAndFold(window, program.indexOf(bucket)); !status.isOk())
        return status;
  for (const BucketStep &bucket : program.bucketsOf(program.windows[window]))
    if (bucket.isTarget)
      if (Status status = receiveAndFinalize(window, program.indexOf(bucket)); !status.isOk())
        return status;
  return {};
}

Status Replay::settle(size_t index) {
  const WindowStep &window = program.windows[index];
  const auto firstBucket = static_cast<size_t>(window.firstBucket);
  const size_t first = messages.slots[firstBucket].firstSend;
  const size_t end = messages.slots[firstBucket + static_cast<size_t>(window.numBuckets)].firstSend;
  const Moment begin = now();
  Status status = connection->settle(first, end - first, deadline());
  timeline[index].wait.add(begin, now());
  if (timeline[index].closed == 0)
    timeline[index].close(); // it sent, and received nothing
  return status;
}

/// Waits for a message, and compares its checksum; a failure names everything it could be.
Status Replay::receive(size_t window, size_t slot, std::span<const ChunkStep> chunks,
                       Received &message) {
  const Moment begin = now();
  if (Status status = connection->receive(slot, deadline(), message); !status.isOk())
    return Status(status.code(),
                  concat(status.text(), "; it would hold ", describeChunks(plan, program, chunks)));
  timeline[window].close();
  timeline[window].wait.add(begin, now());
  const Envelope &envelope = messages.receives[slot];
  const uint64_t checksum = checksumOf(message.data, envelope.bytes);
  if (checksum == (checksums ? message.checksum : 0))
    return {};
  connection->release(message);
  return damaged(plan, program, envelope, chunks, checksum, message.checksum);
}

/// Waits for the other contributors of a bucket, reduces into its wire buffer, and delivers that.
Status Replay::gatherAndFold(size_t window, size_t index) {
  const BucketStep &bucket = program.buckets[index];
  const std::vector<int64_t> &contributors = plan.contributorsOf(bucket).ranks;
  const std::span<const Segment> segments = messages.segmentsOf(index);
  size_t slot = messages.slots[index].firstReceive;
  Status status;
  size_t numReceived = 0;
  for (; numReceived < contributors.size(); ++numReceived) {
    received[numReceived] = {memory.contribution(index)};
    if (contributors[numReceived] != program.rank)
      status = receive(window, slot++, program.chunksOf(bucket), received[numReceived]);
    if (!status.isOk())
      break;
  }
  if (status.isOk()) {
    const Moment begin = now();
    foldBucket(program, bucket, std::span(received).first(numReceived),
               memory.wire(index, segments.front()));
    timeline[window].unpack.add(begin, now());
  }
  for (size_t i = 0; i < numReceived; ++i)
    if (received[i].handle)
      connection->release(received[i]);
  for (size_t i = 0; i < segments.size() && status.isOk(); ++i)
    status = deliver(window, index, i);
  return status;
}

/// Writes a bucket with a target role, from this rank's own wire buffer or the sender's messages.
Status Replay::receiveAndFinalize(size_t window, size_t index) {
  const bool isRemote = program.buckets[index].sender != program.rank;
  size_t slot = messages.slots[index].firstReceive;
  for (const Segment &segment : messages.segmentsOf(index)) {
    Received message;
    if (!isRemote)
      message.data = memory.wire(index, segment);
    else if (Status status = receive(window, slot++, program.chunksOf(segment), message);
             !status.isOk())
      return status;
    const Moment begin = now();
    progress.begin(index);
    if (!segment.unpacksInPlace || message.data != memory.arrival(index, segment))
      finalize(segment, message.data);
    if (isRemote)
      connection->release(message);
    timeline[window].unpack.add(begin, now());
  }
  progress.finish(index);
  return {};
}

/// Writes every chunk of a segment of a bucket with a target role.
void Replay::finalize(const Segment &segment, const std::byte *wire) {
  for (const ChunkStep &chunk : program.chunksOf(segment))
    unpackNest(ElementCopy::make(chunk.wireDType, program.binding(chunk.targetBinding).dtype),
               plan.nests[static_cast<size_t>(chunk.targetNest)],
               wire + (chunk.offset - segment.offset),
               memory.tensors[static_cast<size_t>(chunk.targetBinding)]);
}

uint64_t Replay::checksumOf(const std::byte *bytes, int64_t count) const {
  return checksums ? XXH3_64bits(bytes, static_cast<size_t>(count)) : 0;
}

} // namespace xfer::runtime
