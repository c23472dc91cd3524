//===- Region.h - Sets of elements ------------------------------*- C++ -*-===//
//
// Region names elements of the logical tensor: a product over dimensions of
// ordered strided segments. StridedRegion names elements of one rank's local
// memory: an offset and a loop nest, as a memref subview has. Both are
// interned in a Module: equal ids mean equal regions.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace xfer {

/// `count` runs of `run` consecutive indices, `stride` apart: [begin + i*stride, +run), i < count.
/// Printed `begin:begin+run`, or `begin:begin+run by stride x count` when count > 1.
/// run, count >= 1; stride >= run; canonical: count == 1 has stride == run. Runs that touch
/// (stride == run) are several where they lie apart in a memory.
struct Segment {
  int64_t begin = 0;
  int64_t run = 0;
  int64_t stride = 0;
  int64_t count = 1;
  bool operator==(const Segment &) const = default;
  static Segment interval(int64_t begin, int64_t end) {
    return {begin, end - begin, end - begin, 1};
  }
  int64_t size() const { return run * count; }
  int64_t last() const { return begin + (count - 1) * stride + run; } ///< one past the end
};

/// True if the segments share an index, or if that would take more than 2^20 steps to tell.
bool mayOverlap(const Segment &a, const Segment &b);

/// The segments of one dimension, ascending by `begin`, without a common index. Their runs may
/// interleave: {0:1 by 6 x 2, 2:3 by 6 x 2} is 0, 2, 6, 8.
using DimSegments = llvm::SmallVector<Segment, 1>;

/// What is wrong with segments that do not ascend, share an index, or of which more than 64
/// interleave anywhere; null if nothing is.
const char *findDisorder(const DimSegments &segments);

/// A product of per-dimension segments; 0-d is one element. Never empty of elements.
struct Region {
  llvm::SmallVector<DimSegments, 2> dims;
  bool operator==(const Region &) const = default;
  int64_t numElements() const;
  /// True if every dimension has exactly one segment, as a chunk's region must.
  bool isStrided() const;
};

/// Elements of a local dense tensor in iteration order: for all i, offset + sum i_k * strides[k],
/// the last loop fastest. Units are elements. Canonical: no loop of size 1, loops that continue
/// each other are merged; one element has no loops.
struct StridedRegion {
  int64_t offset = 0;
  llvm::SmallVector<int64_t, 3> sizes;
  llvm::SmallVector<int64_t, 3> strides;
  bool operator==(const StridedRegion &) const = default;
  /// True if the elements are consecutive in memory.
  bool isContiguous() const { return sizes.empty() || (sizes.size() == 1 && strides[0] == 1); }
  /// Brings the loops to canonical form.
  void canonicalize();
};

} // namespace xfer
