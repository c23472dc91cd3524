//===- MemoryCuts.h - How a mesh cuts a memory ------------------*- C++ -*-===//
//
// What every mesh position holds of every part of a memory's dimensions, and
// who holds a given index of a part, computed straight from the layout's cuts.
// xfer-run checks the compiler with it, so it shares nothing with the analyses
// that passes use.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include "llvm/ADT/ArrayRef.h"
#include <map>

namespace xfer::run {

/// Indices [begin, end) of a part lie from `local` on in what a position holds of the part.
struct Piece {
  int64_t begin = 0, end = 0, local = 0;
  int64_t size() const { return end - begin; }
};

/// A piece and the coordinate that holds it.
struct OwnedPiece {
  Piece piece;
  int64_t coordinate = 0;
};

/// One part of a dimension: an index space that some of the mesh's axes cut. Positions that agree
/// on these axes have one coordinate.
class PartCuts {
public:
  PartCuts(const Mesh &mesh, const DimLayout &layout, const StoragePart &part);

  /// A repetition of the part holds run i at [runBegins()[i], runBegins()[i + 1]).
  llvm::ArrayRef<int64_t> runBegins() const { return begins; }
  int64_t period() const { return begins.back(); }

  int64_t numCoordinates() const { return static_cast<int64_t>(byCoordinate.size()); }
  int64_t coordinate(int64_t position) const { return coordinateAt[position]; }
  /// What a mesh position holds, in local order.
  llvm::ArrayRef<Piece> pieces(int64_t position) const {
    return byCoordinate[coordinateAt[position]];
  }
  int64_t localExtent(int64_t position) const;
  /// The owner of an index. The pieces of all coordinates cover the part.
  const OwnedPiece &ownerOf(int64_t index) const;

private:
  std::vector<int64_t> begins;
  std::vector<int64_t> coordinateAt;            ///< by mesh position
  std::vector<std::vector<Piece>> byCoordinate; ///< in local order
  std::vector<OwnedPiece> byIndex;              ///< ascending by begin
};

class MemoryCuts {
public:
  /// `shape` and `layout` have been verified, and `shape` has at least one dimension.
  MemoryCuts(const Mesh &mesh, const Layout &layout, const StorageShape &shape);

  size_t numDims() const { return dims.size(); }
  int64_t numPositions() const { return static_cast<int64_t>(contributorAt.size()); }
  const PartCuts &part(size_t dim, int32_t part) const { return dims[dim][part]; }
  /// Where a part begins in what a position holds of its dimension.
  int64_t beginOf(size_t dim, int32_t part, int64_t position) const {
    return begins[dim][position * (dims[dim].size() + 1) + part];
  }
  int64_t localExtent(size_t dim, int64_t position) const {
    return beginOf(dim, static_cast<int32_t>(dims[dim].size()), position);
  }
  llvm::SmallVector<int64_t, 3> localShape(int64_t position) const;

  int64_t numContributors() const { return contributors; }
  /// Number of this position among those that contribute to the same elements, in mesh order.
  int64_t contributorOf(int64_t position) const { return contributorAt[position]; }

  /// For one part of each dimension: the first position in mesh order with given coordinates in
  /// them and a given contributor number, all row-major. Stays valid.
  const std::vector<int64_t> &firstPositions(llvm::ArrayRef<int32_t> parts);

private:
  std::vector<std::vector<PartCuts>> dims;
  std::vector<std::vector<int64_t>> begins; ///< by dimension: (position, part), one part more
  int64_t contributors = 1;
  std::vector<int64_t> contributorAt; ///< by mesh position
  std::map<std::vector<int32_t>, std::vector<int64_t>> firstByParts;
};

} // namespace xfer::run
