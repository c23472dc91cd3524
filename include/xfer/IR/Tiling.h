//===- Tiling.h - Do boxes cover a grid exactly once ------------*- C++ -*-===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>

namespace xfer {

/// `count` runs of `run` indices, `stride` apart, of one dimension of a grid.
struct TileSpan {
  int64_t begin = 0, run = 0, stride = 0, count = 1;
};
/// A product over dimensions of spans that do not overlap.
using Tile = llvm::SmallVector<llvm::SmallVector<TileSpan, 1>, 3>;

/// An element that is not covered exactly once.
struct TilingFault {
  llvm::SmallVector<int64_t, 3> index;
  llvm::SmallVector<size_t, 2> tiles; ///< none: not covered; two: both cover it
};

/// What may be left uncovered.
enum class Holes : uint8_t { Forbidden, Allowed };

/// Returns nullopt if the tiles cover every element of the grid `shape` exactly once (at most once
/// with holes allowed), else the first fault. Sweeps dimension by dimension over the spans'
/// borders: the cost is that of the borders times the tiles between them, never of the elements.
std::optional<TilingFault> checkTiling(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Tile> tiles,
                                       Holes holes = Holes::Forbidden);

} // namespace xfer
