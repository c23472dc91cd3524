//===- ScheduleSteps.cpp - What a rank's kernels do -----------------------===//
//
// The kernels' part of a schedule, window by window. With checksums whatever is
// sent is sealed after it is packed or folded, and whatever has arrived is verified
// before it is folded or unpacked.
//===----------------------------------------------------------------------===//
#include "Schedule.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {
namespace {

Place at(Place place, int64_t offset) { return {place.base, place.offset + offset}; }

} // namespace

void Schedule::buildSteps(StepBuilder &builder) {
  hashed.clear();
  for (const ZeroStep &step : program.zeros)
    builder.zero(job.nests[static_cast<size_t>(step.nest)], 1 + step.binding,
                 program.binding(step.binding).dtype);
  zeros = builder.endLaunch();
  for (size_t i = 0; i < windows.size(); ++i) {
    packWindow(i, builder);
    foldWindow(i, builder);
    unpackWindow(i, builder);
  }
}

/// What this rank contributes or sends.
void Schedule::packWindow(size_t index, StepBuilder &builder) {
  const auto buckets = program.bucketsOf(program.windows[index]);
  auto packedPlace = [&](const BucketStep &bucket) {
    const BucketPlaces &placed = places[program.indexOf(bucket)];
    return bucket.isReduce ? placed.contribution : placed.wire;
  };
  for (const BucketStep &bucket : buckets) {
    if (!bucket.isSource || packedPlace(bucket).base != kStagingBase)
      continue;
    for (const ChunkStep &chunk : program.chunksOf(bucket)) {
      const xfer_dtype_t dtype = program.binding(chunk.sourceBinding).dtype;
      builder.pack(
          job.nests[static_cast<size_t>(chunk.sourceNest)], 1 + chunk.sourceBinding, dtype,
          at(packedPlace(bucket), bucket.isReduce ? chunk.contributionOffset : chunk.offset),
          bucket.isReduce ? dtype : chunk.wireDType);
    }
  }
  windows[index].pack.tiles = builder.endLaunch();
  for (const BucketStep &bucket : buckets) {
    if (bucket.isReduce && bucket.isSource && bucket.sender != program.rank)
      hash(index, bucket, MessageKind::Contribution, program.rank, packedPlace(bucket), builder);
    else if (!bucket.isReduce && bucket.sender == program.rank && isSent(bucket))
      hash(index, bucket, MessageKind::Delivery, program.rank, packedPlace(bucket), builder);
  }
  windows[index].pack.sealed = builder.endMessages();
}

/// What it reduces.
void Schedule::foldWindow(size_t index, StepBuilder &builder) {
  std::vector<const BucketStep *> buckets;
  for (const BucketStep &bucket : program.bucketsOf(program.windows[index]))
    if (bucket.isReduce && bucket.sender == program.rank)
      buckets.push_back(&bucket);
  for (const BucketStep *bucket : buckets) {
    const std::vector<int64_t> &contributors = job.contributorsOf(*bucket).ranks;
    for (size_t i = 0; i < contributors.size(); ++i)
      if (contributors[i] != program.rank)
        hash(index, *bucket, MessageKind::Contribution, contributors[i],
             places[program.indexOf(*bucket)].contributions[i], builder);
  }
  KernelWork &work = windows[index].fold;
  work.verified = builder.endMessages();

  std::vector<Place> operands;
  for (const BucketStep *bucket : buckets) {
    const BucketPlaces &placed = places[program.indexOf(*bucket)];
    for (const ChunkStep &chunk : program.chunksOf(*bucket)) {
      const BindingSpec &source = program.binding(chunk.sourceBinding);
      operands.clear();
      for (const Place &place : placed.contributions)
        operands.push_back(at(place, chunk.contributionOffset));
      builder.fold(operands, source.reduce, source.dtype, at(placed.wire, chunk.offset),
                   chunk.wireDType, chunk.numElements);
    }
  }
  work.tiles = builder.endLaunch();
  for (const BucketStep *bucket : buckets)
    if (isSent(*bucket))
      hash(index, *bucket, MessageKind::Total, program.rank, places[program.indexOf(*bucket)].wire,
           builder);
  work.sealed = builder.endMessages();
}

/// What it writes.
void Schedule::unpackWindow(size_t index, StepBuilder &builder) {
  const auto buckets = program.bucketsOf(program.windows[index]);
  for (const BucketStep &bucket : buckets)
    if (bucket.isTarget && bucket.sender != program.rank)
      hash(index, bucket, bucket.isReduce ? MessageKind::Total : MessageKind::Delivery,
           bucket.sender, places[program.indexOf(bucket)].wire, builder);
  KernelWork &work = windows[index].unpack;
  work.verified = builder.endMessages();
  for (const BucketStep &bucket : buckets) {
    if (!bucket.isTarget || arrivesInPlace(bucket))
      continue;
    for (const ChunkStep &chunk : program.chunksOf(bucket))
      builder.unpack(at(places[program.indexOf(bucket)].wire, chunk.offset), chunk.wireDType,
                     job.nests[static_cast<size_t>(chunk.targetNest)], 1 + chunk.targetBinding,
                     program.binding(chunk.targetBinding).dtype);
  }
  work.tiles = builder.endLaunch();
}

/// Adds a message to those that are sealed or verified, if any are.
void Schedule::hash(size_t window, const BucketStep &bucket, MessageKind kind, int64_t from,
                    Place place, StepBuilder &builder) {
  if (!checksums)
    return;
  hashed.push_back({window, program.indexOf(bucket), kind, from});
  const Envelope envelope = envelopeOf(hashed.back());
  const uint64_t name[] = {static_cast<uint64_t>(kind), static_cast<uint64_t>(from),
                           static_cast<uint64_t>(envelope.window),
                           static_cast<uint64_t>(envelope.ordinal), envelope.ends};
  builder.message(place.offset, envelope.bytes, XXH3_64bits(name, sizeof(name)));
}

Envelope Schedule::envelopeOf(const HashedMessage &message) const {
  Envelope envelope = runtime::envelopeOf(job, program, program.windows[message.window],
                                          program.buckets[message.bucket], message.kind);
  envelope.from = message.from;
  return envelope;
}

} // namespace xfer::runtime
