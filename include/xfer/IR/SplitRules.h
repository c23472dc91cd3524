//===- SplitRules.h - The arithmetic of one cut -----------------*- C++ -*-===//
//
// What coordinate c of k gets when a rule cuts an extent. All functions are
// exact for every extent below 2^63 and every factor.
//
//   chunk      f = ceil(n/k): [min(cf, n), min((c+1)f, n))          torch.chunk
//   balanced   b = n/k, r = n%k: size b + (c < r)                   numpy.array_split
//   strided    chunk n into `factor` pieces; part c of the chunk of each piece into k
//                                                                   DTensor _StridedShard
//   cyclic     blocks of `factor`: c, c+k, c+2k, ...                round-robin
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Layout.h"

namespace xfer {

/// Half-open; never empty where a list of intervals is returned.
struct Interval {
  int64_t begin = 0, end = 0;
  bool operator==(const Interval &) const = default;
  int64_t size() const { return end - begin; }
};

/// Appends what `coordinate` holds of [0, extent), in local order; touching intervals are merged.
/// For Exact and Sizes the rule must hold for `extent` (see holdsFor).
void appendPiece(const Split &split, int64_t extent, int64_t coordinate,
                 llvm::SmallVectorImpl<Interval> &out);

/// Number of indices that appendPiece would append, in O(1).
int64_t pieceSize(const Split &split, int64_t extent, int64_t coordinate);

/// True unless the rule is Exact or Sizes and does not fit `extent`.
bool holdsFor(const Split &split, int64_t extent);

/// An upper bound, saturating, on the number of intervals that the cuts of a dimension make over
/// all coordinates.
int64_t maxIntervals(const DimLayout &dim, int64_t extent);

/// More intervals than this in one dimension are refused by the verifier, of layouts and of regions.
inline constexpr int64_t kMaxIntervals = int64_t(1) << 20;

} // namespace xfer
