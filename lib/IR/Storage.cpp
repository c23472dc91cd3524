//===- Storage.cpp - What a rank allocates, and what lies in it -----------===//
#include "xfer/IR/Storage.h"

using llvm::SmallVector;

namespace xfer {

int64_t StoragePart::period() const { return offsetOf(static_cast<int32_t>(runs.size())); }

int64_t StoragePart::offsetOf(int32_t run) const {
  int64_t offset = 0;
  for (int32_t i = 0; i < run; ++i)
    offset += runs[i].size;
  return offset;
}

StoragePart::RunIndex StoragePart::locate(int64_t index) const {
  const int64_t repetition = index / period();
  int64_t within = index % period();
  int32_t run = 0;
  for (; within >= runs[run].size; ++run)
    within -= runs[run].size;
  return {run, repetition * runs[run].size + within};
}

int64_t StoragePart::indexOf(const RunIndex &place) const {
  const int64_t size = runs[place.run].size;
  return place.index / size * period() + offsetOf(place.run) + place.index % size;
}

SmallVector<int64_t, 4> StorageShape::partExtents() const {
  SmallVector<int64_t, 4> extents;
  for (const StorageDim &dim : dims)
    for (const StoragePart &part : dim)
      extents.push_back(part.extent());
  return extents;
}

SmallVector<int32_t, 4> StorageShape::dimOfParts() const {
  SmallVector<int32_t, 4> dimOfPart;
  for (size_t d = 0; d < dims.size(); ++d)
    dimOfPart.append(dims[d].size(), static_cast<int32_t>(d));
  return dimOfPart;
}

} // namespace xfer
