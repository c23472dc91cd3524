//===- Layout.h - How a mesh cuts a tensor ----------------------*- C++ -*-===//
//
// A layout says, for each dimension of a tensor, which mesh axes cut it, in
// which order and by which rule. What a rank then owns is computed from it in
// Analysis/Ownership.h. Layouts are values, interned in a Module: equal ids
// mean equal layouts.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "llvm/ADT/SmallVector.h"

namespace xfer {

/// An axis of the layout's mesh, or the sub-axis of `size` values that follows `preSize` values:
/// its coordinate is  c / (axisSize / (preSize * size)) mod size  of the axis coordinate c.
/// A whole axis has preSize 1 and size = axisSize.
struct AxisRef {
  int32_t axis = 0;
  int64_t preSize = 1;
  int64_t size = 1;
  bool operator==(const AxisRef &) const = default;
};

enum class SplitRule : uint8_t {
  Chunk,    ///< ceil-sized pieces, the last ones short or empty (torch.chunk)
  Exact,    ///< equal pieces; the extent must divide
  Balanced, ///< sizes differ by at most one, the larger first
  Strided,  ///< chunk into `factor` pieces, chunk each: coordinate c takes part c of every piece
  Cyclic,   ///< blocks of `factor` are dealt round-robin
  Sizes,    ///< explicit sizes, one per coordinate
};

/// One cut of what the cuts before it left of a dimension. Several axes form one product axis,
/// row-major: the first is the slowest.
struct Split {
  SplitRule rule = SplitRule::Chunk;
  llvm::SmallVector<AxisRef, 1> axes;
  int64_t factor = 0;                  ///< Strided and Cyclic; at least 1
  llvm::SmallVector<int64_t, 0> sizes; ///< Sizes only
  bool operator==(const Split &) const = default;
  /// Number of pieces: the product of the axes' sizes.
  int64_t numPieces() const;
};

/// The cuts of one dimension, in the order they cut.
using DimLayout = llvm::SmallVector<Split, 1>;

struct Layout {
  int32_t mesh = -1;                         ///< Module::meshes index
  llvm::SmallVector<DimLayout, 2> dims;      ///< one per tensor dimension
  ReduceOp reduction = ReduceOp::None;       ///< source only
  llvm::SmallVector<int32_t, 1> partialAxes; ///< axes that hold contributions, ascending
  bool operator==(const Layout &) const = default;
};

} // namespace xfer
