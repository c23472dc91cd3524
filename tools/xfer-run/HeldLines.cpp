//===- HeldLines.cpp - A tensor's elements in one local memory ------------===//
#include "HeldLines.h"
#include <algorithm>

namespace xfer::run {

void HeldLines::Cursor::seek(int64_t number) {
  while (stretches[stretch].before + stretches[stretch].length <= number)
    ++stretch;
  within = number - stretches[stretch].before;
}

bool HeldLines::Cursor::advance(int64_t count) {
  within += count;
  if (left() > 0)
    return true;
  within = 0;
  if (++stretch < stretches.size())
    return true;
  stretch = 0;
  return false;
}

HeldLines::HeldLines(const Placement &placement, int64_t position, int64_t begin, int64_t end)
    : placement(placement), index(placement.numIndices()), left(end - begin) {
  if (left <= 0)
    return;
  dims.resize(placement.cuts().numDims());
  int64_t memoryStride = 1;
  for (size_t dim = dims.size(); dim-- > 0;) {
    Cursor &cursor = dims[dim];
    cursor.stretches = placement.stretches(position, dim);
    cursor.memoryStride = memoryStride;
    memoryStride *= placement.cuts().localExtent(dim, position);
    int64_t held = cursor.stretches.back().before + cursor.stretches.back().length;
    cursor.seek(begin % held);
    begin /= held;
    placement.unflatten(dim, cursor.flat(), index);
    if (dim + 1 < dims.size())
      rowLocal += cursor.local();
  }
  if (const ViewFactor *innermost = placement.innermostFactor()) {
    current.along = innermost->index;
    current.step = placement.numberStep(innermost->index);
  }
  current.index = index;
}

bool HeldLines::next() {
  left -= current.count;
  if (left <= 0)
    return false;
  size_t inner = dims.size() - 1;
  if (!dims[inner].advance(current.count)) {
    // The next row.
    rowLocal = 0;
    for (size_t dim = inner; dim-- > 0;) {
      bool wrapped = !dims[dim].advance(1);
      placement.unflatten(dim, dims[dim].flat(), index);
      if (!wrapped)
        break;
    }
    for (size_t dim = 0; dim < inner; ++dim)
      rowLocal += dims[dim].local();
  }
  int64_t flat = dims[inner].flat();
  placement.unflatten(inner, flat, index);
  current.count = std::min(dims[inner].left(), left);
  if (const ViewFactor *innermost = placement.innermostFactor())
    current.count = std::min(current.count, innermost->size() - flat % innermost->size());
  current.number = placement.numberOf(index);
  return true;
}

} // namespace xfer::run
