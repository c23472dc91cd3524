//===- CutPieces.h - What the cells of one dimension hold -------*- C++ -*-===//
//
// From a part of a dimension, cut, to the indices of the tensor that a view
// finds there. The steps that Ownership is made of.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Ownership.h"

namespace xfer {

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
