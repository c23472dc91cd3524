//===- CutPieces.h - What the cells of one dimension hold -------*- C++ -*-===//
//
// From the cuts of a part of a dimension to the indices of the tensor that a
// view finds there. The steps that Ownership is made of.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Ownership.h"

namespace xfer {

/// Cuts [0, extent): each coordinate of a split takes a part of the local positions that the
/// splits before it left. `localExtent` is given its value by cell.
DimOwnership foldCuts(const DimLayout &layout, int64_t extent, std::vector<int64_t> &localExtent);

/// Who holds a fixed index, and at which local position.
struct FixedPlace {
  int64_t cell = 0, local = 0;
};
FixedPlace findFixed(const ViewEntry &entry, const StoragePart &part, const DimOwnership &cut);

/// The ownership of the one index of `entry`, whose slots with a table are those of `occurrence`.
DimOwnership mapPieces(const ViewEntry &entry, const StoragePart &part, const DimOwnership &cut,
                       int32_t occurrence);

/// Indices of the factors of an entry that follow each other in the memory of one cell.
struct FlatBox {
  int64_t cell = 0, local = 0;              ///< position of the first
  llvm::SmallVector<Interval, 3> indices;   ///< by factor
};
/// The boxes of an entry of several factors: at most 2N-1 per stretch of a cell for N factors.
std::vector<FlatBox> flatBoxes(const ViewEntry &entry, const StoragePart &part,
                               const DimOwnership &cut);

} // namespace xfer
