//===- LocalRegions.h - Where a region lies on a rank -----------*- C++ -*-===//
#pragma once
#include "xfer/Analysis/Ownership.h"
#include <string>

namespace xfer {

/// Finds the loop nest of a global region in a rank's local tensor; each (layout, shape, cell,
/// region) is worked out once. Borrows module and cache.
class LocalRegions {
public:
  LocalRegions(Module &module, OwnershipCache &ownerships)
      : module(module), ownerships(ownerships) {}

  /// The loop nest in the source or target of `tensor` on `rank`; kNone if the rank does not own
  /// all of the region or it is not one loop nest there. The region must be strided.
  StridedRegionId source(TensorId tensor, int64_t rank, RegionId region);
  StridedRegionId target(TensorId tensor, int64_t rank, RegionId region);

  /// The target of `tensor` that `rank` holds: an index into Tensor::targets, or -1.
  int32_t targetOf(TensorId tensor, int64_t rank);

  /// Why source() or target() returned kNone.
  std::string explain(TensorId tensor, int64_t rank, RegionId region) const;

private:
  StridedRegionId find(int32_t ownership, int64_t rank, RegionId region);
  /// Makes `sides` those of `tensor`: callers walk chunks tensor by tensor.
  void enter(TensorId tensor);

  Module &module;
  OwnershipCache &ownerships;
  struct {
    TensorId tensor = kNone;
    int32_t source = kNone;
    llvm::SmallVector<int32_t, 2> targets;
  } sides; ///< OwnershipCache ids
  struct Key {
    int32_t ownership;
    RegionId region;
    int64_t cell;
  };
  struct KeyInfo {
    static Key getEmptyKey() { return {-1, -1, 0}; }
    static Key getTombstoneKey() { return {-2, -1, 0}; }
    static unsigned getHashValue(const Key &key) {
      return static_cast<unsigned>(llvm::hash_combine(key.ownership, key.region, key.cell));
    }
    static bool isEqual(const Key &l, const Key &r) {
      return l.ownership == r.ownership && l.region == r.region && l.cell == r.cell;
    }
  };
  llvm::DenseMap<Key, StridedRegionId, KeyInfo> known;
};

} // namespace xfer
