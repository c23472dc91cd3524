//===- MoveDamage.cpp - Chunks in another bucket --------------------------===//
//
// On its new ranks a chunk reads and writes what it does on its old ones.
//===----------------------------------------------------------------------===//
#include "BucketMutants.h"
#include <algorithm>
#include <set>

namespace xfer::mutation {
namespace {

using fb::PlanT;

struct Move {
  BucketKey from, to;
  size_t chunk;
};

bool has(const PlanT &plan, uint32_t list, int64_t rank) {
  return std::ranges::count(plan.rank_lists[list]->ranks, rank) > 0;
}

/// What the chunk reads and writes on its old ranks, whichever come first.
ChunkStep chunkOf(const PlanT &plan, const std::vector<size_t> &programs, const Move &move) {
  std::optional<ChunkStep> result;
  for (size_t program : programs) {
    Steps steps = unfold(*plan.programs[program]);
    const BucketStep *from = find(steps, move.from);
    if (!from)
      continue;
    const ChunkStep &chunk = from->chunks[move.chunk];
    if (!result)
      result = chunk;
    if (result->chunk.source_region() == kAbsent)
      result->chunk = reading(result->chunk, chunk.chunk);
    if (result->chunk.target_region() == kAbsent)
      result->chunk = writing(result->chunk, chunk.chunk);
  }
  return *result;
}

void moveIn(PlanT &plan, Steps &steps, int64_t rank, const Move &move, ChunkStep moved) {
  BucketStep *from = find(steps, move.from), *to = find(steps, move.to);
  const fb::Chunk absent(0, kAbsent, kAbsent, kAbsent, kAbsent, 0);
  if (from && move.chunk < from->chunks.size()) {
    const fb::Chunk own = from->chunks[move.chunk].chunk;
    if (own.source_region() != kAbsent)
      moved.chunk = reading(moved.chunk, own);
    if (own.target_region() != kAbsent)
      moved.chunk = writing(moved.chunk, own);
    from->chunks.erase(from->chunks.begin() + static_cast<ptrdiff_t>(move.chunk));
    pack(plan, *from);
  }
  if (!to)
    return;
  if (!has(plan, move.to.contributors, rank))
    moved.chunk = reading(moved.chunk, absent);
  if (!has(plan, move.to.destinations, rank))
    moved.chunk = writing(moved.chunk, absent);
  to->chunks.push_back(moved);
  pack(plan, *to);
}

/// Buckets that differ in more and more from one, the next of each sort.
std::set<BucketKey> othersThan(const BucketMutants &buckets, const BucketKey &key) {
  auto isAlike = [&](int level, const BucketKey &other) {
    const bool sameSender = other.sender == key.sender;
    const bool sameDestinations = other.destinations == key.destinations;
    return level == 0   ? true
           : level == 1 ? sameSender && !sameDestinations
           : level == 2 ? !sameSender && sameDestinations
                        : sameSender && sameDestinations;
  };
  std::set<BucketKey> others;
  for (int level = 0; level < 4; ++level) {
    auto at = buckets.programsOf.find(key);
    for (size_t i = 1; i < buckets.programsOf.size(); ++i) {
      if (++at == buckets.programsOf.end())
        at = buckets.programsOf.begin();
      if (!isAlike(level, at->first))
        continue;
      others.insert(at->first);
      break;
    }
  }
  return others;
}

void addMoves(BucketMutants &buckets, const Move &move, bool isExchange) {
  const std::vector<size_t> &oldPrograms = buckets.programsOf[move.from];
  const std::vector<size_t> &newPrograms = buckets.programsOf[move.to];
  std::vector<size_t> programs;
  std::ranges::set_union(oldPrograms, newPrograms, std::back_inserter(programs));
  const Move back = {move.to, move.from, 0};
  const ChunkStep moved = chunkOf(buckets.plan, oldPrograms, move);
  const ChunkStep movedBack = chunkOf(buckets.plan, newPrograms, back);
  buckets.add(placeOf(move.from) + ", with " + placeOf(move.to),
              isExchange ? "exchange chunks of two buckets" : "move a chunk to another bucket",
              programs, [=](PlanT &to, size_t program) {
                fb::ProgramT &damaged = *to.programs[program];
                Steps steps = unfold(damaged);
                moveIn(to, steps, damaged.rank, move, moved);
                if (isExchange)
                  moveIn(to, steps, damaged.rank, back, movedBack);
                fold(steps, damaged);
              });
}

} // namespace

void addMoveDamage(BucketMutants &buckets) {
  for (const auto &[key, programs] : buckets.programsOf)
    for (const BucketKey &other : othersThan(buckets, key))
      for (size_t chunk = 0; chunk < buckets.numChunksOf(key); ++chunk)
        for (bool isExchange : {false, true})
          addMoves(buckets, {key, other, chunk}, isExchange);
}

} // namespace xfer::mutation
