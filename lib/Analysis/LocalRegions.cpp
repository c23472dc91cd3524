//===- LocalRegions.cpp - Where a region lies on a rank -------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"

namespace xfer {

const LocalRegions::Sides &LocalRegions::sidesOf(TensorId tensor) {
  if (sides.empty())
    sides.resize(module.tensors.size());
  Sides &result = sides[tensor];
  if (result.isKnown)
    return result;
  const Tensor &declared = module.tensors[tensor];
  if (declared.source)
    result.source = ownerships.id(declared, *declared.source);
  for (const Side &target : declared.targets)
    result.targets.push_back(ownerships.id(declared, target));
  result.isKnown = true;
  return result;
}

int32_t LocalRegions::placeOf(int32_t ownership, int64_t rank) {
  if (!lastPlaces || rank != lastRank) {
    lastPlaces = &places[rank];
    lastRank = rank;
  }
  if (static_cast<size_t>(ownership) >= lastPlaces->size())
    lastPlaces->resize(ownership + 1, kUnknown);
  int32_t &place = (*lastPlaces)[ownership];
  if (place != kUnknown)
    return place;
  int64_t position = ownerships.position(ownerships[ownership].mesh(), rank);
  if (position < 0)
    return place = -1;
  llvm::SmallVector<int64_t, 16> key{ownership};
  ownerships[ownership].appendPlace(position, key);
  return place = placeKeys.intern(key);
}

StridedRegionId LocalRegions::find(int32_t ownership, int64_t rank, RegionId region) {
  int32_t place = placeOf(ownership, rank);
  if (place < 0)
    return kNone;
  auto [entry, isNew] = known.try_emplace({place, region}, kNone);
  if (isNew) {
    const Ownership &owned = ownerships[ownership];
    if (auto local = owned.localize(ownerships.position(owned.mesh(), rank), module.region(region)))
      entry->second = module.intern(*local);
  }
  return entry->second;
}

StridedRegionId LocalRegions::source(TensorId tensor, int64_t rank, RegionId region) {
  int32_t ownership = sidesOf(tensor).source;
  return ownership == kNone ? kNone : find(ownership, rank, region);
}

StridedRegionId LocalRegions::target(TensorId tensor, int32_t targetIndex, int64_t rank,
                                     RegionId region) {
  return find(sidesOf(tensor).targets[targetIndex], rank, region);
}

std::string LocalRegions::explain(TensorId tensor, int64_t rank, RegionId region) const {
  return ("rank " + llvm::Twine(rank) + " does not hold " + toString(module, region) + " of '@" +
          module.tensors[tensor].name + "' as one loop nest")
      .str();
}

} // namespace xfer
