//===- Region.cpp - Sets of elements --------------------------------------===//
#include "xfer/IR/Region.h"

namespace xfer {

int64_t Region::numElements() const {
  int64_t product = 1;
  for (const DimSegments &dim : dims) {
    int64_t extent = 0;
    for (const Segment &segment : dim)
      extent += segment.size();
    product *= extent;
  }
  return product;
}

bool Region::isStrided() const {
  for (const DimSegments &dim : dims)
    if (dim.size() != 1)
      return false;
  return true;
}

int64_t StridedRegion::numElements() const {
  int64_t product = 1;
  for (int64_t size : sizes)
    product *= size;
  return product;
}

void StridedRegion::canonicalize() {
  size_t kept = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1)
      continue;
    if (kept && strides[kept - 1] == sizes[i] * strides[i]) {
      sizes[kept - 1] *= sizes[i];
      strides[kept - 1] = strides[i];
      continue;
    }
    sizes[kept] = sizes[i];
    strides[kept] = strides[i];
    ++kept;
  }
  sizes.resize(kept);
  strides.resize(kept);
}

} // namespace xfer
