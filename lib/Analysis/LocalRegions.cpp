//===- LocalRegions.cpp - Where a region lies on a rank -------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"

namespace xfer {

void LocalRegions::enter(TensorId tensor) {
  if (sides.tensor == tensor)
    return;
  const Tensor &declared = module.tensors[tensor];
  sides.tensor = tensor;
  sides.source = declared.source ? ownerships.id(declared, *declared.source) : kNone;
  sides.targets.clear();
  for (const Side &target : declared.targets)
    sides.targets.push_back(ownerships.id(declared, target));
}

int32_t LocalRegions::placeOf(int32_t ownership, int64_t rank) {
  auto [entry, isNew] = places.try_emplace({ownership, static_cast<uint64_t>(rank)}, -1);
  if (!isNew)
    return entry->second;
  int64_t position = ownerships.position(ownerships[ownership].mesh(), rank);
  if (position < 0)
    return -1;
  llvm::SmallVector<int64_t, 16> key{ownership};
  ownerships[ownership].appendPlace(position, key);
  return entry->second = placeKeys.intern(key);
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
  enter(tensor);
  return sides.source == kNone ? kNone : find(sides.source, rank, region);
}

StridedRegionId LocalRegions::target(TensorId tensor, int32_t targetIndex, int64_t rank,
                                     RegionId region) {
  enter(tensor);
  return find(sides.targets[targetIndex], rank, region);
}

std::string LocalRegions::explain(TensorId tensor, int64_t rank, RegionId region) const {
  return ("rank " + llvm::Twine(rank) + " does not hold " + toString(module, region) + " of '@" +
          module.tensors[tensor].name + "' as one loop nest")
      .str();
}

} // namespace xfer
