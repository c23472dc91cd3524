//===- ReplayMemory.h - Where a replay's bytes lie --------------*- C++ -*-===//
//
// In the bound tensors, or in an arena that is allocated once. Even windows stage
// from its low end, odd ones from its high end, so that two windows in a row fit
// wherever the plan's bound says they do.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_REPLAYMEMORY_H
#define XFER_RUNTIME_REPLAYMEMORY_H

#include "Segment.h"

namespace xfer::runtime {

class ReplayMemory {
public:
  /// `needsBuffers`: see xfer_group.
  ReplayMemory(const xfer_plan &plan, const Program &program, bool needsBuffers);
  void allocate();

  /// What this rank contributes to a reduction.
  std::byte *contribution(size_t bucket);
  /// What this rank sends, or writes to its own target.
  std::byte *wire(size_t bucket, const Segment &segment);
  /// Where a segment from another rank goes; nullptr if it needs no memory of this rank's.
  std::byte *arrival(size_t bucket, const Segment &segment);
  /// The same of another rank's contribution, the `number`-th.
  std::byte *contributionArrival(size_t bucket, size_t number);

  std::vector<std::byte *> tensors; ///< of each of the program's bindings

private:
  std::byte *at(int32_t binding, int32_t nest) const;

  /// Where a bucket stages what it packs or folds, its contribution, and what it receives.
  struct Place {
    int64_t wire = 0, contribution = 0, received = 0;
  };
  const xfer_plan &plan;
  const Program &program;
  const bool needsBuffers;
  std::vector<Place> places;
  std::vector<std::byte> arena;
};

} // namespace xfer::runtime

#endif
