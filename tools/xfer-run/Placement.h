//===- Placement.h - Where a tensor lies in a memory ------------*- C++ -*-===//
//
// From what a rank holds to the tensor, and back: forEachLine walks the
// elements of the tensor that lie in one rank's local memory, find says where
// an index lies. Reads the declared view alone, tables and slices as written.
//===----------------------------------------------------------------------===//
#pragma once
#include "MemoryCuts.h"
#include <utility>

namespace xfer::run {

/// `count` elements of a tensor along one of its indices, the others fixed.
struct Line {
  llvm::ArrayRef<int64_t> index; ///< of the first element
  int32_t along = kNone;         ///< the index that grows; kNone where no index can
  int64_t number = 0;            ///< of the first element, row-major
  int64_t step = 0;              ///< from an element's number to the next one's
  int64_t count = 0;
  /// The elements [first, first + length) of the line; `scratch` holds the index.
  Line part(int64_t first, int64_t length, llvm::SmallVectorImpl<int64_t> &scratch) const;
};

class Placement {
public:
  /// All four have been verified; `tensorShape` are the extents of the indices d0, d1, ... `cuts`
  /// and `view` must outlive this object.
  Placement(MemoryCuts &cuts, const View &view, llvm::ArrayRef<int64_t> tensorShape);

  const MemoryCuts &cuts() const { return *memoryCuts; }
  /// Number of the tensor's elements that lie in the local memory of a mesh position.
  int64_t numHeld(int64_t position) const;

  /// Calls `visit(line, local)` for the elements [begin, end) of those a position holds, counted as
  /// they lie in its memory: those of `line` lie one after the other from element `local` on.
  template <typename Visit>
  void forEachLine(int64_t position, int64_t begin, int64_t end, Visit visit) const;

  /// Where the entry of a dimension keeps something.
  struct Spot {
    int64_t coordinate = 0; ///< in the part that the entry names
    int64_t local = 0;      ///< in what this coordinate holds of the part
    int64_t length = 0;     ///< of the indices from it on that follow each other in memory
  };
  /// `flat`: number of a combination of the entry's factors, row-major; 0 without factors.
  Spot find(size_t dim, int64_t flat) const;
  /// The row-major number of the entry's factors, of which `index` are the tensor's indices.
  int64_t flatten(size_t dim, llvm::ArrayRef<int64_t> index) const;
  /// The dimension whose entry has this index of the tensor, and the flat number's step along it.
  struct IndexPlace {
    size_t dim = 0;
    int64_t step = 1;
  };
  IndexPlace placeOf(int32_t index) const { return indexPlaces[index]; }
  int32_t partOf(size_t dim) const { return parts[dim]; }
  /// The first position in mesh order that holds these coordinates of the entries' parts.
  int64_t positionOf(llvm::ArrayRef<int64_t> coordinates, int64_t contributor) const;

private:
  /// Positions of a dimension of a rank's memory that hold consecutive flat numbers.
  struct Stretch {
    int64_t flat = 0, local = 0, length = 0;
    int64_t before = 0; ///< number of positions in the stretches before it
  };
  using Stretches = llvm::SmallVector<Stretch, 4>;
  Stretches stretches(int64_t position, size_t dim) const;
  /// Sets the indices that an entry holds from their flat number.
  void unflatten(size_t dim, int64_t flat, llvm::MutableArrayRef<int64_t> index) const;

  MemoryCuts *memoryCuts;
  const View *view;
  llvm::SmallVector<int32_t, 3> parts;           ///< by dimension
  llvm::SmallVector<int64_t, 3> numberSteps;     ///< by index of the tensor: row-major strides
  llvm::SmallVector<IndexPlace, 3> indexPlaces;  ///< by index of the tensor
  llvm::SmallVector<const ViewFactor *, 3> last; ///< by dimension: innermost factor that varies
  std::vector<int64_t> slotOf; ///< of the dimension with a table, by index; the last slot
  const std::vector<int64_t> *firstPositions;
};

template <typename Visit>
void Placement::forEachLine(int64_t position, int64_t begin, int64_t end, Visit visit) const {
  if (begin >= end)
    return;
  size_t inner = parts.size() - 1;
  llvm::SmallVector<Stretches, 3> held;
  for (size_t dim = 0; dim <= inner; ++dim)
    held.push_back(stretches(position, dim));
  auto numHeldOf = [&](size_t dim) { return held[dim].back().before + held[dim].back().length; };
  llvm::SmallVector<int64_t, 3> memoryStrides = memoryCuts->localShape(position);
  int64_t stride = 1;
  for (size_t dim = inner + 1; dim-- > 0;)
    stride *= std::exchange(memoryStrides[dim], stride);

  // The row of `begin`, dimension by dimension.
  struct Cursor {
    size_t stretch = 0;
    int64_t within = 0;
  };
  auto cursorAt = [&](size_t dim, int64_t number) {
    size_t stretch = 0;
    while (held[dim][stretch].before + held[dim][stretch].length <= number)
      ++stretch;
    return Cursor{stretch, number - held[dim][stretch].before};
  };
  llvm::SmallVector<Cursor, 3> cursors(inner);
  llvm::SmallVector<int64_t, 3> localOf(inner), index(numberSteps.size());
  auto enter = [&](size_t dim) {
    const Stretch &stretch = held[dim][cursors[dim].stretch];
    localOf[dim] = (stretch.local + cursors[dim].within) * memoryStrides[dim];
    unflatten(dim, stretch.flat + cursors[dim].within, index);
  };
  int64_t rowLength = numHeldOf(inner);
  int64_t row = begin / rowLength;
  for (size_t dim = inner; dim-- > 0; row /= numHeldOf(dim)) {
    cursors[dim] = cursorAt(dim, row % numHeldOf(dim));
    enter(dim);
  }

  const ViewFactor *factor = last[inner];
  Line line;
  line.along = factor ? factor->index : kNone;
  line.step = factor ? numberSteps[factor->index] : 0;
  line.index = index;
  for (Cursor at = cursorAt(inner, begin % rowLength); begin < end; at = {}) {
    int64_t rowLocal = 0;
    for (int64_t local : localOf)
      rowLocal += local;
    for (; at.stretch < held[inner].size() && begin < end; ++at.stretch, at.within = 0) {
      const Stretch &stretch = held[inner][at.stretch];
      while (at.within < stretch.length && begin < end) {
        int64_t flat = stretch.flat + at.within;
        unflatten(inner, flat, index);
        line.count = std::min(stretch.length - at.within, end - begin);
        if (factor)
          line.count = std::min(line.count, factor->size() - flat % factor->size());
        line.number = 0;
        for (size_t i = 0; i < index.size(); ++i)
          line.number += index[i] * numberSteps[i];
        visit(static_cast<const Line &>(line), rowLocal + stretch.local + at.within);
        at.within += line.count;
        begin += line.count;
      }
    }
    for (size_t dim = inner; dim-- > 0;) {
      Cursor &cursor = cursors[dim];
      bool wraps = false;
      if (++cursor.within == held[dim][cursor.stretch].length) {
        wraps = ++cursor.stretch == held[dim].size();
        cursor = {wraps ? 0 : cursor.stretch, 0};
      }
      enter(dim);
      if (!wraps)
        break;
    }
  }
}

} // namespace xfer::run
