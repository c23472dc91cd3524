//===- SenderShares.h - Which replica ships which bytes ---------*- C++ -*-===//
//
// Lays all bytes that the holders of one cell must ship on a line, in the order
// of patterns, instances, routes and destinations, and gives each holder one
// stretch of it. A byte's sender then follows from its position alone: every
// rank finds it without walking through the rest of the job, and all ranks
// find the same.
//
// The stretches' lengths level the ranks' total bytes across all cells: a
// holder that must ship much for one cell gets less of another. Levelling is
// the convex problem min sum load^2, solved by water-filling one cell's
// holders at a time; each step is exact, and few rounds come close.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Routing.h"

namespace xfer {

class SenderShares {
public:
  SenderShares(const Module &module, const Routing &routing);

  /// The index into the route's `sources` of the rank that ships the delivery to its
  /// `destination`-th remote destination. With contributors the whole route has one sender:
  /// destination 0.
  size_t sender(const RouteInstance &instance, int64_t route, size_t destination) const;

private:
  using Bytes = __int128; // instances times bytes exceed 63 bits
  /// Holders of a cell, by the id of their rank list.
  struct Line {
    Bytes total = 0;
    std::vector<Bytes> shares; ///< by holder; then their running sum
    bool isUsed = false;
  };
  /// Where the route's deliveries of instance 0 begin, and the step to the next instance.
  struct Place {
    Bytes begin = 0, step = 0;
  };
  void layOut();
  void level();
  void waterFill(RankListId holders);

  const Module &module;
  const Routing &routing;
  std::vector<Line> lines;                ///< by rank list
  std::vector<RankListId> usedLines;      ///< in the order of the routes
  std::vector<std::vector<Place>> places; ///< by pattern, then route
  RankMap<Bytes> loads;
};

} // namespace xfer
