//===- Localize.cpp - Where a region lies in a rank's memory --------------===//
#include "xfer/Analysis/Ownership.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

namespace xfer {

void Ownership::sortBlocks() {
  constexpr size_t kFew = 8;
  if (blockList.size() <= kFew)
    return;
  size_t mostBegins = 0;
  for (size_t i = 0; i < blockList.front().indices.size(); ++i) {
    std::vector<SortedBlock> sorted;
    for (size_t number = 0; number < blockList.size(); ++number) {
      const DimOwnership &held = dimensions[blockList[number].indices[i].ownership];
      if (held.pieces.size() != 1)
        break; // not flattened: the same in every block
      const Piece &piece = held.pieces.front();
      sorted.push_back({piece.begin, piece.end, 0, static_cast<int32_t>(number)});
    }
    if (sorted.size() < blockList.size())
      continue;
    llvm::stable_sort(sorted,
                      [](const SortedBlock &l, const SortedBlock &r) { return l.begin < r.begin; });
    size_t numBegins = 1;
    for (size_t b = 1; b < sorted.size(); ++b)
      numBegins += sorted[b].begin != sorted[b - 1].begin;
    if (numBegins <= mostBegins)
      continue;
    mostBegins = numBegins;
    sortedIndex = i;
    sortedBlocks = std::move(sorted);
  }
  int64_t highestEnd = 0;
  for (SortedBlock &block : sortedBlocks)
    block.highestEnd = highestEnd = std::max(highestEnd, block.end);
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

bool Ownership::owns(int64_t cell, const OwnedBlock &block, const Region &region,
                     SmallVectorImpl<LocalSegment> &places) const {
  if (!mayOwn(cell, block))
    return false;
  places.clear();
  for (size_t i = 0; i < block.indices.size(); ++i) {
    const OwnedIndex &index = block.indices[i];
    std::optional<LocalSegment> place =
        xfer::localize(dimensions[index.ownership], cellOf(index, cell), region.dims[i].front());
    if (!place)
      return false;
    places.push_back(*place);
  }
  return true;
}

int32_t Ownership::findBlock(int64_t cell, const Region &region,
                             SmallVectorImpl<LocalSegment> &places) const {
  if (sortedBlocks.empty()) {
    for (size_t number = 0; number < blockList.size(); ++number)
      if (owns(cell, blockList[number], region, places))
        return static_cast<int32_t>(number);
    return -1;
  }
  // Blocks that begin at or before the region, back to where none reaches it.
  int64_t begin = region.dims[sortedIndex].front().begin;
  auto after = llvm::upper_bound(
      sortedBlocks, begin, [](int64_t at, const SortedBlock &block) { return at < block.begin; });
  while (after != sortedBlocks.begin() && (--after)->highestEnd > begin)
    if (after->end > begin && owns(cell, blockList[after->number], region, places))
      return after->number;
  return -1;
}

std::optional<StridedRegion> Ownership::localize(int64_t position, const Region &region) const {
  int64_t cell = cellOfPosition(position);
  SmallVector<int64_t, 3> shape = memory->shape(position);
  SmallVector<int64_t, 3> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  SmallVector<LocalSegment, 4> places;
  int32_t number = findBlock(cell, region, places);
  if (number < 0)
    return std::nullopt;
  const OwnedBlock &block = blockList[number];
  StridedRegion result;
  for (size_t i = 0; i < block.indices.size(); ++i) {
    const OwnedIndex &index = block.indices[i];
    const Segment &segment = region.dims[i].front();
    int64_t stride = index.step * strides[index.dim];
    result.offset += places[i].begin * stride;
    result.sizes.append({segment.count, segment.run});
    result.strides.append({places[i].stride * stride, stride});
  }
  for (size_t d = 0; d < shape.size(); ++d)
    result.offset += (memory->beginOf(d, viewPart[d], position) + block.begin[d]) * strides[d];
  result.canonicalize();
  return result;
}

} // namespace xfer
