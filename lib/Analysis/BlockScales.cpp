//===- BlockScales.cpp - Do scales follow their weight's cuts -------------===//
#include "xfer/Analysis/BlockScales.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::Twine;

namespace xfer {
namespace {

class ScalesVerifier {
public:
  ScalesVerifier(const Module &module, OwnershipCache &ownerships, Diagnostics &diagnostics)
      : module(module), ownerships(ownerships), diagnostics(diagnostics) {}

  LogicalResult verify(const Tensor &scales);

private:
  LogicalResult verifySides(ArrayRef<Side> weights, ArrayRef<Side> scales);
  LogicalResult verifySide(const Side &weightSide, const Side &scalesSide);
  LogicalResult verifyIndex(size_t index, ArrayRef<Piece> weightPieces,
                            ArrayRef<Piece> scalesPieces, int64_t rank, const Side &weightSide,
                            const Side &scalesSide);
  int32_t meshOf(const Side &side) const { return module.layout(side.layout).mesh; }

  const Module &module;
  OwnershipCache &ownerships;
  Diagnostics &diagnostics;
  const Tensor *weight = nullptr, *scales = nullptr;
  SequenceInterner checked; ///< (ownership of the weight, of the scales, block...)
};

} // namespace

LogicalResult ScalesVerifier::verify(const Tensor &tensor) {
  scales = &tensor;
  weight = &module.tensors[tensor.scales->weight];
  if (weight->source && tensor.source && failed(verifySides(*weight->source, *tensor.source)))
    return failure();
  return verifySides(weight->targets, tensor.targets);
}

/// Pairs the sides on each mesh, in order.
LogicalResult ScalesVerifier::verifySides(ArrayRef<Side> weights, ArrayRef<Side> scaleSides) {
  SmallVector<bool, 4> isUsed(scaleSides.size(), false);
  for (const Side &weightSide : weights) {
    size_t match = 0;
    while (match < scaleSides.size() &&
           (isUsed[match] || meshOf(scaleSides[match]) != meshOf(weightSide)))
      ++match;
    if (match == scaleSides.size())
      return diagnostics.error(weightSide.loc, "'@" + weight->name + "' is on mesh '@" +
                                                   module.meshes[meshOf(weightSide)].name +
                                                   "' without its scales '@" + scales->name + "'");
    isUsed[match] = true;
    if (failed(verifySide(weightSide, scaleSides[match])))
      return failure();
  }
  auto unused = llvm::find(isUsed, false);
  if (unused == isUsed.end())
    return success();
  const Side &side = scaleSides[unused - isUsed.begin()];
  return diagnostics.error(
      side.loc, "'@" + scales->name + "' is on mesh '@" + module.meshes[meshOf(side)].name +
                    "' without the weight '@" + weight->name + "' that it scales");
}

LogicalResult ScalesVerifier::verifySide(const Side &weightSide, const Side &scalesSide) {
  int32_t weightId = ownerships.id(*weight, weightSide);
  int32_t scalesId = ownerships.id(*scales, scalesSide);
  SmallVector<int64_t, 8> key{weightId, scalesId};
  llvm::append_range(key, scales->scales->block);
  int32_t numChecked = checked.size();
  if (checked.intern(key) < numChecked)
    return success();
  const Ownership &held = ownerships[weightId], &scaled = ownerships[scalesId];
  if (held.blocks().size() != 1 || scaled.blocks().size() != 1)
    return diagnostics.error(scalesSide.loc, "block scales of a flattened tensor are unsupported");
  const OwnedBlock &heldBlock = held.blocks().front(), &scaledBlock = scaled.blocks().front();
  const Mesh &mesh = module.meshes[held.mesh()];
  SequenceInterner seen; // (cell of the weight, cell of the scales)
  for (int64_t position = 0; position < mesh.size(); ++position) {
    int64_t cell = held.cellOfPosition(position), scaledCell = scaled.cellOfPosition(position);
    int32_t numSeen = seen.size();
    if (seen.intern({cell, scaledCell}) < numSeen)
      continue;
    bool holds = held.mayOwn(cell, heldBlock), scales = scaled.mayOwn(scaledCell, scaledBlock);
    for (size_t i = 0; i < heldBlock.indices.size(); ++i) {
      auto pieces = [&](const Ownership &side, const OwnedBlock &block, int64_t at, bool owns) {
        const OwnedIndex &index = block.indices[i];
        ArrayRef<Piece> all = side.dims()[index.ownership].cellPieces(side.cellOf(index, at));
        return owns ? all : ArrayRef<Piece>();
      };
      if (failed(verifyIndex(i, pieces(held, heldBlock, cell, holds),
                             pieces(scaled, scaledBlock, scaledCell, scales), mesh.ranks[position],
                             weightSide, scalesSide)))
        return failure();
    }
  }
  return success();
}

/// Neighbouring pieces as one, whatever their place in memory.
static std::vector<Interval> merged(ArrayRef<Piece> pieces) {
  std::vector<Interval> result;
  for (const Piece &piece : pieces)
    if (!result.empty() && result.back().end == piece.begin)
      result.back().end = piece.end;
    else
      result.push_back({piece.begin, piece.end});
  return result;
}

static std::string toText(ArrayRef<Interval> intervals) {
  std::string text;
  for (const Interval &interval : intervals.take_front(4))
    text += (text.empty() ? "" : ", ") + std::to_string(interval.begin) + ":" +
            std::to_string(interval.end);
  return text.empty() ? "nothing" : text + (intervals.size() > 4 ? ", ..." : "");
}

LogicalResult ScalesVerifier::verifyIndex(size_t index, ArrayRef<Piece> weightPieces,
                                          ArrayRef<Piece> scalesPieces, int64_t rank,
                                          const Side &weightSide, const Side &scalesSide) {
  int64_t block = scales->scales->block[index], extent = weight->shape[index];
  std::vector<Interval> expected;
  for (const Interval &held : merged(weightPieces)) {
    if (held.begin % block || (held.end % block && held.end != extent))
      return diagnostics.error(weightSide.loc,
                               "rank " + Twine(rank) + " holds " + Twine(held.begin) + ":" +
                                   Twine(held.end) + " of d" + Twine(index) + " of '@" +
                                   weight->name + "', expected whole blocks of " + Twine(block) +
                                   ": '@" + scales->name + "' has one scale for each");
    expected.push_back({held.begin / block, (held.end + block - 1) / block});
  }
  std::vector<Interval> got = merged(scalesPieces);
  if (got == expected)
    return success();
  return diagnostics.error(scalesSide.loc, "rank " + Twine(rank) + " holds " + toText(got) +
                                               " of d" + Twine(index) + " of '@" + scales->name +
                                               "', but its blocks of '@" + weight->name +
                                               "' need " + toText(expected));
}

LogicalResult verifyBlockScales(const Module &module, OwnershipCache &ownerships,
                                Diagnostics &diagnostics) {
  ScalesVerifier verifier(module, ownerships, diagnostics);
  for (const Tensor &tensor : module.tensors)
    if (tensor.scales && failed(verifier.verify(tensor)))
      return failure();
  return success();
}

} // namespace xfer
