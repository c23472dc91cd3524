//===- Placement.h - Local index to global index and back -------*- C++ -*-===//
//
// Where the elements of a tensor lie on one mesh, computed straight from the
// layout's cuts: for every mesh position and dimension the pieces in local
// order, and for every global index the pieces' owners. xfer-run checks the
// compiler with it, so it shares nothing with the analyses that passes use.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include "llvm/ADT/ArrayRef.h"

namespace xfer::run {

/// Global indices [begin, end) of one dimension lie at local indices from `local` on.
struct Piece {
  int64_t begin = 0, end = 0, local = 0;
  int64_t size() const { return end - begin; }
};

/// A piece and the dimension coordinate that holds it.
struct OwnedPiece {
  Piece piece;
  int64_t coordinate = 0;
};

class Placement {
public:
  /// `shape` and the layout have been verified. A 0-d tensor is treated as one dimension of one.
  Placement(const Mesh &mesh, const Layout &layout, llvm::ArrayRef<int64_t> shape);

  size_t numDims() const { return dims.size(); }
  llvm::ArrayRef<int64_t> globalShape() const { return shape; }
  int64_t numContributors() const { return contributors; }
  /// Number of this position among those that contribute to the same elements, in mesh order.
  int64_t contributorOf(int64_t position) const { return contributorAt[position]; }

  /// What a mesh position holds of a dimension, in local order.
  llvm::ArrayRef<Piece> pieces(int64_t position, size_t dim) const {
    return dims[dim].pieces[dims[dim].coordinateAt[position]];
  }
  int64_t localExtent(int64_t position, size_t dim) const;
  int64_t numLocalElements(int64_t position) const;

  /// The owner of a global index. The pieces of a dimension cover its extent.
  const OwnedPiece &ownerOf(size_t dim, int64_t index) const;
  /// The first mesh position with these dimension coordinates and this contributor number.
  int64_t positionOf(llvm::ArrayRef<int64_t> coordinates, int64_t contributor) const;

private:
  struct Dim {
    int64_t numCoordinates = 1;
    std::vector<int64_t> coordinateAt;      ///< by mesh position
    std::vector<std::vector<Piece>> pieces; ///< by coordinate
    std::vector<OwnedPiece> byIndex;        ///< ascending by begin
  };
  void placeDim(const Mesh &mesh, const DimLayout &layout, int64_t extent, Dim &dim);
  int64_t cellOf(llvm::ArrayRef<int64_t> coordinates, int64_t contributor) const;

  llvm::SmallVector<int64_t, 3> shape;
  std::vector<Dim> dims;
  int64_t contributors = 1;
  std::vector<int64_t> contributorAt;  ///< by mesh position
  std::vector<int64_t> positionByCell; ///< by coordinates and contributor, row-major
};

/// Calls `visit(outer, globalRow, localRow)` for the local rows [begin, end) of a position: a row
/// is all of the last dimension, `outer` are the global indices of the dimensions before it and
/// `globalRow` is their row-major number.
template <typename Visit>
void forEachRow(const Placement &placement, int64_t position, int64_t begin, int64_t end,
                Visit visit) {
  size_t numOuter = placement.numDims() - 1;
  struct Cursor {
    size_t piece = 0;
    int64_t index = 0;
  };
  llvm::SmallVector<Cursor, 4> cursors(numOuter);
  int64_t rest = begin;
  for (size_t dim = numOuter; dim-- > 0 && begin < end;) {
    int64_t extent = placement.localExtent(position, dim);
    int64_t local = rest % extent;
    rest /= extent;
    llvm::ArrayRef<Piece> pieces = placement.pieces(position, dim);
    size_t piece = 0;
    while (pieces[piece].local + pieces[piece].size() <= local)
      ++piece;
    cursors[dim] = {piece, pieces[piece].begin + local - pieces[piece].local};
  }
  llvm::SmallVector<int64_t, 4> outer(numOuter);
  for (int64_t row = begin; row < end; ++row) {
    int64_t globalRow = 0;
    for (size_t dim = 0; dim < numOuter; ++dim) {
      outer[dim] = cursors[dim].index;
      globalRow = globalRow * placement.globalShape()[dim] + outer[dim];
    }
    visit(llvm::ArrayRef<int64_t>(outer), globalRow, row);
    for (size_t dim = numOuter; dim-- > 0;) {
      llvm::ArrayRef<Piece> pieces = placement.pieces(position, dim);
      Cursor &cursor = cursors[dim];
      if (++cursor.index < pieces[cursor.piece].end)
        break;
      bool wraps = ++cursor.piece == pieces.size();
      if (wraps)
        cursor.piece = 0;
      cursor.index = pieces[cursor.piece].begin;
      if (!wraps)
        break;
    }
  }
}

} // namespace xfer::run
