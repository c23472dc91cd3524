//===- Ownership.h - What every rank of a layout owns -----------*- C++ -*-===//
//
// The layout algebra. An axis cuts at most one dimension, so what a rank owns
// is a product over dimensions, and per dimension it depends only on the
// coordinates that cut this dimension: the *cell*. Everything here costs what
// the cells of one dimension cost, never a product over ranks.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include "xfer/IR/SplitRules.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace xfer {

/// An interval of one dimension, who holds it and where.
struct Piece {
  int64_t begin = 0, end = 0; ///< global
  int64_t local = 0;          ///< position of `begin` in the holder's local dimension
  int64_t cell = 0;
};

/// One dimension under its cuts. Cell: mixed radix of the coordinates of its splits, the first
/// split slowest. The cells' intervals partition [0, extent).
struct DimOwnership {
  int64_t extent = 0;
  int64_t numCells = 1;
  std::vector<Piece> pieces;        ///< by cell, each cell's ascending
  std::vector<int64_t> firstPiece;  ///< by cell, numCells + 1
  std::vector<int64_t> localExtent; ///< by cell

  llvm::ArrayRef<Piece> cellPieces(int64_t cell) const {
    return llvm::ArrayRef(pieces).slice(firstPiece[cell], firstPiece[cell + 1] - firstPiece[cell]);
  }
};

/// A layout applied to a shape. The layout must have passed verifyDeclarations.
class Ownership {
public:
  Ownership(const Module &module, const Layout &layout, llvm::ArrayRef<int64_t> shape);

  int32_t mesh() const { return meshId; }
  llvm::ArrayRef<DimOwnership> dims() const { return dimensions; }
  /// Cells of the whole tensor: mixed radix of the dimensions' cells, the first slowest.
  int64_t numCells() const { return cellCount; }
  /// The dimension cells that make up `cell`.
  llvm::SmallVector<int64_t, 3> dimCells(int64_t cell) const;
  /// The cell that position `position` of the mesh holds.
  int64_t cellOfPosition(int64_t position) const;

  /// Ranks that hold `cell`, as groups of groupSize() contributors in mesh order, the groups in
  /// mesh order too. Without a partial clause every rank is a group.
  void appendHolders(int64_t cell, llvm::SmallVectorImpl<int64_t> &out) const;
  int64_t groupSize() const { return contributors; }

  llvm::SmallVector<int64_t, 3> localShape(int64_t cell) const;

  /// Where the elements of `region` lie in the local tensor of `cell`; nullopt unless the cell owns
  /// them all and they form one loop nest there. Each dimension of `region` must be one segment.
  std::optional<StridedRegion> localize(int64_t cell, const Region &region) const;

private:
  /// Part of a mesh position: (position / stride) mod size.
  struct Digit {
    int64_t size = 1, stride = 1;
  };
  void buildDigits(const Mesh &mesh, const Layout &layout);
  void buildDimension(const DimLayout &dim, int64_t extent);

  int32_t meshId;
  llvm::ArrayRef<int64_t> meshRanks;
  std::vector<DimOwnership> dimensions;
  std::vector<llvm::SmallVector<Digit, 2>> dimDigits; ///< by dimension, in cut order
  llvm::SmallVector<Digit, 4> replicaDigits;          ///< slowest first
  llvm::SmallVector<Digit, 2> partialDigits;          ///< slowest first
  int64_t cellCount = 1, contributors = 1;
};

/// The local position and stride of the runs of `segment` in `cell`; nullopt as for localize.
struct LocalSegment {
  int64_t begin = 0, stride = 0;
};
std::optional<LocalSegment> localize(const DimOwnership &dim, int64_t cell, const Segment &segment);

/// Ownerships by layout and shape, and rank positions by mesh; computed once each. Borrows the
/// module, whose declarations must not change.
class OwnershipCache {
public:
  explicit OwnershipCache(const Module &module) : module(module) {}

  /// A small id for (layout, shape): equal ids, equal ownership.
  int32_t id(LayoutId layout, llvm::ArrayRef<int64_t> shape);
  const Ownership &operator[](int32_t id) const { return *ownerships[id]; }
  const Ownership &get(LayoutId layout, llvm::ArrayRef<int64_t> shape) {
    return *ownerships[id(layout, shape)];
  }
  /// Position of `rank` in the mesh, or -1.
  int64_t position(int32_t mesh, int64_t rank);
  /// The cell that `rank` holds, or -1 if it is outside the mesh.
  int64_t cell(const Ownership &ownership, int64_t rank) {
    int64_t at = position(ownership.mesh(), rank);
    return at < 0 ? -1 : ownership.cellOfPosition(at);
  }

private:
  const Module &module;
  SequenceInterner keys;
  std::vector<std::unique_ptr<Ownership>> ownerships;
  std::vector<std::unique_ptr<RankMap<int64_t>>> positions; ///< by mesh
};

} // namespace xfer
