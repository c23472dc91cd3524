//===- Memory.cpp - What every rank allocates -----------------------------===//
#include "xfer/Analysis/Memory.h"
#include "xfer/Analysis/Segments.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {

/// Cuts [0, extent): each coordinate of a split takes a part of the local positions that the
/// splits before it left. `localExtent` is given its value by cell.
static DimOwnership foldCuts(const DimLayout &layout, int64_t extent,
                             std::vector<int64_t> &localExtent) {
  std::vector<Piece> current{{0, extent, 0, 0}};
  std::vector<int64_t> firstPiece{0, 1};
  localExtent = {extent};
  if (extent == 0) {
    current.clear();
    firstPiece = {0, 0};
  }
  SmallVector<Interval, 8> parts;
  for (const Split &split : layout) {
    int64_t pieces = split.numPieces();
    std::vector<Piece> next;
    std::vector<int64_t> nextFirst, nextExtent;
    nextFirst.reserve(localExtent.size() * pieces + 1);
    for (size_t cell = 0; cell < localExtent.size(); ++cell)
      for (int64_t c = 0; c < pieces; ++c) {
        nextFirst.push_back(static_cast<int64_t>(next.size()));
        parts.clear();
        appendPiece(split, localExtent[cell], c, parts);
        int64_t local = 0;
        int64_t at = firstPiece[cell];
        for (const Interval &part : parts) {
          // Pieces of the cell that overlap local positions [part.begin, part.end).
          while (current[at].local + (current[at].end - current[at].begin) <= part.begin)
            ++at;
          for (int64_t i = at; i < firstPiece[cell + 1] && current[i].local < part.end; ++i) {
            const Piece &piece = current[i];
            int64_t from = std::max(part.begin, piece.local);
            int64_t to = std::min(part.end, piece.local + (piece.end - piece.begin));
            int64_t begin = piece.begin + (from - piece.local);
            if (next.size() > static_cast<size_t>(nextFirst.back()) && next.back().end == begin)
              next.back().end = begin + (to - from);
            else
              next.push_back(
                  {begin, begin + (to - from), local, static_cast<int64_t>(cell) * pieces + c});
            local += to - from;
          }
        }
        nextExtent.push_back(local);
      }
    nextFirst.push_back(static_cast<int64_t>(next.size()));
    current = std::move(next);
    firstPiece = std::move(nextFirst);
    localExtent = std::move(nextExtent);
  }
  return {extent, static_cast<int64_t>(localExtent.size()), std::move(current),
          std::move(firstPiece)};
}

Memory::Memory(const Mesh &mesh, const Layout &layout, const StorageShape &shape) {
  SmallVector<int64_t, 4> axisStride(mesh.axes.size(), 1);
  for (size_t a = mesh.axes.size(); a-- > 1;)
    axisStride[a - 1] = axisStride[a] * mesh.axes[a].size;
  auto cuts = layout.dims.begin();
  for (const StorageDim &dim : shape.dims) {
    auto &parts = dims.emplace_back();
    for (const StoragePart &from : dim) {
      MemoryPart &part = parts.emplace_back();
      for (const Split &split : *cuts)
        for (const AxisRef &axis : split.axes) {
          int64_t inner = mesh.axes[axis.axis].size / (axis.preSize * axis.size);
          part.digits.push_back({axis.size, axisStride[axis.axis] * inner});
        }
      part.cut = foldCuts(*cuts++, from.extent(), part.localExtent);
    }
  }
}

SmallVector<int64_t, 3> Memory::shape(int64_t position) const {
  SmallVector<int64_t, 3> shape;
  for (size_t d = 0; d < dims.size(); ++d)
    shape.push_back(beginOf(d, static_cast<int32_t>(dims[d].size()), position));
  return shape;
}

int64_t Memory::beginOf(size_t dim, int32_t part, int64_t position) const {
  constexpr int32_t kFew = 8;
  if (part > kFew)
    return begins(dim, position)[part];
  int64_t begin = 0;
  for (const MemoryPart &before : ArrayRef(dims[dim]).take_front(part))
    begin += before.localExtent[before.cellOf(position)];
  return begin;
}

ArrayRef<int64_t> Memory::begins(size_t dim, int64_t position) const {
  Begins &known = knownBegins[{dim, position % kSlots}];
  if (known.position == position)
    return known.places;
  known.position = position;
  known.places = {0};
  for (const MemoryPart &part : dims[dim])
    known.places.push_back(known.places.back() + part.localExtent[part.cellOf(position)]);
  return known.places;
}

/// The positions of the runs of one dimension that are zeroed, or that are not.
static DimSegments positionsOf(bool zeroed, const StorageDim &dim, const Memory &memory,
                               size_t dimension, int64_t position) {
  std::vector<LocalRun> found;
  auto add = [&](int64_t begin, int64_t length) {
    if (!found.empty() && found.back().begin + found.back().length == begin)
      found.back().length += length;
    else
      found.push_back({begin, length, begin, begin});
  };
  for (size_t p = 0; p < dim.size(); ++p) {
    const MemoryPart &part = memory.parts(dimension)[p];
    int64_t base = memory.beginOf(dimension, static_cast<int32_t>(p), position);
    for (const Piece &piece : part.cut.cellPieces(part.cellOf(position)))
      for (int64_t at = piece.begin; at < piece.end;) {
        StoragePart::RunIndex place = dim[p].locate(at);
        const Run &run = dim[p].runs[place.run];
        int64_t length = std::min(run.size - place.index % run.size, piece.end - at);
        if ((run.kind == Run::Kind::Zero) == zeroed)
          add(base + piece.local + (at - piece.begin), length);
        at += length;
      }
  }
  return toSegments(found);
}

std::vector<StridedRegion> Memory::zeros(const StorageShape &storage, int64_t position) const {
  std::vector<StridedRegion> result;
  SmallVector<int64_t, 3> local = shape(position);
  if (llvm::is_contained(local, 0))
    return result;
  // Zeroed in dimension d, not in those before it, whatever in those after it.
  for (size_t d = 0; d < dims.size(); ++d) {
    bool hasZero = llvm::any_of(storage.dims[d], [](const StoragePart &part) {
      return llvm::any_of(part.runs, [](const Run &run) { return run.kind == Run::Kind::Zero; });
    });
    if (!hasZero)
      continue;
    std::vector<StridedRegion> regions(1);
    int64_t stride = 1;
    for (size_t e = dims.size(); e-- > 0; stride *= local[e]) {
      DimSegments positions{Segment::interval(0, local[e])};
      if (e <= d)
        positions = positionsOf(/*zeroed=*/e == d, storage.dims[e], *this, e, position);
      std::vector<StridedRegion> next;
      for (const Segment &segment : positions)
        for (const StridedRegion &inner : regions) {
          StridedRegion &region = next.emplace_back();
          region.offset = inner.offset + segment.begin * stride;
          region.sizes = {segment.count, segment.run};
          region.strides = {segment.stride * stride, stride};
          region.sizes.append(inner.sizes);
          region.strides.append(inner.strides);
        }
      regions = std::move(next);
    }
    for (StridedRegion &region : regions) {
      region.canonicalize();
      result.push_back(std::move(region));
    }
  }
  return result;
}

} // namespace xfer
