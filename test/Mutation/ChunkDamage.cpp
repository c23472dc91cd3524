//===- ChunkDamage.cpp - Chunks that a wrong compiler would write ---------===//
#include "BucketMutants.h"

namespace xfer::mutation {
namespace {

using fb::PlanT;

void addToChunks(BucketMutants &buckets, const BucketKey &key, size_t numChunks) {
  for (size_t c = 0; c < numChunks; ++c) {
    buckets.add(key, "drop chunk",
                [=](PlanT &to, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  BucketStep &step = steps[w].buckets[b];
                  step.chunks.erase(step.chunks.begin() + static_cast<ptrdiff_t>(c));
                  pack(to, step);
                });
    buckets.add(key, "duplicate chunk at the end",
                [=](PlanT &to, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  BucketStep &step = steps[w].buckets[b];
                  const ChunkStep again = step.chunks[c];
                  step.chunks.push_back(again);
                  pack(to, step);
                });
    if (c + 1 == numChunks)
      continue;
    buckets.add(key, "exchange chunks, their places in the buffer stay",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  std::vector<ChunkStep> &chunks = steps[w].buckets[b].chunks;
                  const int64_t first = chunks[c].chunk.offset();
                  const int64_t second = chunks[c + 1].chunk.offset();
                  std::swap(chunks[c], chunks[c + 1]);
                  chunks[c].chunk = with(chunks[c].chunk, "offset", first);
                  chunks[c + 1].chunk = with(chunks[c + 1].chunk, "offset", second);
                });
    for (const auto &[name, takes] : {std::pair("exchange what two chunks read", &reading),
                                      std::pair("exchange what two chunks write", &writing)})
      buckets.add(key, name,
                  [=, takes = takes](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                    fb::Chunk &first = steps[w].buckets[b].chunks[c].chunk;
                    fb::Chunk &second = steps[w].buckets[b].chunks[c + 1].chunk;
                    const fb::Chunk before = first;
                    first = takes(first, second);
                    second = takes(second, before);
                  });
  }
}

/// Appends the region with its offset shifted; its number.
uint32_t shiftedRegion(PlanT &plan, uint32_t region, int64_t by) {
  if (region >= plan.regions.size())
    return region;
  plan.regions.push_back(std::make_unique<fb::RegionT>(*plan.regions[region]));
  plan.regions.back()->offset += by;
  return static_cast<uint32_t>(plan.regions.size() - 1);
}

/// The same elements of every rank's memory, but one further: what is said of the logical tensor
/// shifts along its last dimension.
void addShifts(BucketMutants &buckets, const BucketKey &key, size_t numChunks) {
  for (int64_t by : {1, -1})
    for (size_t c = 0; c < numChunks; ++c)
      for (bool withLogical : {false, true})
        buckets.add(
            key, withLogical ? "shift a chunk, its logical region too" : "shift a chunk",
            [=](PlanT &to, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
              auto &[chunk, logical] = steps[w].buckets[b].chunks[c];
              chunk = with(chunk, "source_region", shiftedRegion(to, chunk.source_region(), by));
              chunk = with(chunk, "target_region", shiftedRegion(to, chunk.target_region(), by));
              auto &regions = to.logical_regions;
              const fb::LogicalRegionT &from = *regions[logical.region()];
              if (!withLogical || from.segments.empty())
                return;
              regions.push_back(std::make_unique<fb::LogicalRegionT>(from));
              fb::Segment &last = regions.back()->segments.back();
              last = with(last, "begin", last.begin() + by);
              logical = with(logical, "region", static_cast<int64_t>(regions.size() - 1));
            });
}

} // namespace

void addChunkDamage(BucketMutants &buckets) {
  for (const auto &[key, programs] : buckets.programsOf) {
    addToChunks(buckets, key, buckets.numChunksOf(key));
    addShifts(buckets, key, buckets.numChunksOf(key));
  }
}

} // namespace xfer::mutation
