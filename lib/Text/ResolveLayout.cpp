//===- ResolveLayout.cpp - The meaning of a layout's text -----------------===//
//
// Turns names into axes and `placements` into splits: one entry per mesh axis,
// in mesh order, each cutting what the entries before it left of its dimension.
//===----------------------------------------------------------------------===//
#include "ResolveLayout.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;
using Kind = xfer::PlacementSyntax::Kind;
using Part = xfer::Problem::Part;

namespace xfer {
namespace {

class LayoutResolver {
public:
  LayoutResolver(const LayoutSyntax &syntax, const LayoutContext &context, Diagnostics &diagnostics,
                 Layout &layout)
      : syntax(syntax), context(context), diagnostics(diagnostics), layout(layout) {}

  LogicalResult run();

private:
  LogicalResult errorAt(const char *position, const Twine &text) {
    return diagnostics.error(SMLoc::getFromPointer(position), text);
  }
  LogicalResult findAxis(StringRef name, int32_t &axis);
  LogicalResult resolveSplit(const SplitSyntax &from, Split &to);
  LogicalResult resolvePlacements();
  LogicalResult resolvePlacement(const PlacementSyntax &placement, int32_t axis);
  LogicalResult checkParts();
  LogicalResult resolvePartial();

  const LayoutSyntax &syntax;
  const LayoutContext &context;
  Diagnostics &diagnostics;
  Layout &layout;
};
} // namespace

LogicalResult LayoutResolver::findAxis(StringRef name, int32_t &axis) {
  axis = context.mesh.axisIndex(name);
  if (axis >= 0)
    return success();
  SmallVector<StringRef, 4> names;
  for (const MeshAxis &candidate : context.mesh.axes)
    names.push_back(candidate.name);
  return errorAt(name.begin(), "mesh '@" + context.mesh.name + "' has no axis '" + name + "'" +
                                   didYouMean(name, names));
}

LogicalResult LayoutResolver::resolveSplit(const SplitSyntax &from, Split &to) {
  to.rule = from.rule;
  to.factor = from.factor;
  to.sizes = from.sizes;
  for (const AxisSyntax &axis : from.axes) {
    AxisRef &ref = to.axes.emplace_back();
    if (failed(findAxis(axis.name, ref.axis)))
      return failure();
    ref.preSize = axis.preSize;
    ref.size = axis.isSubAxis ? axis.size : context.mesh.axes[ref.axis].size;
  }
  return success();
}

LogicalResult LayoutResolver::resolvePlacement(const PlacementSyntax &placement, int32_t axis) {
  if (placement.kind == Kind::Replicate)
    return success();
  if (placement.kind == Kind::Partial) {
    if (context.isTarget)
      return errorAt(placement.position, "a target cannot be partial");
    if (layout.reduction != ReduceOp::None && layout.reduction != placement.op)
      return errorAt(placement.valuePosition, "a source has one reduction, got '" +
                                                  spelling(placement.op) + "' after '" +
                                                  spelling(layout.reduction) + "'");
    layout.reduction = placement.op;
    layout.partialAxes.push_back(axis);
    return success();
  }
  if (placement.dimension >= static_cast<int64_t>(context.dimensions))
    return errorAt(placement.valuePosition, "dimension " + Twine(placement.dimension) +
                                                " is out of range, the tensor has " +
                                                Twine(context.dimensions) + " dimensions");
  Split split;
  if (placement.kind == Kind::StridedShard)
    split.rule = SplitRule::Strided;
  split.factor = placement.factor;
  split.axes.push_back({axis, 1, context.mesh.axes[axis].size});
  layout.dims[placement.dimension].push_back(std::move(split));
  return success();
}

LogicalResult LayoutResolver::resolvePlacements() {
  if (syntax.placements.size() != context.mesh.axes.size())
    return errorAt(syntax.position, "expected one placement for each of the " +
                                        Twine(context.mesh.axes.size()) + " axes of mesh '@" +
                                        context.mesh.name + "', got " +
                                        Twine(syntax.placements.size()));
  for (size_t i = 0; i < context.partsPerDim.size(); ++i)
    if (context.partsPerDim[i] != 1)
      return errorAt(syntax.position, "placements cannot cut dimension " + Twine(i) +
                                          ", which has " + Twine(context.partsPerDim[i]) +
                                          " parts: write 'split'");
  layout.dims.resize(context.dimensions);
  for (size_t i = 0; i < syntax.placements.size(); ++i)
    if (failed(resolvePlacement(syntax.placements[i], static_cast<int32_t>(i))))
      return failure();
  return success();
}

/// Verifies that the cuts name the parts of every dimension, which are one but for a storage.
LogicalResult LayoutResolver::checkParts() {
  if (syntax.partsPerDim.size() != context.dimensions)
    return success(); // checkLayout's question
  for (size_t i = 0; i < context.dimensions; ++i) {
    int32_t expected = context.partsPerDim.empty() ? 1 : context.partsPerDim[i];
    if (syntax.partsPerDim[i] != expected)
      return errorAt(syntax.position, "dimension " + Twine(i) + " has " + Twine(expected) +
                                          (expected == 1 ? " part" : " parts") + ", but 'split' cuts " +
                                          Twine(syntax.partsPerDim[i]));
  }
  return success();
}

LogicalResult LayoutResolver::resolvePartial() {
  if (!syntax.partialPosition)
    return success();
  if (context.isTarget)
    return errorAt(syntax.partialPosition, "a target cannot be partial");
  if (syntax.form == LayoutSyntax::Form::Placements)
    return errorAt(syntax.partialPosition,
                   "with placements, a reduction is written as the placement 'partial(" +
                       spelling(syntax.op) + ")'");
  layout.reduction = syntax.op;
  for (StringRef name : syntax.partialAxes)
    if (failed(findAxis(name, layout.partialAxes.emplace_back())))
      return failure();
  llvm::sort(layout.partialAxes);
  return success();
}

LogicalResult LayoutResolver::run() {
  layout.mesh = context.meshId;
  if (syntax.form == LayoutSyntax::Form::Placements) {
    if (failed(resolvePlacements()))
      return failure();
  } else if (syntax.form == LayoutSyntax::Form::Absent) {
    size_t numParts = context.dimensions;
    for (int32_t parts : context.partsPerDim)
      numParts += parts - 1;
    layout.dims.resize(numParts);
  } else {
    if (failed(checkParts()))
      return failure();
    for (const DimSyntax &dim : syntax.dims) {
      DimLayout &to = layout.dims.emplace_back();
      for (const SplitSyntax &split : dim)
        if (failed(resolveSplit(split, to.emplace_back())))
          return failure();
    }
  }
  return resolvePartial();
}

LogicalResult resolveLayout(const LayoutSyntax &syntax, const LayoutContext &context,
                            Diagnostics &diagnostics, Layout &layout) {
  return LayoutResolver(syntax, context, diagnostics, layout).run();
}

/// The placement that became split `splitIndex` of `dimension`.
static const PlacementSyntax *findPlacement(const LayoutSyntax &syntax, int64_t dimension,
                                            int32_t splitIndex) {
  for (const PlacementSyntax &placement : syntax.placements) {
    bool splits = placement.kind == Kind::Shard || placement.kind == Kind::StridedShard;
    if (splits && placement.dimension == dimension && splitIndex-- == 0)
      return &placement;
  }
  return nullptr;
}

static const char *findSplitPart(const LayoutSyntax &syntax, const Problem &problem) {
  if (syntax.form == LayoutSyntax::Form::Placements) {
    const PlacementSyntax *placement = findPlacement(syntax, problem.index, problem.split);
    if (!placement)
      return syntax.position;
    return problem.part == Part::SplitValue ? placement->factorPosition : placement->position;
  }
  const SplitSyntax &split = syntax.dims[problem.index][problem.split];
  if (problem.part == Part::SplitAxis)
    return split.axes[problem.axis].name.begin();
  return problem.part == Part::SplitValue ? split.valuePosition : split.position;
}

static const char *findPartialAxis(const LayoutSyntax &syntax, StringRef name) {
  const char *position = syntax.partialPosition;
  for (StringRef axis : syntax.partialAxes)
    if (axis == name)
      position = axis.begin();
  return position;
}

/// The first placement `partial(op)`, or the operation of the clause `partial<op>`.
static const char *findReduction(const LayoutSyntax &syntax) {
  for (const PlacementSyntax &placement : syntax.placements)
    if (placement.kind == Kind::Partial)
      return placement.valuePosition;
  return syntax.opPosition;
}

const char *findPart(const LayoutSyntax &syntax, const LayoutContext &context, const Layout &layout,
                     const Problem &problem) {
  switch (problem.part) {
  case Part::Dimensions:
    return syntax.position;
  case Part::Split:
  case Part::SplitAxis:
  case Part::SplitValue:
    return findSplitPart(syntax, problem);
  case Part::Reduction:
    return findReduction(syntax);
  case Part::PartialAxis:
    return findPartialAxis(syntax, context.mesh.axes[layout.partialAxes[problem.index]].name);
  default:
    return nullptr;
  }
}

} // namespace xfer
