//===- CheckLayout.cpp - What a layout must satisfy -----------------------===//
//
// Entry point: checkLayout. Extents are folded through the cuts of a dimension
// as a set of distinct values: a rule makes few distinct sizes of one extent,
// found at the coordinates where its formula changes, never by enumeration.
//===----------------------------------------------------------------------===//
#include "xfer/IR/DeclarationChecks.h"
#include "xfer/IR/SplitRules.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;
using Part = xfer::Problem::Part;

namespace xfer {
namespace {

/// A part of an axis that a split uses already.
struct UsedAxis {
  AxisRef axis;
  int32_t dimension;
};

class LayoutCheck {
public:
  LayoutCheck(const Layout &layout, const Mesh &mesh, ArrayRef<int64_t> shape,
              ArrayRef<int32_t> dimOfParts)
      : layout(layout), mesh(mesh), shape(shape), dimOfParts(dimOfParts) {}

  std::optional<Problem> run();

private:
  Problem problem(Part part, const Twine &text) const {
    return {part, dimension, splitIndex, axisIndex, text.str()};
  }
  StringRef axisName(int32_t axis) const { return mesh.axes[axis].name; }
  /// The dimension that `part` belongs to.
  int32_t dimOf(int32_t part) const { return dimOfParts.empty() ? part : dimOfParts[part]; }

  std::optional<Problem> checkAxis(const AxisRef &axis);
  std::optional<Problem> checkSplit(const Split &split);
  std::optional<Problem> checkExtents(const DimLayout &dim);
  std::optional<Problem> checkPartial();

  const Layout &layout;
  const Mesh &mesh;
  ArrayRef<int64_t> shape;
  ArrayRef<int32_t> dimOfParts;
  int32_t dimension = 0, splitIndex = 0, axisIndex = 0;
  SmallVector<UsedAxis, 4> used;
};
} // namespace

static bool areDisjoint(const AxisRef &a, const AxisRef &b) {
  if (a.axis != b.axis)
    return true;
  if (a == b)
    return false;
  return b.preSize % (a.preSize * a.size) == 0 || a.preSize % (b.preSize * b.size) == 0;
}

std::optional<Problem> LayoutCheck::checkAxis(const AxisRef &axis) {
  if (axis.axis < 0 || axis.axis >= static_cast<int32_t>(mesh.axes.size()))
    return problem(Part::SplitAxis, "mesh '@" + mesh.name + "' has no axis " + Twine(axis.axis));
  int64_t axisSize = mesh.axes[axis.axis].size;
  StringRef name = axisName(axis.axis);
  if (axis.preSize < 1 || axis.size < 1)
    return problem(Part::SplitAxis, "sub-axis '" + name + ":(" + Twine(axis.preSize) + ")" +
                                        Twine(axis.size) + "' expects sizes of at least 1");
  if (axis.preSize > axisSize / axis.size || axisSize % (axis.preSize * axis.size))
    return problem(Part::SplitAxis, "sub-axis '" + name + ":(" + Twine(axis.preSize) + ")" +
                                        Twine(axis.size) + "' does not divide axis '" + name +
                                        "' of size " + Twine(axisSize));
  for (const UsedAxis &other : used) {
    bool isOtherPart = other.dimension != dimension && dimOf(other.dimension) == dimOf(dimension);
    if (!isOtherPart && !areDisjoint(other.axis, axis))
      return problem(Part::SplitAxis,
                     "axis '" + name + "' already cuts dimension " + Twine(dimOf(other.dimension)));
  }
  // One entry for all parts of a dimension that the axis cuts: the latest is the only one to ask
  // of.
  for (UsedAxis &other : used)
    if (other.axis == axis && dimOf(other.dimension) == dimOf(dimension)) {
      other.dimension = dimension;
      return std::nullopt;
    }
  used.push_back({axis, dimension});
  return std::nullopt;
}

/// Verifies what does not depend on the extent.
std::optional<Problem> LayoutCheck::checkSplit(const Split &split) {
  axisIndex = 0;
  if (split.axes.empty())
    return problem(Part::Split, "a split without an axis");
  for (const AxisRef &axis : split.axes) {
    if (auto wrong = checkAxis(axis))
      return wrong;
    ++axisIndex;
  }
  if ((split.rule == SplitRule::Strided || split.rule == SplitRule::Cyclic) && split.factor < 1)
    return problem(Part::SplitValue, (split.rule == SplitRule::Strided ? "'strided'" : "'cyclic'") +
                                         Twine(" expects a factor of at least 1, got ") +
                                         Twine(split.factor));
  int64_t pieces = split.numPieces();
  if (split.rule == SplitRule::Sizes && static_cast<int64_t>(split.sizes.size()) != pieces)
    return problem(Part::SplitValue, "'sizes' expects one size for each of " + Twine(pieces) +
                                         " pieces, got " + Twine(split.sizes.size()));
  for (int64_t size : split.sizes)
    if (size < 0)
      return problem(Part::SplitValue, "'sizes' has the negative size " + Twine(size));
  return std::nullopt;
}

/// Appends the sizes that the pieces of `extent` have: the formula of each rule is constant between
/// the coordinates tried here.
static void appendPieceSizes(const Split &split, int64_t extent, SmallVector<int64_t, 8> &sizes) {
  if (split.rule == SplitRule::Sizes) {
    sizes.append(split.sizes.begin(), split.sizes.end());
    return;
  }
  int64_t pieces = split.numPieces();
  SmallVector<int64_t, 8> changes{0, pieces - 1};
  auto addChunk = [&](int64_t n) {
    int64_t piece = n / pieces + (n % pieces != 0);
    changes.push_back(piece ? n / piece : 0);
  };
  switch (split.rule) {
  case SplitRule::Strided: {
    int64_t piece = extent / split.factor + (extent % split.factor != 0);
    addChunk(piece);
    addChunk(piece ? extent % piece : 0);
    break;
  }
  case SplitRule::Cyclic: {
    __int128 period = static_cast<__int128>(pieces) * split.factor;
    changes.push_back(static_cast<int64_t>(extent % period) / split.factor);
    break;
  }
  case SplitRule::Balanced:
    changes.push_back(extent % pieces);
    break;
  default:
    addChunk(extent);
  }
  for (int64_t change : changes)
    for (int64_t coordinate : {change - 1, change, change + 1})
      if (coordinate >= 0 && coordinate < pieces)
        sizes.push_back(pieceSize(split, extent, coordinate));
}

std::optional<Problem> LayoutCheck::checkExtents(const DimLayout &dim) {
  SmallVector<int64_t, 8> extents{shape[dimension]};
  for (splitIndex = 0; splitIndex < static_cast<int32_t>(dim.size()); ++splitIndex) {
    const Split &split = dim[splitIndex];
    for (int64_t extent : extents) {
      if (holdsFor(split, extent))
        continue;
      if (split.rule == SplitRule::Exact)
        return problem(Part::Split, "'exact' cannot cut an extent of " + Twine(extent) + " into " +
                                        Twine(split.numPieces()) + " equal pieces");
      return problem(Part::SplitValue,
                     "'sizes' do not add up to the extent of " + Twine(extent) + " that they cut");
    }
    SmallVector<int64_t, 8> pieces;
    for (int64_t extent : extents)
      appendPieceSizes(split, extent, pieces);
    llvm::sort(pieces);
    pieces.erase(llvm::unique(pieces), pieces.end());
    extents = std::move(pieces);
  }
  int64_t intervals = maxIntervals(dim, shape[dimension]);
  if (intervals > kMaxIntervals) {
    splitIndex = static_cast<int32_t>(dim.size()) - 1;
    return problem(Part::Split, "dimension " + Twine(dimOf(dimension)) + " is cut into up to " +
                                    Twine(intervals) + " intervals, expected at most " +
                                    Twine(kMaxIntervals));
  }
  return std::nullopt;
}

std::optional<Problem> LayoutCheck::checkPartial() {
  if (layout.reduction == ReduceOp::None && !layout.partialAxes.empty())
    return problem(Part::Whole, "contributions without a reduction");
  if (layout.reduction != ReduceOp::None && layout.partialAxes.empty())
    return problem(Part::Whole, "a reduction without an axis of contributions");
  int32_t previous = -1;
  dimension = 0;
  for (int32_t axis : layout.partialAxes) {
    if (axis < 0 || axis >= static_cast<int32_t>(mesh.axes.size()))
      return problem(Part::PartialAxis, "mesh '@" + mesh.name + "' has no axis " + Twine(axis));
    if (axis <= previous)
      return problem(Part::PartialAxis, "axis '" + axisName(axis) + "' is listed twice");
    for (const UsedAxis &other : used)
      if (other.axis.axis == axis)
        return problem(Part::PartialAxis, "axis '" + axisName(axis) +
                                              "' cannot hold contributions, it cuts dimension " +
                                              Twine(dimOf(other.dimension)));
    previous = axis;
    ++dimension;
  }
  return std::nullopt;
}

std::optional<Problem> LayoutCheck::run() {
  if (layout.dims.size() != shape.size())
    return problem(Part::Dimensions, "layout lists " + Twine(layout.dims.size()) +
                                         " dimensions, but the tensor has " + Twine(shape.size()));
  for (const DimLayout &dim : layout.dims) {
    for (splitIndex = 0; splitIndex < static_cast<int32_t>(dim.size()); ++splitIndex)
      if (auto wrong = checkSplit(dim[splitIndex]))
        return wrong;
    ++dimension;
  }
  dimension = 0;
  for (const DimLayout &dim : layout.dims) {
    if (auto wrong = checkExtents(dim))
      return wrong;
    ++dimension;
  }
  return checkPartial();
}

std::optional<Problem> checkLayout(const Layout &layout, const Mesh &mesh, ArrayRef<int64_t> shape,
                                   ArrayRef<int32_t> dimOfParts) {
  return LayoutCheck(layout, mesh, shape, dimOfParts).run();
}

} // namespace xfer
