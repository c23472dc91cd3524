//===- Placement.cpp - Local index to global index and back ---------------===//
#include "Placement.h"
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

void Placement::placeDim(const Mesh &mesh, const DimLayout &layout, int64_t extent, Dim &dim) {
  for (const Split &split : layout)
    dim.numCoordinates *= split.numPieces();
  dim.coordinateAt.resize(mesh.size());
  for (int64_t position = 0; position < mesh.size(); ++position) {
    SmallVector<int64_t, 4> axes = axisCoordinates(mesh, position);
    for (const Split &split : layout)
      dim.coordinateAt[position] =
          dim.coordinateAt[position] * split.numPieces() + splitCoordinate(mesh, split, axes);
  }

  dim.pieces.resize(dim.numCoordinates);
  for (int64_t coordinate = 0; coordinate < dim.numCoordinates; ++coordinate) {
    SmallVector<Interval, 4> held;
    if (extent)
      held.push_back({0, extent});
    int64_t minor = dim.numCoordinates;
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
      dim.pieces[coordinate].push_back({interval.begin, interval.end, local});
      dim.byIndex.push_back({dim.pieces[coordinate].back(), coordinate});
      local += interval.size();
    }
  }
  llvm::sort(dim.byIndex, [](const OwnedPiece &a, const OwnedPiece &b) {
    return a.piece.begin < b.piece.begin;
  });
}

Placement::Placement(const Mesh &mesh, const Layout &layout, ArrayRef<int64_t> tensorShape)
    : shape(tensorShape), contributorAt(mesh.size()) {
  if (shape.empty())
    shape.push_back(1);
  dims.resize(shape.size());
  for (size_t dim = 0; dim < dims.size(); ++dim)
    placeDim(mesh, tensorShape.empty() ? DimLayout() : layout.dims[dim], shape[dim], dims[dim]);

  for (int32_t axis : layout.partialAxes)
    contributors *= mesh.axes[axis].size;
  int64_t numCells = contributors;
  for (const Dim &dim : dims)
    numCells *= dim.numCoordinates;
  positionByCell.assign(numCells, -1);
  for (int64_t position = 0; position < mesh.size(); ++position) {
    SmallVector<int64_t, 4> axes = axisCoordinates(mesh, position);
    for (int32_t axis : layout.partialAxes)
      contributorAt[position] = contributorAt[position] * mesh.axes[axis].size + axes[axis];
    SmallVector<int64_t, 4> coordinates;
    for (const Dim &dim : dims)
      coordinates.push_back(dim.coordinateAt[position]);
    int64_t &first = positionByCell[cellOf(coordinates, contributorAt[position])];
    if (first < 0)
      first = position;
  }
}

int64_t Placement::localExtent(int64_t position, size_t dim) const {
  ArrayRef<Piece> held = pieces(position, dim);
  return held.empty() ? 0 : held.back().local + held.back().size();
}

int64_t Placement::numLocalElements(int64_t position) const {
  int64_t elements = 1;
  for (size_t dim = 0; dim < dims.size(); ++dim)
    elements *= localExtent(position, dim);
  return elements;
}

const OwnedPiece &Placement::ownerOf(size_t dim, int64_t index) const {
  auto after =
      llvm::upper_bound(dims[dim].byIndex, index, [](int64_t key, const OwnedPiece &owned) {
        return key < owned.piece.begin;
      });
  return *std::prev(after);
}

int64_t Placement::cellOf(ArrayRef<int64_t> coordinates, int64_t contributor) const {
  int64_t cell = 0;
  for (size_t dim = 0; dim < dims.size(); ++dim)
    cell = cell * dims[dim].numCoordinates + coordinates[dim];
  return cell * contributors + contributor;
}

int64_t Placement::positionOf(ArrayRef<int64_t> coordinates, int64_t contributor) const {
  return positionByCell[cellOf(coordinates, contributor)];
}

} // namespace xfer::run
