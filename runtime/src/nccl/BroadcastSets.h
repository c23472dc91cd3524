//===- BroadcastSets.h - Which broadcasts get a communicator ----*- C++ -*-===//
//
// A communicator costs memory on every rank that holds it, so that their number
// is bounded. All ranks choose from the same records, and so choose alike; what
// is not chosen is sent point to point.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_BROADCASTSETS_H
#define XFER_RUNTIME_NCCL_BROADCASTSETS_H

#include <cstdint>
#include <span>
#include <vector>

namespace xfer::runtime {

/// A broadcast set as each of its members states it. Exchanged between ranks.
struct SetRecord {
  uint64_t hash; ///< of the members' positions; 0: no set
  int64_t bytes; ///< that the stating rank moves in one replay
  int64_t numMembers;
};

/// Sets without a common rank are made by one split of the communicator of all ranks.
struct SplitRound {
  std::vector<uint64_t> hashes; ///< the color is the index
};

/// `records` has `perRank` entries of every rank, in order of ranks. A set counts only if all its
/// members state it. Sets that move more are served first; no rank gets more than `limit`.
std::vector<SplitRound> chooseSplits(std::span<const SetRecord> records, size_t perRank,
                                     size_t limit);

} // namespace xfer::runtime

#endif
