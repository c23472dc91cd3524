//===- LocalRegions.cpp - Where a region lies on a rank -------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"

namespace xfer {

StridedRegionId LocalRegions::find(const Side &side, llvm::ArrayRef<int64_t> shape, int64_t rank,
                                   RegionId region) {
  int32_t id = ownerships.id(side.layout, shape);
  int64_t cell = ownerships.cell(ownerships[id], rank);
  if (cell < 0)
    return kNone;
  auto [entry, isNew] = known.try_emplace({id, region, cell}, kNone);
  if (isNew)
    if (auto local = ownerships[id].localize(cell, module.region(region)))
      entry->second = module.intern(*local);
  return entry->second;
}

StridedRegionId LocalRegions::source(TensorId tensor, int64_t rank, RegionId region) {
  const Tensor &declared = module.tensors[tensor];
  return declared.source ? find(*declared.source, declared.shape, rank, region) : kNone;
}

int32_t LocalRegions::targetOf(TensorId tensor, int64_t rank) {
  const Tensor &declared = module.tensors[tensor];
  for (size_t i = 0; i < declared.targets.size(); ++i)
    if (ownerships.position(module.layout(declared.targets[i].layout).mesh, rank) >= 0)
      return static_cast<int32_t>(i);
  return -1;
}

StridedRegionId LocalRegions::target(TensorId tensor, int64_t rank, RegionId region) {
  int32_t index = targetOf(tensor, rank);
  if (index < 0)
    return kNone;
  const Tensor &declared = module.tensors[tensor];
  return find(declared.targets[index], declared.shape, rank, region);
}

std::string LocalRegions::explain(TensorId tensor, int64_t rank, RegionId region) const {
  return ("rank " + llvm::Twine(rank) + " does not hold " + toString(module, region) + " of '@" +
          module.tensors[tensor].name + "' as one loop nest")
      .str();
}

} // namespace xfer
