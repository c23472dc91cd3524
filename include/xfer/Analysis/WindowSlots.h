//===- WindowSlots.h - Who may talk in the same window ----------*- C++ -*-===//
//
// A window's index is  ordinal * numSlots + slot.  The slot depends only on a
// bucket's endpoints and on the declarations, the ordinal only on the buckets
// with the same endpoints, so that every rank of a bucket finds its window
// without seeing the rest of the job. Within one slot:
//
// - destination sets of one sender are disjoint: overlapping sets get different
//   colours. So an ordered pair of ranks has one message per window and communicator;
// - a rank has at most `peers` senders, and destination sets: pairs meet when the distance
//   of their positions, modulo the number of ranks, falls into the slot's stretch;
// - reductions of one contributor set for one destination set share a colour, whatever their
//   sender; others that share a rank with them have another. Those for the sender alone are apart.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Routing.h"

namespace xfer {

class WindowSlots {
public:
  /// `peers` is at least 1.
  WindowSlots(Module &module, const Routing &routing, int64_t peers);

  int64_t numSlots() const { return 2 * numColours * stretches + numReduceColours; }
  /// nullopt if the declarations make no such endpoints.
  std::optional<int64_t> slot(const Endpoints &ends, Transport transport) const;

private:
  class Colouring;
  void collectRanks();
  void colourFanOuts();
  void colourReductions();
  std::optional<int64_t> reduceColour(const Endpoints &ends) const;
  void colourReduction(RankListId contributors, RankListId destinations, Colouring &colouring);

  Module &module;
  const Routing &routing;
  int64_t peers;
  RankMap<int64_t> positions; ///< rank to its place among all ranks, ascending
  int64_t stretches = 1;
  int64_t numColours = 1; ///< colour 0: one destination
  int64_t numReduceColours = 0;
  llvm::DenseMap<RankListId, int64_t> fanOutColours;
  SequenceInterner reductions;        ///< contributors, sorted destinations
  std::vector<int64_t> reduceColours; ///< by reduction
};

} // namespace xfer
