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

SmallVector<int64_t, 3> StorageShape::extents() const {
  SmallVector<int64_t, 3> result;
  for (const StorageDim &dim : dims) {
    int64_t extent = 0;
    for (const StoragePart &part : dim)
      extent += part.extent();
    result.push_back(extent);
  }
  return result;
}

} // namespace xfer
