//===- CheckDeclarations.cpp - What a declaration must satisfy ------------===//
//
// The rules of meshes, tensors, casts and reductions. CheckLayout.cpp has those
// of layouts.
//===----------------------------------------------------------------------===//
#include "xfer/IR/DeclarationChecks.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;
using Part = xfer::Problem::Part;

namespace xfer {

static Problem problem(Part part, size_t index, const Twine &text) {
  return {part, static_cast<int32_t>(index), 0, 0, text.str()};
}

std::optional<Problem> checkAxes(const Mesh &mesh) {
  if (mesh.axes.empty())
    return problem(Part::Whole, 0, "mesh '@" + mesh.name + "' has no axis");
  if (mesh.axes.size() > kMaxMeshAxes)
    return problem(Part::Axis, kMaxMeshAxes,
                   "mesh '@" + mesh.name + "' has more than " + Twine(kMaxMeshAxes) + " axes");
  int64_t product = 1;
  for (size_t i = 0; i < mesh.axes.size(); ++i) {
    StringRef name = mesh.axes[i].name;
    int64_t size = mesh.axes[i].size;
    if (mesh.axisIndex(name) != static_cast<int>(i))
      return problem(Part::Axis, i, "axis '" + name + "' is listed twice");
    if (size < 1)
      return problem(Part::Axis, i,
                     "axis '" + name + "' has size " + Twine(size) + ", expected at least 1");
    if (size > kMaxMeshRanks / product)
      return problem(Part::Axis, i,
                     "mesh '@" + mesh.name + "' has more than " + Twine(kMaxMeshRanks) +
                         " positions");
    product *= size;
  }
  return std::nullopt;
}

/// Returns the index of the first rank that was listed before, or the number of ranks.
static size_t findRepeatedRank(ArrayRef<int64_t> ranks) {
  if (std::is_sorted(ranks.begin(), ranks.end(), std::less_equal<int64_t>()))
    return ranks.size();
  std::vector<int64_t> sorted(ranks.begin(), ranks.end());
  std::sort(sorted.begin(), sorted.end());
  auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated == sorted.end())
    return ranks.size();
  const int64_t *first = std::find(ranks.begin(), ranks.end(), *repeated);
  return std::find(first + 1, ranks.end(), *repeated) - ranks.begin();
}

std::optional<Problem> checkRanks(const Mesh &mesh) {
  int64_t positions = 1;
  for (const MeshAxis &axis : mesh.axes)
    positions *= axis.size;
  if (mesh.size() != positions)
    return problem(Part::Ranks, 0,
                   "mesh '@" + mesh.name + "' has " + Twine(positions) + " positions, but " +
                       Twine(mesh.size()) + " ranks");
  for (size_t i = 0; i < mesh.ranks.size(); ++i)
    if (mesh.ranks[i] < 0)
      return problem(Part::Rank, i, "rank " + Twine(mesh.ranks[i]) + " is negative");
  size_t repeated = findRepeatedRank(mesh.ranks);
  if (repeated != mesh.ranks.size())
    return problem(Part::Rank, repeated,
                   "rank " + Twine(mesh.ranks[repeated]) + " is listed twice in mesh '@" +
                       mesh.name + "'");
  return std::nullopt;
}

std::optional<Problem> checkShape(ArrayRef<int64_t> shape, DType dtype) {
  if (shape.size() > kMaxDims)
    return problem(Part::Extent, kMaxDims,
                   Twine(shape.size()) + " dimensions, expected at most " + Twine(kMaxDims));
  int64_t bytes = byteWidth(dtype);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0)
      return problem(Part::Extent, i, "dimension " + Twine(i) + " has extent " + Twine(shape[i]));
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(shape[i], 1), &bytes))
      return problem(Part::Extent, i,
                     "a tensor of this shape has more than 9223372036854775807 bytes of '" +
                         spelling(dtype) + "'");
  }
  return std::nullopt;
}

std::optional<Problem> checkScales(ArrayRef<int64_t> shape, ArrayRef<int64_t> weight,
                                   ArrayRef<int64_t> block) {
  if (block.size() != weight.size())
    return problem(Part::Whole, 0,
                   "a block has " + Twine(block.size()) + " sizes, but the weight has " +
                       Twine(weight.size()) + " indices");
  if (shape.size() != weight.size())
    return problem(Part::Whole, 0,
                   "the scales have " + Twine(shape.size()) + " indices, but the weight has " +
                       Twine(weight.size()));
  for (size_t i = 0; i < block.size(); ++i) {
    if (block[i] < 1)
      return problem(Part::Whole, 0, "a block size of " + Twine(block[i]));
    int64_t expected = weight[i] / block[i] + (weight[i] % block[i] != 0);
    if (shape[i] != expected)
      return problem(Part::Extent, i,
                     "expected " + Twine(expected) + " scales for the " + Twine(weight[i]) +
                         " elements of d" + Twine(i) + " in blocks of " + Twine(block[i]) +
                         ", got " + Twine(shape[i]));
  }
  return std::nullopt;
}

static std::optional<Problem> checkStored(DType stored, ArrayRef<int64_t> shape) {
  std::optional<Problem> tooLarge = checkShape(shape, stored);
  if (tooLarge)
    tooLarge->part = Part::DType;
  return tooLarge;
}

static Problem badCast(StringRef what, DType from, DType to) {
  return problem(Part::DType, 0,
                 "cannot cast " + what + " from '" + spelling(from) + "' to '" + spelling(to) +
                     "', only float to float and integer to float");
}

std::optional<Problem> checkStoredType(bool isTarget, DType stored, DType dtype, ReduceOp reduction,
                                       ArrayRef<int64_t> shape) {
  if (isTarget && reduction != ReduceOp::None)
    return problem(Part::Reduction, 0, "a target cannot be partial");
  if (reduction != ReduceOp::None && !canReduce(reduction, stored))
    return problem(Part::Reduction, 0,
                   "'" + spelling(reduction) + "' is not defined for '" + spelling(stored) + "'");
  if (!isTarget && !canCast(stored, dtype))
    return badCast("the source", stored, dtype);
  if (isTarget && !canCast(dtype, stored))
    return badCast("to the target", dtype, stored);
  return checkStored(stored, shape);
}

} // namespace xfer
