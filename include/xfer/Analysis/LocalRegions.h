//===- LocalRegions.h - Where a region lies on a rank -----------*- C++ -*-===//
#pragma once
#include "xfer/Analysis/Ownership.h"
#include <string>

namespace xfer {

/// Finds the loop nest of a global region in a rank's memory; each (side, place, region) is worked
/// out once. Borrows module and cache.
class LocalRegions {
public:
  LocalRegions(Module &module, OwnershipCache &ownerships)
      : module(module), ownerships(ownerships) {}

  /// The loop nest in the memory of the source, or of target number `targetIndex`, of `tensor` on
  /// `rank`; kNone if the rank does not own all of the region or it is not one loop nest there. The
  /// region must be strided.
  StridedRegionId source(TensorId tensor, int64_t rank, RegionId region);
  StridedRegionId target(TensorId tensor, int32_t targetIndex, int64_t rank, RegionId region);

  /// The OwnershipCache id of the source of `tensor`, which must have one.
  int32_t sourceOwnership(TensorId tensor) { return sidesOf(tensor).source; }

  /// Why source() or target() returned kNone.
  std::string explain(TensorId tensor, int64_t rank, RegionId region) const;

private:
  /// OwnershipCache ids of the sides of a tensor.
  struct Sides {
    int32_t source = kNone;
    llvm::SmallVector<int32_t, 2> targets;
    bool isKnown = false;
  };
  const Sides &sidesOf(TensorId tensor);
  StridedRegionId find(int32_t ownership, int64_t rank, RegionId region);
  /// A number that is equal for ranks where equal regions lie at equal places; -1 outside the mesh.
  int32_t placeOf(int32_t ownership, int64_t rank);

  static constexpr int32_t kUnknown = -2;
  Module &module;
  OwnershipCache &ownerships;
  std::vector<Sides> sides;                   ///< by tensor
  SequenceInterner placeKeys;                 ///< (ownership, Ownership::appendPlace)
  RankMap<std::vector<int32_t>> places;       ///< of a rank, by ownership
  std::vector<int32_t> *lastPlaces = nullptr; ///< callers ask rank by rank, or about few
  int64_t lastRank = kNone;
  llvm::DenseMap<std::pair<int32_t, RegionId>, StridedRegionId> known; ///< by place and region
};

} // namespace xfer
