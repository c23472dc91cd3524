//===- Region.cpp - Sets of elements --------------------------------------===//
#include "xfer/IR/Region.h"
#include "llvm/ADT/STLExtras.h"

namespace xfer {

bool mayOverlap(const Segment &a, const Segment &b) {
  constexpr int64_t kMaxSteps = int64_t(1) << 20;
  if (a.last() <= b.begin || b.last() <= a.begin)
    return false;
  const Segment &few = a.count <= b.count ? a : b, &many = a.count <= b.count ? b : a;
  if (few.stride == many.stride) {
    // Equally spaced runs that miss each other once always do.
    int64_t distance = (few.begin - many.begin) % many.stride;
    distance += distance < 0 ? many.stride : 0;
    if (distance >= many.run && distance + few.run <= many.stride)
      return false;
  }
  for (int64_t i = 0; i < few.count; ++i) {
    int64_t begin = few.begin + i * few.stride;
    // The first run of `many` that ends after `begin`.
    int64_t ended = begin - many.begin - many.run;
    int64_t index = ended < 0 ? 0 : ended / many.stride + 1;
    if (i == kMaxSteps ||
        (index < many.count && many.begin + index * many.stride < begin + few.run))
      return true;
  }
  return false;
}

const char *findDisorder(const DimSegments &segments) {
  constexpr const char *kDisorder = "has segments that overlap or do not ascend";
  constexpr size_t kMaxInterleaved = 64;
  llvm::SmallVector<const Segment *, 4> open; // not ended where the next one begins
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment &segment = segments[i];
    if (i > 0 && segment.begin <= segments[i - 1].begin)
      return kDisorder;
    llvm::erase_if(open, [&](const Segment *other) { return other->last() <= segment.begin; });
    if (llvm::any_of(open, [&](const Segment *other) { return mayOverlap(*other, segment); }))
      return kDisorder;
    open.push_back(&segment);
    if (open.size() > kMaxInterleaved)
      return "has more than 64 segments that interleave";
  }
  return nullptr;
}

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
