//===- Replay.cpp - Runs one rank's program -------------------------------===//
//
// Two windows are in flight: while one is on the wire, the next is packed and
// posted, and then the first is unpacked.
//
//   pack 0, post 0,  pack 1, post 1, complete 0,  pack 2, post 2, complete 1, ...
//
// Even windows stage from the low end of the arena, odd ones from the high end,
// so that two windows in a row fit wherever the plan's bound says they do.
// Window i is staged only when nobody reads window i-2 any more, here or there.
//
// Why nobody waits in a circle: complete(i) waits for post(i) of others and, at
// a destination, for their folds, which wait only for post(i); settle(i) waits
// for complete(i) of others. Post never waits. Windows have one order in the job,
// and settle(i-2) comes before post(i), so every wait is for something earlier.
//===----------------------------------------------------------------------===//
#include "Replay.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

namespace {
constexpr int64_t kFoldBlockBytes = 4096;
}

Replay::Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds,
               bool checksums, bool needsBuffers)
    : plan(plan), program(program), messages(plan, program), data(program.bindings.size()),
      timeline(program), progress(program), timeout(timeoutMilliseconds), checksums(checksums),
      needsBuffers(needsBuffers), places(program.buckets.size()) {}

void Replay::open(std::unique_ptr<Connection> newConnection) {
  connection = std::move(newConnection);
  const int64_t arenaBytes = needsBuffers ? program.exchangeBytes : program.stagingBytes;
  size_t numContributors = 0;
  for (size_t i = 0; i < program.windows.size(); ++i) {
    const WindowStep &window = program.windows[i];
    const int64_t windowBytes = window.stagedBytes + (needsBuffers ? window.receivedBytes : 0);
    int64_t place = i % 2 == 0 ? 0 : arenaBytes - windowBytes;
    for (const BucketStep &bucket : program.bucketsOf(window)) {
      const bool folds = bucket.isReduce && bucket.sender == program.rank;
      Place &staged = places[static_cast<size_t>(&bucket - program.buckets.data())];
      staged.wire = place;
      staged.contribution = place + (folds ? bucket.bytes : 0);
      staged.received = place + bucket.stagedBytes(program.rank);
      const auto numOthers = static_cast<int64_t>(plan.contributorsOf(bucket).ranks.size()) - 1;
      place = staged.received + (needsBuffers ? bucket.receivedBytes(program.rank, numOthers) : 0);
      if (folds)
        numContributors = std::max(numContributors, plan.contributorsOf(bucket).ranks.size());
    }
  }
  staging.resize(static_cast<size_t>(arenaBytes));
  received.resize(numContributors);
  foldBlock.resize(numContributors > 0 ? kFoldBlockBytes : 0);
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
      prepare(i);
      if (Status status = post(i); !status.isOk())
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
  for (const ZeroStep &step : program.zeros) {
    const auto binding = static_cast<size_t>(step.binding);
    zeroNest(byteWidth(program.bindings[binding]->dtype),
             plan.nests[static_cast<size_t>(step.nest)], data[binding]);
  }
  progress.finishZeros();
}

/// Says where the window's messages go; one that is unpacked in place goes to its target.
Status Replay::expect(size_t index) {
  for (const BucketStep &bucket : program.bucketsOf(program.windows[index])) {
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    const size_t first = messages.slots[place].firstReceive;
    std::byte *buffer = staging.data() + places[place].received;
    for (size_t i = 0; i < messages.numReceives(place); ++i) {
      const Envelope &envelope = messages.receives[first + i];
      std::byte *to = buffer;
      if (envelope.kind != MessageKind::Contribution && bucket.unpacksInPlace) {
        to = targetMemory(bucket);
        if (needsBuffers)
          progress.begin(place);
      } else {
        buffer += needsBuffers ? envelope.bytes : 0;
      }
      if (Status status = connection->expect(first + i, to); !status.isOk())
        return status;
    }
  }
  return {};
}

/// Packs every bucket with a source role: its contribution in the source's type if it is reduced,
/// else its wire buffer.
void Replay::prepare(size_t index) {
  timeline[index].packBegin = now();
  for (const BucketStep &bucket : program.bucketsOf(program.windows[index])) {
    if (!bucket.isSource || bucket.packsInPlace)
      continue;
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    std::byte *packed = bucket.isReduce ? contributionOf(place) : wireOf(place);
    for (const ChunkStep &chunk : program.chunksOf(bucket)) {
      const auto binding = static_cast<size_t>(chunk.sourceBinding);
      const xfer_dtype_t dtype = program.bindings[binding]->dtype;
      packNest(ElementCopy::make(dtype, bucket.isReduce ? dtype : chunk.wireDType),
               plan.nests[static_cast<size_t>(chunk.sourceNest)], data[binding],
               packed + (bucket.isReduce ? chunk.contributionOffset : chunk.offset));
    }
  }
  timeline[index].packEnd = now();
}

/// Sends what needs nothing from others: deliveries that are not reduced, and contributions.
Status Replay::post(size_t index) {
  for (const BucketStep &bucket : program.bucketsOf(program.windows[index])) {
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    const bool isSender = bucket.sender == program.rank;
    Status status;
    if (!isSender && bucket.isSource)
      status = connection->send(messages.slots[place].firstSend, contributionOf(place),
                                checksumOf(contributionOf(place), bucket.contributionBytes));
    else if (isSender && !bucket.isReduce)
      status = deliver(place);
    if (!status.isOk())
      return status;
  }
  timeline[index].posted = now();
  return {};
}

/// Sends a bucket's wire buffer to every destination but this rank.
Status Replay::deliver(size_t index) {
  const size_t first = messages.slots[index].firstSend, end = messages.slots[index + 1].firstSend;
  if (first == end)
    return {};
  const uint64_t checksum = checksumOf(wireOf(index), program.buckets[index].bytes);
  for (size_t slot = first; slot < end; ++slot)
    if (Status status = connection->send(slot, wireOf(index), checksum); !status.isOk())
      return status;
  return {};
}

/// Reduces and delivers what this rank reduces, then writes every bucket with a target role.
Status Replay::complete(size_t index) {
  const WindowStep &window = program.windows[index];
  for (const BucketStep &bucket : program.bucketsOf(window)) {
    if (!bucket.isReduce || bucket.sender != program.rank)
      continue;
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    if (Status status = gatherAndFold(index, place); !status.isOk())
      return status;
    if (Status status = deliver(place); !status.isOk())
      return status;
  }
  for (const BucketStep &bucket : program.bucketsOf(window))
    if (bucket.isTarget)
      if (Status status =
              receiveAndFinalize(index, static_cast<size_t>(&bucket - program.buckets.data()));
          !status.isOk())
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
  timeline[index].waiting += now() - begin;
  return status;
}

/// Waits for a message and checks its checksum.
Status Replay::receive(size_t window, size_t bucket, size_t slot, Received &message) {
  const Moment begin = now();
  if (Status status = connection->receive(slot, deadline(), message); !status.isOk())
    return status;
  timeline[window].arrived = now();
  timeline[window].waiting += timeline[window].arrived - begin;
  Status status = verify(program.buckets[bucket], messages.receives[slot], message);
  if (!status.isOk())
    connection->release(message);
  return status;
}

/// Waits for the other contributors of a bucket and reduces into its wire buffer.
Status Replay::gatherAndFold(size_t window, size_t index) {
  const BucketStep &bucket = program.buckets[index];
  const std::vector<int64_t> &contributors = plan.contributorsOf(bucket).ranks;
  size_t slot = messages.slots[index].firstReceive;
  Status status;
  size_t numReceived = 0;
  for (; numReceived < contributors.size(); ++numReceived) {
    received[numReceived] = {contributionOf(index)};
    if (contributors[numReceived] != program.rank)
      status = receive(window, index, slot++, received[numReceived]);
    if (!status.isOk())
      break;
  }
  if (status.isOk()) {
    const Moment begin = now();
    fold(bucket, index);
    timeline[window].unpacking += now() - begin;
  }
  for (size_t i = 0; i < numReceived; ++i)
    if (received[i].handle)
      connection->release(received[i]);
  return status;
}

/// Folds the received contributions in order, block by block, and casts the totals to the wire.
void Replay::fold(const BucketStep &bucket, size_t index) {
  const size_t numContributors = plan.contributorsOf(bucket).ranks.size();
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const BindingSpec &source = program.binding(chunk.sourceBinding);
    const FoldFunction foldInto = foldFunction(source.reduce, source.dtype);
    const CopyFunction cast = copyFunction(source.dtype, chunk.wireDType);
    const int64_t width = byteWidth(source.dtype);
    const int64_t blockElements = kFoldBlockBytes / width;
    std::byte *wire = wireOf(index) + chunk.offset;
    std::byte *total = foldBlock.data();
    for (int64_t first = 0; first < chunk.numElements; first += blockElements) {
      const int64_t count = std::min(blockElements, chunk.numElements - first);
      const int64_t offset = chunk.contributionOffset + first * width;
      std::copy_n(received[0].data + offset, count * width, total);
      for (size_t i = 1; i < numContributors; ++i)
        foldInto(total, received[i].data + offset, count);
      if (source.reduce == ReduceOp::Avg)
        divideElements(source.dtype, total, static_cast<int64_t>(numContributors), count);
      cast(total, 1, wire + first * byteWidth(chunk.wireDType), 1, count);
    }
  }
}

/// Writes a bucket with a target role, from this rank's own wire buffer or the sender's message.
Status Replay::receiveAndFinalize(size_t window, size_t index) {
  const BucketStep &bucket = program.buckets[index];
  Timeline::Window &times = timeline[window];
  const bool isRemote = bucket.sender != program.rank;
  Received delivery = {wireOf(index)};
  if (isRemote)
    if (Status status =
            receive(window, index, messages.slots[index + 1].firstReceive - 1, delivery);
        !status.isOk())
      return status;
  const Moment begin = now();
  progress.begin(index);
  if (!isRemote || delivery.data != targetMemory(bucket))
    finalize(bucket, delivery.data);
  progress.finish(index);
  if (isRemote)
    connection->release(delivery);
  times.unpackBegin = times.unpackBegin == 0 ? begin : times.unpackBegin;
  times.unpackEnd = now();
  times.unpacking += times.unpackEnd - begin;
  return {};
}

/// Writes every chunk of a bucket with a target role from its wire buffer.
void Replay::finalize(const BucketStep &bucket, const std::byte *wire) {
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const auto binding = static_cast<size_t>(chunk.targetBinding);
    unpackNest(ElementCopy::make(chunk.wireDType, program.bindings[binding]->dtype),
               plan.nests[static_cast<size_t>(chunk.targetNest)], wire + chunk.offset,
               data[binding]);
  }
}

uint64_t Replay::checksumOf(const std::byte *bytes, int64_t count) const {
  return checksums ? XXH3_64bits(bytes, static_cast<size_t>(count)) : 0;
}

/// Checks that the bytes are those that were sent; a failure names everything they could be.
Status Replay::verify(const BucketStep &bucket, const Envelope &envelope,
                      const Received &message) const {
  const uint64_t checksum = checksumOf(message.data, envelope.bytes);
  if (checksum == (checksums ? message.checksum : 0))
    return {};
  return failure(XFER_MISMATCH, "the ", runtime::describe(envelope), " from rank ", envelope.from,
                 " has checksum ", hexadecimal(checksum), ", expected ",
                 hexadecimal(message.checksum), "; it holds ",
                 describeChunks(plan, program, bucket));
}

/// The first byte that the only chunk of a bucket packed in place reads.
std::byte *Replay::sourceMemory(const BucketStep &bucket) const {
  const ChunkStep &chunk = program.chunks[static_cast<size_t>(bucket.firstChunk)];
  const auto binding = static_cast<size_t>(chunk.sourceBinding);
  return data[binding] + plan.nests[static_cast<size_t>(chunk.sourceNest)].offset *
                             byteWidth(program.bindings[binding]->dtype);
}

/// The first byte that the only chunk of a bucket unpacked in place writes; nullptr otherwise.
std::byte *Replay::targetMemory(const BucketStep &bucket) const {
  if (!bucket.unpacksInPlace)
    return nullptr;
  const ChunkStep &chunk = program.chunks[static_cast<size_t>(bucket.firstChunk)];
  const auto binding = static_cast<size_t>(chunk.targetBinding);
  return data[binding] + plan.nests[static_cast<size_t>(chunk.targetNest)].offset *
                             byteWidth(program.bindings[binding]->dtype);
}

std::byte *Replay::contributionOf(size_t index) {
  const BucketStep &bucket = program.buckets[index];
  return bucket.packsInPlace ? sourceMemory(bucket) : staging.data() + places[index].contribution;
}

std::byte *Replay::wireOf(size_t index) {
  const BucketStep &bucket = program.buckets[index];
  return bucket.packsInPlace && !bucket.isReduce ? sourceMemory(bucket)
                                                 : staging.data() + places[index].wire;
}

} // namespace xfer::runtime
