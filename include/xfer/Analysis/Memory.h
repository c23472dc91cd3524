//===- Memory.h - What every rank allocates ---------------------*- C++ -*-===//
//
// The memory of one side on every rank of its mesh: dense, row-major, per
// dimension the local parts one after the other. Knows nothing of tensors.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include "xfer/IR/SplitRules.h"
#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace xfer {

/// An interval of one index, who holds it and where.
struct Piece {
  int64_t begin = 0, end = 0; ///< global
  int64_t local = 0;          ///< position of `begin` in the holder's part of the dimension
  int64_t cell = 0;
};

/// One index under its cuts. Cell: mixed radix of the coordinates of its splits, the first
/// split slowest. The pieces of different cells are disjoint.
struct DimOwnership {
  int64_t extent = 0;
  int64_t numCells = 1;
  std::vector<Piece> pieces;       ///< by cell, each cell's ascending
  std::vector<int64_t> firstPiece; ///< by cell, numCells + 1

  llvm::ArrayRef<Piece> cellPieces(int64_t cell) const {
    return llvm::ArrayRef(pieces).slice(firstPiece[cell], firstPiece[cell + 1] - firstPiece[cell]);
  }
};

/// Part of a mesh position: (position / stride) mod size.
struct MeshDigit {
  int64_t size = 1, stride = 1;
};

/// A part of one dimension, cut.
struct MemoryPart {
  llvm::SmallVector<MeshDigit, 2> digits; ///< in cut order: a position's cell in mixed radix
  DimOwnership cut;                       ///< of the part's index space
  std::vector<int64_t> localExtent;       ///< by cell

  int64_t cellOf(int64_t position) const {
    int64_t cell = 0;
    for (const MeshDigit &digit : digits)
      cell = cell * digit.size + position / digit.stride % digit.size;
    return cell;
  }
};

class Memory {
public:
  /// `layout` cuts the parts of `shape`; both have passed verifyDeclarations.
  Memory(const Mesh &mesh, const Layout &layout, const StorageShape &shape);

  llvm::ArrayRef<MemoryPart> parts(size_t dim) const { return dims[dim]; }
  /// The local shape at a position of the mesh.
  llvm::SmallVector<int64_t, 3> shape(int64_t position) const;
  /// Where part `part` of `dim` begins in that dimension.
  int64_t beginOf(size_t dim, int32_t part, int64_t position) const;

  /// The elements in `zero` runs, as loop nests that do not overlap.
  std::vector<StridedRegion> zeros(const StorageShape &shape, int64_t position) const;

private:
  /// Where each part of a dimension begins at a position, and after them the dimension's extent.
  llvm::ArrayRef<int64_t> begins(size_t dim, int64_t position) const;

  std::vector<llvm::SmallVector<MemoryPart, 1>> dims;
  /// What begins() found: of dimension and position, in a slot that others may take.
  struct Begins {
    int64_t position = -1;
    std::vector<int64_t> places;
  };
  static constexpr int64_t kSlots = 64;
  mutable llvm::DenseMap<std::pair<size_t, int64_t>, Begins> knownBegins;
};

} // namespace xfer
