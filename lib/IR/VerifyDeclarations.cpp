//===- VerifyDeclarations.cpp - What declarations must satisfy ------------===//
//
// Entry point: verifyDeclarations. The rules are in DeclarationChecks.h; this
// file asks each of them once for each distinct combination of its inputs, so
// that ten thousand tensors with ten layouts cost ten layouts.
//===----------------------------------------------------------------------===//
#include "xfer/IR/DeclarationChecks.h"
#include "xfer/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include <map>

using llvm::SmallVector;
using llvm::SMLoc;
using llvm::Twine;

namespace xfer {
namespace {

class DeclarationVerifier {
public:
  DeclarationVerifier(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics) {}

  LogicalResult run();

private:
  LogicalResult verifyMesh(const Mesh &mesh);
  LogicalResult verifyTensor(const Tensor &tensor);
  LogicalResult verifySide(const Tensor &tensor, const Side &side, bool isTarget);
  LogicalResult verifyTargets(const Tensor &tensor);
  std::optional<Problem> checkSide(const Tensor &tensor, const Side &side, bool isTarget);
  bool isFirst(llvm::ArrayRef<int64_t> key) {
    int32_t before = checked.size();
    return checked.intern(key) == before;
  }
  const int64_t *findSharedRank(int32_t meshA, int32_t meshB);
  llvm::ArrayRef<int64_t> sortedRanks(int32_t mesh);

  const Module &module;
  Diagnostics &diagnostics;
  SequenceInterner checked; ///< combinations that were found right
  std::vector<std::vector<int64_t>> sortedRanksByMesh;
  struct MeshPair {
    int32_t a, b;
    auto operator<=>(const MeshPair &) const = default;
  };
  std::map<MeshPair, const int64_t *> sharedRanks;
};
} // namespace

/// Verifies: checkAxes, checkRanks.
LogicalResult DeclarationVerifier::verifyMesh(const Mesh &mesh) {
  std::optional<Problem> wrong = checkAxes(mesh);
  if (!wrong)
    wrong = checkRanks(mesh);
  return wrong ? diagnostics.error(mesh.loc, wrong->text) : success();
}

std::optional<Problem> DeclarationVerifier::checkSide(const Tensor &tensor, const Side &side,
                                                      bool isTarget) {
  const Layout &layout = module.layout(side.layout);
  if (layout.mesh < 0 || layout.mesh >= static_cast<int32_t>(module.meshes.size()))
    return Problem{Problem::Part::Whole, 0, 0, 0, "a side on a mesh that is not declared"};
  if (auto wrong = checkLayout(layout, module.meshes[layout.mesh], tensor.shape))
    return wrong;
  if (!isTarget)
    return checkSource(side.dtype, tensor.dtype, layout.reduction, tensor.shape);
  if (layout.reduction != ReduceOp::None)
    return Problem{Problem::Part::Reduction, 0, 0, 0, "a target cannot be partial"};
  return checkTarget(side.dtype, tensor.dtype, tensor.shape);
}

LogicalResult DeclarationVerifier::verifySide(const Tensor &tensor, const Side &side,
                                              bool isTarget) {
  if (side.layout < 0 || side.layout >= module.numLayouts())
    return diagnostics.error(side.loc, "a side of '@" + tensor.name + "' without a layout");
  SmallVector<int64_t, 8> key{side.layout, static_cast<int64_t>(side.dtype),
                              static_cast<int64_t>(tensor.dtype), isTarget};
  key.append(tensor.shape.begin(), tensor.shape.end());
  if (!isFirst(key))
    return success();
  if (auto wrong = checkSide(tensor, side, isTarget))
    return diagnostics.error(side.loc, wrong->text);
  return success();
}

llvm::ArrayRef<int64_t> DeclarationVerifier::sortedRanks(int32_t mesh) {
  if (sortedRanksByMesh.empty())
    sortedRanksByMesh.resize(module.meshes.size());
  std::vector<int64_t> &sorted = sortedRanksByMesh[mesh];
  if (sorted.empty()) {
    sorted = module.meshes[mesh].ranks;
    llvm::sort(sorted);
  }
  return sorted;
}

/// Returns a rank that both meshes have, or null.
const int64_t *DeclarationVerifier::findSharedRank(int32_t meshA, int32_t meshB) {
  auto [known, isNew] = sharedRanks.try_emplace({meshA, meshB}, nullptr);
  if (!isNew)
    return known->second;
  llvm::ArrayRef<int64_t> a = sortedRanks(meshA), b = sortedRanks(meshB);
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j])
      return known->second = &a[i];
    a[i] < b[j] ? ++i : ++j;
  }
  return nullptr;
}

/// Verifies:
/// - no rank holds two targets of one tensor.
LogicalResult DeclarationVerifier::verifyTargets(const Tensor &tensor) {
  for (size_t i = 1; i < tensor.targets.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const int64_t *shared = findSharedRank(module.layout(tensor.targets[j].layout).mesh,
                                             module.layout(tensor.targets[i].layout).mesh);
      if (!shared)
        continue;
      (void)diagnostics.error(tensor.targets[i].loc, "rank " + Twine(*shared) +
                                                         " holds two targets of '@" + tensor.name +
                                                         "'");
      diagnostics.note(tensor.targets[j].loc, "the other one is here");
      return failure();
    }
  return success();
}

/// Verifies:
/// - the shape (checkShape);
/// - each side's layout on its mesh (checkLayout), its casts and its reduction (checkSource,
///   checkTarget); a target has no contributions;
/// - no rank holds two targets.
LogicalResult DeclarationVerifier::verifyTensor(const Tensor &tensor) {
  if (auto wrong = checkShape(tensor.shape, tensor.dtype))
    return diagnostics.error(tensor.loc, wrong->text);
  if (tensor.source && failed(verifySide(tensor, *tensor.source, /*isTarget=*/false)))
    return failure();
  for (const Side &target : tensor.targets)
    if (failed(verifySide(tensor, target, /*isTarget=*/true)))
      return failure();
  return verifyTargets(tensor);
}

LogicalResult DeclarationVerifier::run() {
  LogicalResult result = success();
  for (const Mesh &mesh : module.meshes)
    if (failed(verifyMesh(mesh)))
      result = failure();
  if (failed(result))
    return failure();
  for (const Tensor &tensor : module.tensors)
    if (failed(verifyTensor(tensor)))
      result = failure();
  return result;
}

LogicalResult verifyDeclarations(const Module &module, Diagnostics &diagnostics) {
  return DeclarationVerifier(module, diagnostics).run();
}

} // namespace xfer
