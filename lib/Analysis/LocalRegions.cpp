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
  sides.source = declared.source ? ownerships.id(declared.source->layout, declared.shape) : kNone;
  sides.targets.clear();
  for (const Side &target : declared.targets)
    sides.targets.push_back(ownerships.id(target.layout, declared.shape));
}

StridedRegionId LocalRegions::find(int32_t ownership, int64_t rank, RegionId region) {
  int64_t cell = ownerships.cell(ownerships[ownership], rank);
  if (cell < 0)
    return kNone;
  auto [entry, isNew] = known.try_emplace({ownership, region, cell}, kNone);
  if (isNew)
    if (auto local = ownerships[ownership].localize(cell, module.region(region)))
      entry->second = module.intern(*local);
  return entry->second;
}

StridedRegionId LocalRegions::source(TensorId tensor, int64_t rank, RegionId region) {
  enter(tensor);
  return sides.source == kNone ? kNone : find(sides.source, rank, region);
}

int32_t LocalRegions::targetOf(TensorId tensor, int64_t rank) {
  enter(tensor);
  for (size_t i = 0; i < sides.targets.size(); ++i)
    if (ownerships.position(ownerships[sides.targets[i]].mesh(), rank) >= 0)
      return static_cast<int32_t>(i);
  return -1;
}

StridedRegionId LocalRegions::target(TensorId tensor, int64_t rank, RegionId region) {
  int32_t index = targetOf(tensor, rank);
  return index < 0 ? kNone : find(sides.targets[index], rank, region);
}

std::string LocalRegions::explain(TensorId tensor, int64_t rank, RegionId region) const {
  return ("rank " + llvm::Twine(rank) + " does not hold " + toString(module, region) + " of '@" +
          module.tensors[tensor].name + "' as one loop nest")
      .str();
}

} // namespace xfer
