//===- ReplayMemory.cpp - Where a replay's bytes lie ----------------------===//
#include "ReplayMemory.h"

namespace xfer::runtime {

ReplayMemory::ReplayMemory(const xfer_plan &plan, const Program &program, bool needsBuffers)
    : tensors(program.bindings.size()), plan(plan), program(program), needsBuffers(needsBuffers),
      places(program.buckets.size()) {}

void ReplayMemory::allocate() {
  const int64_t arenaBytes = needsBuffers ? program.exchangeBytes : program.stagingBytes;
  for (size_t i = 0; i < program.windows.size(); ++i) {
    const WindowStep &window = program.windows[i];
    const int64_t windowBytes = window.stagedBytes + (needsBuffers ? window.receivedBytes : 0);
    int64_t place = i % 2 == 0 ? 0 : arenaBytes - windowBytes;
    for (const BucketStep &bucket : program.bucketsOf(window)) {
      const bool folds = bucket.isReduce && bucket.sender == program.rank;
      Place &staged = places[program.indexOf(bucket)];
      staged.wire = place;
      staged.contribution = place + (folds ? bucket.bytes : 0);
      staged.received = place + bucket.stagedBytes(program.rank);
      const auto numOthers = static_cast<int64_t>(plan.contributorsOf(bucket).ranks.size()) - 1;
      place = staged.received + (needsBuffers ? bucket.receivedBytes(program.rank, numOthers) : 0);
    }
  }
  arena.resize(static_cast<size_t>(arenaBytes));
}

/// The first byte of a nest.
std::byte *ReplayMemory::at(int32_t binding, int32_t nest) const {
  return tensors[static_cast<size_t>(binding)] +
         plan.nests[static_cast<size_t>(nest)].offset * byteWidth(program.binding(binding).dtype);
}

std::byte *ReplayMemory::contribution(size_t index) {
  const BucketStep &bucket = program.buckets[index];
  const ChunkStep &chunk = program.chunksOf(bucket).front();
  return bucket.packsInPlace ? at(chunk.sourceBinding, chunk.sourceNest)
                             : arena.data() + places[index].contribution;
}

std::byte *ReplayMemory::wire(size_t bucket, const Segment &segment) {
  const ChunkStep &chunk = program.chunksOf(segment).front();
  return segment.packsInPlace ? at(chunk.sourceBinding, chunk.sourceNest)
                              : arena.data() + places[bucket].wire + segment.offset;
}

std::byte *ReplayMemory::arrival(size_t bucket, const Segment &segment) {
  if (!needsBuffers)
    return nullptr;
  const ChunkStep &chunk = program.chunksOf(segment).front();
  return segment.unpacksInPlace ? at(chunk.targetBinding, chunk.targetNest)
                                : arena.data() + places[bucket].received + segment.offset;
}

std::byte *ReplayMemory::contributionArrival(size_t bucket, size_t number) {
  return needsBuffers ? arena.data() + places[bucket].received +
                            static_cast<int64_t>(number) * program.buckets[bucket].contributionBytes
                      : nullptr;
}

} // namespace xfer::runtime
