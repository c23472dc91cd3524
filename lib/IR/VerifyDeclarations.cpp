//===- VerifyDeclarations.cpp - What declarations must satisfy ------------===//
//
// Entry point: verifyDeclarations. The rules are in DeclarationChecks.h; this
// file asks each of them once for each distinct combination of its inputs, so
// that ten thousand tensors with ten layouts cost ten layouts.
//===----------------------------------------------------------------------===//
#include "VerifyStorages.h"
#include "xfer/IR/StorageChecks.h"
#include "xfer/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;

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
  std::optional<Problem> checkSide(const Tensor &tensor, const Side &side, bool isTarget);

  const Module &module;
  Diagnostics &diagnostics;
  SequenceInterner checkedSides; ///< (layout, types, isTarget, shape...)
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
  if (auto wrong = checkLayout(layout, module.meshes[layout.mesh], dimExtents(tensor)))
    return wrong;
  if (!tensor.factors.empty())
    if (auto wrong = checkFlattening(ownView(tensor), ownShape(tensor), layout))
      return wrong;
  return checkStoredType(isTarget, side.dtype, tensor.dtype, layout.reduction, tensor.shape);
}

LogicalResult DeclarationVerifier::verifySide(const Tensor &tensor, const Side &side,
                                              bool isTarget) {
  if (side.storage != kNone)
    return success(); // verifyStorages
  if (side.layout < 0 || side.layout >= module.numLayouts())
    return diagnostics.error(side.loc, "a side of '@" + tensor.name + "' without a layout");
  SmallVector<int64_t, 8> key{side.layout, static_cast<int64_t>(side.dtype),
                              static_cast<int64_t>(tensor.dtype), isTarget};
  key.push_back(static_cast<int64_t>(tensor.shape.size()));
  key.append(tensor.shape);
  key.append(tensor.factors.begin(), tensor.factors.end());
  int32_t numChecked = checkedSides.size();
  if (checkedSides.intern(key) < numChecked)
    return success();
  if (auto wrong = checkSide(tensor, side, isTarget))
    return diagnostics.error(side.loc, wrong->text);
  return success();
}

/// Verifies:
/// - the shape (checkShape);
/// - each side's layout on its mesh (checkLayout), its casts and its reduction
///   (checkStoredType);
/// - block scales match their weight (checkScales).
LogicalResult DeclarationVerifier::verifyTensor(const Tensor &tensor) {
  if (auto wrong = checkShape(tensor.shape, tensor.dtype))
    return diagnostics.error(tensor.loc, wrong->text);
  if (tensor.source && failed(verifySide(tensor, *tensor.source, /*isTarget=*/false)))
    return failure();
  for (const Side &target : tensor.targets)
    if (failed(verifySide(tensor, target, /*isTarget=*/true)))
      return failure();
  if (!tensor.scales)
    return success();
  const BlockScale &scales = *tensor.scales;
  if (scales.weight < 0 || scales.weight >= static_cast<int32_t>(module.tensors.size()))
    return diagnostics.error(scales.loc, "scales of a tensor that is not declared");
  if (auto wrong = checkScales(tensor.shape, module.tensors[scales.weight].shape, scales.block))
    return diagnostics.error(scales.loc, wrong->text);
  return success();
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
  if (failed(result) || failed(verifyStorages(module, diagnostics)))
    return failure();
  return verifyMemoryNames(module, diagnostics);
}

LogicalResult verifyDeclarations(const Module &module, Diagnostics &diagnostics) {
  return DeclarationVerifier(module, diagnostics).run();
}

} // namespace xfer
