//===- MemoryCuts.cpp - How a mesh cuts a memory --------------------------===//
#include "MemoryCuts.h"
#include "xfer/IR/SplitRules.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer::run {

/// Coordinates of a mesh position along every axis.
static SmallVector<int64_t, 4> axisCoordinates(const Mesh &mesh, int64_t position) {
  SmallVector<int64_t, 4> coordinates(mesh.axes.size());
  for (size_t axis = mesh.axes.size(); axis-- > 0;) {
    coordinates[axis] = position % mesh.axes[axis].size;
    position /= mesh.axes[axis].size;
  }
  return coordinates;
}

/// Coordinate of a mesh position along the product of a split's axes.
static int64_t splitCoordinate(const Mesh &mesh, const Split &split, ArrayRef<int64_t> axes) {
  int64_t coordinate = 0;
  for (const AxisRef &ref : split.axes) {
    int64_t minor = mesh.axes[ref.axis].size / (ref.preSize * ref.size);
    coordinate = coordinate * ref.size + axes[ref.axis] / minor % ref.size;
  }
  return coordinate;
}

/// The parts of `held`, given by their local positions in ascending order.
static SmallVector<Interval, 4> partsOf(ArrayRef<Interval> held, ArrayRef<Interval> parts) {
  SmallVector<Interval, 4> out;
  size_t next = 0;
  int64_t local = 0; // position of held[next]
  for (Interval part : parts)
    while (part.begin < part.end) {
      for (; local + held[next].size() <= part.begin; ++next)
        local += held[next].size();
      int64_t end = std::min(part.end, local + held[next].size());
      out.push_back({held[next].begin + part.begin - local, held[next].begin + end - local});
      part.begin = end;
    }
  return out;
}

PartCuts::PartCuts(const Mesh &mesh, const DimLayout &layout, const StoragePart &part)
    : begins{0}, coordinateAt(mesh.size()) {
  for (const Run &run : part.runs)
    begins.push_back(begins.back() + run.size);
  for (int64_t position = 0; position < mesh.size(); ++position) {
    SmallVector<int64_t, 4> axes = axisCoordinates(mesh, position);
    for (const Split &split : layout)
      coordinateAt[position] =
          coordinateAt[position] * split.numPieces() + splitCoordinate(mesh, split, axes);
  }
  int64_t numCoordinates = 1;
  for (const Split &split : layout)
    numCoordinates *= split.numPieces();
  byCoordinate.resize(numCoordinates);
  for (int64_t coordinate = 0; coordinate < numCoordinates; ++coordinate) {
    SmallVector<Interval, 4> held;
    if (int64_t extent = part.repeat * period())
      held.push_back({0, extent});
    int64_t minor = numCoordinates;
    for (const Split &split : layout) {
      minor /= split.numPieces();
      int64_t size = 0;
      for (Interval interval : held)
        size += interval.size();
      SmallVector<Interval, 4> parts;
      appendPiece(split, size, coordinate / minor % split.numPieces(), parts);
      held = partsOf(held, parts);
    }
    int64_t local = 0;
    for (Interval interval : held) {
      byCoordinate[coordinate].push_back({interval.begin, interval.end, local});
      byIndex.push_back({byCoordinate[coordinate].back(), coordinate});
      local += interval.size();
    }
  }
  llvm::sort(byIndex, [](const OwnedPiece &a, const OwnedPiece &b) {
    return a.piece.begin < b.piece.begin;
  });
}

int64_t PartCuts::localExtent(int64_t position) const {
  ArrayRef<Piece> held = pieces(position);
  return held.empty() ? 0 : held.back().local + held.back().size();
}

const OwnedPiece &PartCuts::ownerOf(int64_t index) const {
  auto after = llvm::upper_bound(
      byIndex, index, [](int64_t key, const OwnedPiece &owned) { return key < owned.piece.begin; });
  return *std::prev(after);
}

MemoryCuts::MemoryCuts(const Mesh &mesh, const Layout &layout, const StorageShape &shape)
    : contributorAt(mesh.size()) {
  size_t next = 0;
  for (const StorageDim &dim : shape.dims) {
    std::vector<PartCuts> &parts = dims.emplace_back();
    for (const StoragePart &part : dim) {
      // A 0-d memory has one element, which no axis cuts.
      bool isCut = next < layout.dims.size();
      parts.emplace_back(mesh, isCut ? layout.dims[next++] : DimLayout(), part);
    }
    std::vector<int64_t> &ends = begins.emplace_back();
    for (int64_t position = 0; position < mesh.size(); ++position) {
      ends.push_back(0);
      for (const PartCuts &part : parts)
        ends.push_back(ends.back() + part.localExtent(position));
    }
  }
  for (int32_t axis : layout.partialAxes)
    contributors *= mesh.axes[axis].size;
  for (int64_t position = 0; position < mesh.size(); ++position) {
    SmallVector<int64_t, 4> axes = axisCoordinates(mesh, position);
    for (int32_t axis : layout.partialAxes)
      contributorAt[position] = contributorAt[position] * mesh.axes[axis].size + axes[axis];
  }
}

SmallVector<int64_t, 3> MemoryCuts::localShape(int64_t position) const {
  SmallVector<int64_t, 3> shape;
  for (size_t dim = 0; dim < dims.size(); ++dim)
    shape.push_back(localExtent(dim, position));
  return shape;
}

const std::vector<int64_t> &MemoryCuts::firstPositions(ArrayRef<int32_t> parts) {
  std::vector<int64_t> &first = firstByParts[parts.vec()];
  if (!first.empty())
    return first;
  int64_t numCells = contributors;
  for (size_t dim = 0; dim < dims.size(); ++dim)
    numCells *= dims[dim][parts[dim]].numCoordinates();
  first.assign(numCells, -1);
  for (int64_t position = 0; position < numPositions(); ++position) {
    int64_t cell = 0;
    for (size_t dim = 0; dim < dims.size(); ++dim) {
      const PartCuts &part = dims[dim][parts[dim]];
      cell = cell * part.numCoordinates() + part.coordinate(position);
    }
    cell = cell * contributors + contributorAt[position];
    if (first[cell] < 0)
      first[cell] = position;
  }
  return first;
}

} // namespace xfer::run
