//===- Placement.h - Where a tensor lies in a memory ------------*- C++ -*-===//
//
// One view of a tensor, over the cuts of its memory: what a rank holds of it in
// each dimension, and where an index of the tensor lies. Reads the view as it
// was declared, tables and slices and all. HeldLines.h puts the dimensions
// together.
//===----------------------------------------------------------------------===//
#pragma once
#include "MemoryCuts.h"
#include "llvm/ADT/DenseMap.h"

namespace xfer::run {

/// `count` elements of a tensor along one of its indices, the others fixed.
struct Line {
  llvm::ArrayRef<int64_t> index; ///< of the first element
  int32_t along = kNone;         ///< the index that grows; kNone where none can
  int64_t number = 0;            ///< of the first element, row-major
  int64_t step = 0;              ///< from an element's number to the next one's
  int64_t count = 0;
  /// The elements [first, first + length) of the line; `scratch` holds the index.
  Line part(int64_t first, int64_t length, llvm::SmallVectorImpl<int64_t> &scratch) const;
};

/// What the entry of a dimension says is numbered row-major over its factors: the flat number.
class Placement {
public:
  /// All have been verified; `tensorShape` are the extents of the indices d0, d1, ... `cuts` and
  /// `view` must outlive this object.
  Placement(MemoryCuts &cuts, const View &view, llvm::ArrayRef<int64_t> tensorShape);

  const MemoryCuts &cuts() const { return *memoryCuts; }
  int32_t partOf(size_t dim) const { return parts[dim]; } ///< in which the tensor lies
  size_t numIndices() const { return numberSteps.size(); }
  /// From an element's row-major number to that of its neighbour along an index.
  int64_t numberStep(int32_t index) const { return numberSteps[index]; }
  int64_t numberOf(llvm::ArrayRef<int64_t> index) const;
  /// The flat number, and back.
  int64_t flatten(size_t dim, llvm::ArrayRef<int64_t> index) const;
  void unflatten(size_t dim, int64_t flat, llvm::MutableArrayRef<int64_t> index) const;

  // From memory to the tensor.

  /// Positions of a dimension of a local memory that hold consecutive flat numbers.
  struct Stretch {
    int64_t flat = 0, local = 0, length = 0;
    int64_t before = 0; ///< number of positions in the stretches before it
  };
  using Stretches = llvm::SmallVector<Stretch, 2>;
  /// What a mesh position holds of a dimension, in the order of its memory.
  Stretches stretches(int64_t position, size_t dim) const;
  /// Number of the tensor's elements that lie in the local memory of a mesh position.
  int64_t numHeld(int64_t position) const;
  /// What varies fastest in the last dimension; null if that holds one index only.
  const ViewFactor *innermostFactor() const { return innermost; }

  // From the tensor to memory.

  struct Spot {
    int64_t coordinate = 0; ///< in the part where the tensor lies
    int64_t local = 0;      ///< in what this coordinate holds of the part
    int64_t length = 0;     ///< of the flat numbers from it on that follow each other in memory
  };
  /// For a view that holds all of the tensor, as a source's does.
  Spot find(size_t dim, int64_t flat) const;
  /// The dimension that holds an index of the tensor, and the flat number's step along it.
  struct IndexPlace {
    size_t dim = 0;
    int64_t flatStep = 1;
  };
  IndexPlace placeOf(int32_t index) const { return indexPlaces[index]; }
  /// The first position in mesh order that holds these coordinates of the parts.
  int64_t positionOf(llvm::ArrayRef<int64_t> coordinates, int64_t contributor) const;

private:
  MemoryCuts *memoryCuts;
  const View *view;
  llvm::SmallVector<int32_t, 3> parts;          ///< by dimension
  llvm::SmallVector<int64_t, 3> numberSteps;    ///< by index of the tensor
  llvm::SmallVector<IndexPlace, 3> indexPlaces; ///< by index of the tensor
  const ViewFactor *innermost = nullptr;
  llvm::DenseMap<uint64_t, int64_t> slotOf; ///< of the dimension with a table, by tensor index
  const std::vector<int64_t> *firstPositions;
};

} // namespace xfer::run
