//===- Replay.cpp - Runs one rank's program -------------------------------===//
//
// While window i is on the wire, window i+1 is packed:
//
//   prepare 0, post 0,  prepare 1, complete 0, post 1,  prepare 2, complete 1, post 2, ...
//
// Even windows stage from the low end of the arena, odd ones from the high end,
// so that two windows in a row fit wherever the plan's bound says they do.
// Window i+1 is packed only when everything window i-1 lent has been released.
//
// Why nobody waits in a circle: complete(i) waits for post(i) of others and, at
// a destination, for their folds, which wait only for post(i); prepare(i+1)
// waits for complete(i-1) of others. Windows have one order in the job, so every
// wait is for something earlier in it.
//===----------------------------------------------------------------------===//
#include "Replay.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

namespace {
constexpr int64_t kFoldBlockBytes = 4096;
}

Replay::Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds)
    : plan(plan), program(program), data(program.bindings.size()), timeout(timeoutMilliseconds),
      places(program.buckets.size()) {
  size_t numContributors = 0;
  slotsBefore.push_back(0);
  for (size_t i = 0; i < program.windows.size(); ++i) {
    const WindowStep &window = program.windows[i];
    int64_t place = i % 2 == 0 ? 0 : program.stagingBytes - window.stagedBytes;
    size_t numSlots = slotsBefore.back();
    for (const BucketStep &bucket : program.bucketsOf(window)) {
      const bool isSender = bucket.sender == program.rank;
      Place &staged = places[static_cast<size_t>(&bucket - program.buckets.data())];
      staged.wire = place;
      place += bucket.stagedBytes(program.rank);
      if (bucket.isReduce)
        staged.contribution = staged.wire + (isSender ? bucket.bytes : 0);
      if (!isSender)
        numSlots += bucket.isSource;
      else if (bucket.transport != Transport::Local)
        numSlots += plan.destinationsOf(bucket).ranks.size() - bucket.isTarget;
      if (isSender && bucket.isReduce)
        numContributors = std::max(numContributors, plan.contributorsOf(bucket).ranks.size());
    }
    slotsBefore.push_back(numSlots);
  }
  received.resize(numContributors);
  foldBlock.resize(numContributors > 0 ? kFoldBlockBytes : 0);
}

void Replay::open(std::unique_ptr<Connection> newConnection) {
  connection = std::move(newConnection);
  staging.resize(static_cast<size_t>(program.stagingBytes));
}

Status Replay::run() {
  hasWritten = false;
  const Status status = runWindows();
  if (status.isOk())
    return status;
  connection->fail(status);
  connection->withdraw();
  return Status(status.code(),
                concat("rank ", program.rank, ": ", status.text(), "; ",
                       hasWritten ? "targets were partly written" : "no target was written"));
}

void Replay::writeZeros() {
  for (const ZeroStep &step : program.zeros) {
    const auto binding = static_cast<size_t>(step.binding);
    zeroNest(byteWidth(program.bindings[binding]->dtype),
             plan.nests[static_cast<size_t>(step.nest)], data[binding]);
    hasWritten = true;
  }
}

Status Replay::runWindows() {
  writeZeros();
  const size_t numWindows = program.windows.size();
  for (size_t i = 0; i <= numWindows; ++i) {
    if (i < numWindows) {
      if (Status status = i >= 2 ? settle(i - 2) : Status(); !status.isOk())
        return status;
      prepare(i);
    }
    if (Status status = i >= 1 ? complete(i - 1) : Status(); !status.isOk())
      return status;
    if (Status status = i < numWindows ? post(i) : Status(); !status.isOk())
      return status;
  }
  for (size_t i = numWindows - std::min<size_t>(numWindows, 2); i < numWindows; ++i)
    if (Status status = settle(i); !status.isOk())
      return status;
  return {};
}

/// Packs every bucket with a source role: its contribution in the source's type if it is reduced,
/// else its wire buffer.
void Replay::prepare(size_t index) {
  const WindowStep &window = program.windows[index];
  for (const BucketStep &bucket : program.bucketsOf(window)) {
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
}

/// Sends what needs nothing from others: deliveries that are not reduced, and contributions.
Status Replay::post(size_t index) {
  const WindowStep &window = program.windows[index];
  size_t slot = slotsBefore[index];
  for (const BucketStep &bucket : program.bucketsOf(window)) {
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    const bool isSender = bucket.sender == program.rank;
    if (!isSender && bucket.isSource) {
      const Envelope envelope =
          envelopeOf(MessageKind::Contribution, window, bucket, program.rank, bucket.sender);
      if (Status status = connection->send(slot++, envelope, contributionOf(place)); !status.isOk())
        return status;
    }
    if (isSender && !bucket.isReduce)
      if (Status status = deliver(window, place, slot); !status.isOk())
        return status;
  }
  return {};
}

/// Sends a bucket's wire buffer to every destination but this rank.
Status Replay::deliver(const WindowStep &window, size_t index, size_t &slot) {
  const BucketStep &bucket = program.buckets[index];
  for (int64_t destination : plan.destinationsOf(bucket).ranks) {
    if (destination == program.rank)
      continue;
    const Envelope envelope =
        envelopeOf(MessageKind::Delivery, window, bucket, program.rank, destination);
    if (Status status = connection->send(slot++, envelope, wireOf(index)); !status.isOk())
      return status;
  }
  return {};
}

/// Reduces and delivers what this rank reduces, then writes every bucket with a target role.
Status Replay::complete(size_t index) {
  const WindowStep &window = program.windows[index];
  size_t slot = slotsBefore[index];
  for (const BucketStep &bucket : program.bucketsOf(window)) // slots that post() has used
    if (bucket.sender != program.rank)
      slot += bucket.isSource;
    else if (!bucket.isReduce && bucket.transport != Transport::Local)
      slot += plan.destinationsOf(bucket).ranks.size() - bucket.isTarget;

  for (const BucketStep &bucket : program.bucketsOf(window)) {
    if (!bucket.isReduce || bucket.sender != program.rank)
      continue;
    const size_t place = static_cast<size_t>(&bucket - program.buckets.data());
    if (Status status = gatherAndFold(window, place); !status.isOk())
      return status;
    if (Status status = deliver(window, place, slot); !status.isOk())
      return status;
  }

  for (const BucketStep &bucket : program.bucketsOf(window)) {
    if (!bucket.isTarget)
      continue;
    if (bucket.sender == program.rank) {
      finalize(bucket, wireOf(static_cast<size_t>(&bucket - program.buckets.data())));
      continue;
    }
    Received delivery;
    if (Status status = connection->receive(
            envelopeOf(MessageKind::Delivery, window, bucket, bucket.sender, program.rank),
            deadline(), delivery);
        !status.isOk())
      return status;
    finalize(bucket, delivery.data);
    connection->release(delivery);
  }
  return {};
}

Status Replay::settle(size_t index) {
  return connection->settle(slotsBefore[index], slotsBefore[index + 1] - slotsBefore[index],
                            deadline());
}

/// Waits for the other contributors of a bucket and reduces into its wire buffer.
Status Replay::gatherAndFold(const WindowStep &window, size_t index) {
  const BucketStep &bucket = program.buckets[index];
  const std::vector<int64_t> &contributors = plan.contributorsOf(bucket).ranks;
  Status status;
  size_t numReceived = 0;
  for (; numReceived < contributors.size() && status.isOk(); ++numReceived) {
    const int64_t contributor = contributors[numReceived];
    received[numReceived] = {contributionOf(index), nullptr};
    if (contributor != program.rank)
      status = connection->receive(
          envelopeOf(MessageKind::Contribution, window, bucket, contributor, program.rank),
          deadline(), received[numReceived]);
  }
  if (status.isOk())
    fold(bucket, index);
  else
    --numReceived; // the last one did not arrive
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

/// Writes every chunk of a bucket with a target role from its wire buffer.
void Replay::finalize(const BucketStep &bucket, const std::byte *wire) {
  hasWritten = true;
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const auto binding = static_cast<size_t>(chunk.targetBinding);
    unpackNest(ElementCopy::make(chunk.wireDType, program.bindings[binding]->dtype),
               plan.nests[static_cast<size_t>(chunk.targetNest)], wire + chunk.offset,
               data[binding]);
  }
}

Envelope Replay::envelopeOf(MessageKind kind, const WindowStep &window, const BucketStep &bucket,
                            int64_t from, int64_t to) const {
  const uint64_t ends[] = {plan.contributorsOf(bucket).hash, plan.destinationsOf(bucket).hash,
                           static_cast<uint64_t>(bucket.sender)};
  const int64_t bytes = kind == MessageKind::Contribution ? bucket.contributionBytes : bucket.bytes;
  return {kind, from, to, window.index, bucket.ordinal, XXH3_64bits(ends, sizeof(ends)), bytes};
}

/// The first byte that the only chunk of a bucket packed in place reads.
std::byte *Replay::sourceMemory(const BucketStep &bucket) const {
  const ChunkStep &chunk = program.chunks[static_cast<size_t>(bucket.firstChunk)];
  const auto binding = static_cast<size_t>(chunk.sourceBinding);
  return data[binding] + plan.nests[static_cast<size_t>(chunk.sourceNest)].offset *
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
