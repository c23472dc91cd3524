//===- StepBuilder.cpp - Makes the kernels' tables ------------------------===//
//
// A unit is as many elements as one thread may move at once: 16 bytes if both
// sides are aligned to it and every row is whole units, else half of that, and
// so on. A contiguous run that ends in less than a unit becomes two steps.
//===----------------------------------------------------------------------===//
#include "StepBuilder.h"
#include <algorithm>

namespace xfer::runtime {
namespace {

/// Casts whose kernels load and store words of several elements (CopyTile.h).
bool castsInWords(xfer_dtype_t from, xfer_dtype_t to) {
  auto isShort = [](xfer_dtype_t dtype) {
    return dtype == XFER_F32 || dtype == XFER_F16 || dtype == XFER_BF16;
  };
  return isShort(from) && (isShort(to) || to == XFER_F8E4M3FN || to == XFER_F8E5M2);
}

bool divides(int64_t unit, int64_t value) { return value % unit == 0; }

} // namespace

void StepBuilder::add(StepKind kind, const LoopNest &nest, int32_t tensor, xfer_dtype_t from,
                      Place packed, xfer_dtype_t to) {
  const bool isPack = kind == StepKind::Pack;
  const Place strided = {tensor, nest.offset * byteWidth(isPack ? from : to)};
  const Place source = isPack ? strided : packed, target = isPack ? packed : strided;
  addRun({.fromOffset = source.offset,
          .toOffset = target.offset,
          .fromBase = source.base,
          .toBase = target.base,
          .firstLoop = 0,
          .numLoops = 0,
          .fromDType = static_cast<uint8_t>(from),
          .toDType = static_cast<uint8_t>(to),
          .unitElements = 1,
          .kind = kind,
          .unused = 0},
         nest.loops, nest.numElements);
}

void StepBuilder::addRun(CopyStep step, std::span<const Loop> nest, int64_t numElements) {
  const auto from = static_cast<xfer_dtype_t>(step.fromDType);
  const auto to = static_cast<xfer_dtype_t>(step.toDType);
  const int64_t fromBytes = byteWidth(from), toBytes = byteWidth(to);
  const int64_t stridedBytes = step.kind == StepKind::Pack ? fromBytes : toBytes;
  const bool isCast = from != to;
  auto addressOf = [&](int32_t base, int64_t offset) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(bases[static_cast<size_t>(base)]) %
                                kUnitBytes) +
           offset;
  };
  const int64_t fromAddress = addressOf(step.fromBase, step.fromOffset);
  const int64_t toAddress = addressOf(step.toBase, step.toOffset);
  const bool isContiguous = nest.empty() || (nest.size() == 1 && nest[0].stride == 1);

  int64_t unit = kUnitBytes / std::max(fromBytes, toBytes);
  auto fits = [&] {
    if (!divides(unit * fromBytes, fromAddress) || !divides(unit * toBytes, toAddress))
      return false;
    if (isContiguous)
      return unit <= numElements;
    if (nest.back().stride != 1 || !divides(unit, nest.back().size))
      return false;
    return std::all_of(nest.begin(), nest.end() - 1,
                       [&](const Loop &loop) { return divides(unit, loop.stride); });
  };
  if (isCast && (!castsInWords(from, to) || !fits()))
    unit = 1;
  while (unit > 1 && !fits())
    unit /= 2;

  const int64_t numUnits = numElements / unit;
  step.unitElements = static_cast<uint8_t>(unit);
  step.firstLoop = static_cast<int32_t>(loops.size());
  if (isContiguous) {
    loops.push_back({numUnits, unit * stridedBytes});
  } else {
    for (const Loop &loop : nest.first(nest.size() - 1))
      loops.push_back({loop.size, loop.stride * stridedBytes});
    const Loop &row = nest.back();
    if (row.size > unit)
      loops.push_back({row.size / unit, row.stride * unit * stridedBytes});
  }
  step.numLoops = static_cast<int32_t>(loops.size()) - step.firstLoop;
  copies.push_back(step);
  addTiles(static_cast<int32_t>(copies.size() - 1), numUnits, unit * std::max(fromBytes, toBytes));

  if (const int64_t moved = numUnits * unit; moved < numElements) {
    step.fromOffset += moved * fromBytes;
    step.toOffset += moved * toBytes;
    const Loop rest = {numElements - moved, 1};
    addRun(step, {&rest, 1}, rest.size);
  }
}

void StepBuilder::fold(std::span<const Place> places, ReduceOp op, xfer_dtype_t dtype, Place to,
                       xfer_dtype_t toDType, int64_t numElements) {
  folds.push_back({.toOffset = to.offset,
                   .toBase = to.base,
                   .firstOperand = static_cast<int32_t>(operands.size()),
                   .numOperands = static_cast<int32_t>(places.size()),
                   .dtype = static_cast<uint8_t>(dtype),
                   .toDType = static_cast<uint8_t>(toDType),
                   .op = static_cast<uint8_t>(op),
                   .unused = 0});
  for (const Place &place : places)
    operands.push_back({place.offset, place.base, 0});
  addTiles(static_cast<int32_t>(folds.size() - 1), numElements,
           std::max(byteWidth(dtype), byteWidth(toDType)));
}

void StepBuilder::message(int64_t offset, int64_t bytes, uint64_t name) {
  const auto index = static_cast<int32_t>(messages.size());
  const auto firstTile = static_cast<int64_t>(tiles.size());
  addTiles(index, (bytes + kUnitBytes - 1) / kUnitBytes, kUnitBytes);
  messages.push_back(
      {offset, bytes, name, firstTile, static_cast<int64_t>(tiles.size()) - firstTile});
}

MessageRange StepBuilder::endMessages() {
  const MessageRange range = {static_cast<int64_t>(ended),
                              static_cast<int64_t>(messages.size() - ended), endLaunch()};
  ended = messages.size();
  return range;
}

void StepBuilder::addTiles(int32_t step, int64_t numUnits, int64_t unitBytes) {
  const int64_t tileUnits = kTileBytes / unitBytes;
  for (int64_t first = 0; first < numUnits; first += tileUnits)
    tiles.push_back({first, step, static_cast<int32_t>(std::min(tileUnits, numUnits - first))});
}

TileRange StepBuilder::endLaunch() {
  const TileRange range = {static_cast<int64_t>(launched),
                           static_cast<int64_t>(tiles.size() - launched)};
  launched = tiles.size();
  return range;
}

} // namespace xfer::runtime
