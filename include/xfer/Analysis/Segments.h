//===- Segments.h - Runs to strided segments --------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Region.h"
#include "llvm/ADT/ArrayRef.h"

namespace xfer {

/// Consecutive elements of a dimension, with their position in both local tensors.
struct LocalRun {
  int64_t begin = 0, length = 0;
  int64_t source = 0, target = 0;
};

/// Writes ascending runs as segments, each of which is equally spaced in the global dimension and
/// in both local ones. Finds patterns of a short period, as block-cyclic layouts make, so that the
/// result is about as long as the period. Segments are ordered by `begin` and may interleave.
DimSegments toSegments(llvm::ArrayRef<LocalRun> runs);

} // namespace xfer
