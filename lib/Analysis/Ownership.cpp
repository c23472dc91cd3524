//===- Ownership.cpp - What every rank of a layout owns -------------------===//
#include "xfer/Analysis/Ownership.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

namespace xfer {

Ownership::Ownership(const Module &module, const Layout &layout, ArrayRef<int64_t> shape)
    : meshId(layout.mesh), meshRanks(module.meshes[layout.mesh].ranks) {
  buildDigits(module.meshes[layout.mesh], layout);
  for (size_t d = 0; d < shape.size(); ++d)
    buildDimension(layout.dims[d], shape[d]);
}

/// Cuts every axis at the borders of its sub-axes and hands each part to the dimension that it
/// cuts, to the contributors or to the replicas.
void Ownership::buildDigits(const Mesh &mesh, const Layout &layout) {
  size_t numAxes = mesh.axes.size();
  SmallVector<int64_t, 4> axisStride(numAxes, 1);
  for (size_t a = numAxes; a-- > 1;)
    axisStride[a - 1] = axisStride[a] * mesh.axes[a].size;

  // The parts of each axis that cut something, by preSize.
  std::vector<SmallVector<AxisRef, 1>> used(numAxes);
  for (const DimLayout &dim : layout.dims) {
    SmallVector<Digit, 2> &digits = dimDigits.emplace_back();
    for (const Split &split : dim)
      for (const AxisRef &axis : split.axes) {
        int64_t inner = mesh.axes[axis.axis].size / (axis.preSize * axis.size);
        digits.push_back({axis.size, axisStride[axis.axis] * inner});
        used[axis.axis].push_back(axis);
      }
  }
  for (size_t a = 0; a < numAxes; ++a) {
    int64_t size = mesh.axes[a].size;
    if (llvm::is_contained(layout.partialAxes, static_cast<int32_t>(a))) {
      partialDigits.push_back({size, axisStride[a]});
      contributors *= size;
      continue;
    }
    llvm::sort(used[a], [](const AxisRef &l, const AxisRef &r) { return l.preSize < r.preSize; });
    int64_t before = 1; // product of the sizes of the parts seen
    for (const AxisRef &axis : used[a]) {
      if (axis.preSize > before)
        replicaDigits.push_back({axis.preSize / before, axisStride[a] * (size / axis.preSize)});
      before = std::max(before, axis.preSize * axis.size);
    }
    if (before < size)
      replicaDigits.push_back({size / before, axisStride[a]});
  }
}

void Ownership::buildDimension(const DimLayout &layout, int64_t extent) {
  // Fold the splits: each coordinate of the next split takes a part of the local positions.
  std::vector<Piece> current{{0, extent, 0, 0}};
  std::vector<int64_t> firstPiece{0, 1};
  std::vector<int64_t> localExtent{extent};
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
  int64_t numCells = static_cast<int64_t>(localExtent.size());
  cellCount *= numCells;
  dimensions.push_back(
      {extent, numCells, std::move(current), std::move(firstPiece), std::move(localExtent)});
}

SmallVector<int64_t, 3> Ownership::dimCells(int64_t cell) const {
  SmallVector<int64_t, 3> cells(dimensions.size());
  for (size_t d = dimensions.size(); d-- > 0;) {
    cells[d] = cell % dimensions[d].numCells;
    cell /= dimensions[d].numCells;
  }
  return cells;
}

int64_t Ownership::cellOfPosition(int64_t position) const {
  int64_t cell = 0;
  for (const auto &digits : dimDigits)
    for (const Digit &digit : digits)
      cell = cell * digit.size + position / digit.stride % digit.size;
  return cell;
}

/// Calls `visit` with the offset of every combination of the digits, row-major.
template <typename Digits, typename Visit>
static void forEachOffset(const Digits &digits, Visit visit) {
  int64_t count = 1;
  for (const auto &digit : digits)
    count *= digit.size;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, offset = 0;
    for (size_t d = digits.size(); d-- > 0;) {
      offset += rest % digits[d].size * digits[d].stride;
      rest /= digits[d].size;
    }
    visit(offset);
  }
}

void Ownership::appendHolders(int64_t cell, SmallVectorImpl<int64_t> &out) const {
  int64_t base = 0;
  for (size_t d = dimensions.size(); d-- > 0;)
    for (size_t i = dimDigits[d].size(); i-- > 0;) {
      const Digit &digit = dimDigits[d][i];
      base += cell % digit.size * digit.stride;
      cell /= digit.size;
    }
  forEachOffset(replicaDigits, [&](int64_t replica) {
    forEachOffset(partialDigits, [&](int64_t contributor) {
      out.push_back(meshRanks[base + replica + contributor]);
    });
  });
}

SmallVector<int64_t, 3> Ownership::localShape(int64_t cell) const {
  SmallVector<int64_t, 3> shape = dimCells(cell);
  for (size_t d = 0; d < shape.size(); ++d)
    shape[d] = dimensions[d].localExtent[shape[d]];
  return shape;
}

std::optional<LocalSegment> localize(const DimOwnership &dim, int64_t cell,
                                     const Segment &segment) {
  ArrayRef<Piece> pieces = dim.cellPieces(cell);
  const Piece *piece =
      std::upper_bound(pieces.begin(), pieces.end(), segment.begin,
                       [](int64_t begin, const Piece &candidate) { return begin < candidate.end; });
  LocalSegment result;
  for (int64_t i = 0; i < segment.count; ++i) {
    int64_t begin = segment.begin + i * segment.stride;
    while (piece != pieces.end() && piece->end <= begin)
      ++piece;
    if (piece == pieces.end() || begin < piece->begin || begin + segment.run > piece->end)
      return std::nullopt;
    int64_t local = piece->local + (begin - piece->begin);
    if (i == 0)
      result.begin = local;
    else if (i == 1)
      result.stride = local - result.begin;
    else if (local != result.begin + i * result.stride)
      return std::nullopt;
  }
  return result;
}

std::optional<StridedRegion> Ownership::localize(int64_t cell, const Region &region) const {
  SmallVector<int64_t, 3> cells = dimCells(cell);
  SmallVector<int64_t, 3> strides(cells.size(), 1);
  for (size_t d = cells.size(); d-- > 1;)
    strides[d - 1] = strides[d] * dimensions[d].localExtent[cells[d]];
  StridedRegion result;
  for (size_t d = 0; d < cells.size(); ++d) {
    const Segment &segment = region.dims[d].front();
    std::optional<LocalSegment> local = xfer::localize(dimensions[d], cells[d], segment);
    if (!local)
      return std::nullopt;
    result.offset += local->begin * strides[d];
    result.sizes.append({segment.count, segment.run});
    result.strides.append({local->stride * strides[d], strides[d]});
  }
  result.canonicalize();
  return result;
}

int32_t OwnershipCache::id(LayoutId layout, ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 8> key{layout};
  key.append(shape.begin(), shape.end());
  int32_t id = keys.intern(key);
  if (id == static_cast<int32_t>(ownerships.size()))
    ownerships.push_back(std::make_unique<Ownership>(module, module.layout(layout), shape));
  return id;
}

int64_t OwnershipCache::position(int32_t mesh, int64_t rank) {
  if (positions.size() < module.meshes.size())
    positions.resize(module.meshes.size());
  auto &map = positions[mesh];
  if (!map) {
    map = std::make_unique<RankMap<int64_t>>();
    const std::vector<int64_t> &ranks = module.meshes[mesh].ranks;
    for (size_t i = 0; i < ranks.size(); ++i)
      map->try_emplace(ranks[i], static_cast<int64_t>(i));
  }
  auto found = map->find(rank);
  return found == map->end() ? -1 : found->second;
}

} // namespace xfer
