//===- Resolver.cpp - Names to what they name -----------------------------===//
#include "Resolver.h"
#include "xfer/IR/MeshRanks.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

int32_t Resolver::findTensor(StringRef name) {
  if (name == lastTensorName)
    return lastTensor;
  int32_t tensor = module.findTensor(name);
  if (tensor != kNone) {
    lastTensorName = name;
    lastTensor = tensor;
  }
  return tensor;
}

int32_t Resolver::findMesh(StringRef name) {
  if (name == lastMeshName)
    return lastMesh;
  int32_t mesh = module.findMesh(name);
  if (mesh != kNone) {
    lastMeshName = name;
    lastMesh = mesh;
  }
  return mesh;
}

LogicalResult Resolver::notDeclared(const char *kind, StringRef name, bool isOtherKind) {
  if (!reportedNames.try_emplace(name, true).second)
    return failure();
  const char *position = name.begin() - 1;
  if (isOtherKind)
    return errorAt(position, "'@" + name + "' is not a " + kind);
  return errorAt(position, Twine(kind) + " '@" + name + "' is not declared");
}

LogicalResult Resolver::parseLayout(const LayoutClause &clause, LayoutSyntax &syntax) {
  if (!clause.begin)
    return success();
  StringRef text(clause.begin, clause.bufferEnd - clause.begin);
  TokenStream tokens(text, diagnostics);
  return parseLayoutSyntax(tokens, syntax);
}

LogicalResult Resolver::findLayout(const LayoutClause &clause, const LayoutContext &context,
                                   LayoutId &layout) {
  llvm::SmallVector<int64_t, 8> code{clause.text, context.meshId, context.isTarget,
                                     static_cast<int64_t>(context.dimensions)};
  code.append(context.partsPerDim.begin(), context.partsPerDim.end());
  int32_t key = layoutKeys.intern(code);
  if (key < static_cast<int32_t>(layoutsByKey.size())) {
    layout = layoutsByKey[key];
    return success(layout != kNone);
  }
  layoutsByKey.push_back(kNone);
  LayoutSyntax syntax;
  Layout meaning;
  if (failed(parseLayout(clause, syntax)) ||
      failed(resolveLayout(syntax, context, diagnostics, meaning)))
    return failure();
  layout = layoutsByKey[key] = module.intern(meaning);
  return success();
}

/// Checks each distinct combination of layout, shape and element types once, and so reports it
/// once, at its first token that is wrong.
LogicalResult Resolver::checkSide(const SideStatement &statement, const LayoutContext &context,
                                  const Tensor &tensor, const Side &side) {
  llvm::SmallVector<int64_t, 8> key{side.layout, static_cast<int64_t>(side.dtype),
                                    static_cast<int64_t>(tensor.dtype), statement.isTarget};
  key.push_back(static_cast<int64_t>(tensor.shape.size()));
  key.append(tensor.shape);
  key.append(tensor.factors.begin(), tensor.factors.end());
  int32_t numChecked = checkedSides.size();
  if (checkedSides.intern(key) < numChecked)
    return success();
  const Layout &layout = module.layout(side.layout);
  std::optional<Problem> wrong = checkLayout(layout, context.mesh, dimExtents(tensor));
  if (!wrong)
    wrong = checkStoredType(statement.isTarget, side.dtype, tensor.dtype, layout.reduction,
                            tensor.shape);
  if (!wrong)
    return success();
  LayoutSyntax syntax;
  if (failed(parseLayout(statement.layout, syntax)))
    return failure();
  const char *position = wrong->part == Problem::Part::DType
                             ? statement.dtypePosition
                             : findPart(syntax, context, layout, *wrong);
  return errorAt(position ? position : statement.position, wrong->text);
}

LogicalResult Resolver::attachSide(bool isTarget, Tensor &tensor, const Side &side) {
  if (isTarget) {
    tensor.targets.push_back(side);
    return success();
  }
  if (tensor.source) {
    (void)diagnostics.error(side.loc, "tensor '@" + tensor.name + "' has a source already");
    diagnostics.note(tensor.source->loc, "first declared here");
    return failure();
  }
  tensor.source = side;
  return success();
}

LogicalResult Resolver::resolveSide(const SideStatement &statement, TensorId tensorId,
                                    int32_t mesh) {
  Tensor &tensor = module.tensors[tensorId];
  size_t dimensions = tensor.factors.empty() ? tensor.shape.size() : tensor.factors.size();
  LayoutContext context{module.meshes[mesh], mesh, dimensions, statement.isTarget};
  Side side;
  side.dtype = statement.dtype.value_or(tensor.dtype);
  side.name = statement.tensor == tensor.name ? tensor.name : module.saveString(statement.tensor);
  side.loc = SMLoc::getFromPointer(statement.position);
  if (failed(findLayout(statement.layout, context, side.layout)) ||
      failed(checkSide(statement, context, tensor, side)))
    return failure();
  return attachSide(statement.isTarget, tensor, side);
}

/// What follows a statement that waits also waits, so that a tensor's targets keep their order.
LogicalResult Resolver::addSide(const SideStatement &statement) {
  if (delayed.empty()) {
    int32_t tensor = findTensor(statement.tensor), mesh = findMesh(statement.layout.mesh);
    if (tensor != kNone && mesh != kNone)
      return resolveSide(statement, tensor, mesh);
  }
  delayed.emplace_back(statement);
  return success();
}

LogicalResult Resolver::resolveDelayed(const SideStatement &statement) {
  StringRef meshName = statement.layout.mesh;
  int32_t tensor = findTensor(statement.tensor), mesh = findMesh(meshName);
  if (tensor == kNone)
    return notDeclared("tensor", statement.tensor, module.findMesh(statement.tensor) != kNone);
  if (mesh == kNone)
    return notDeclared("mesh", meshName, module.findTensor(meshName) != kNone);
  return resolveSide(statement, tensor, mesh);
}

TensorId Resolver::useTensor(StringRef name) {
  int32_t tensor = findTensor(name);
  if (tensor != kNone)
    return tensor;
  int32_t number = static_cast<int32_t>(delayedNames.size());
  auto [entry, isNew] = delayedTensors.try_emplace(name, number);
  if (isNew)
    delayedNames.push_back(name);
  return kNone - 1 - entry->second;
}

LogicalResult Resolver::resolveOperations() {
  LogicalResult result = success();
  std::vector<TensorId> tensors;
  for (StringRef name : delayedNames) {
    tensors.push_back(findTensor(name));
    if (tensors.back() == kNone)
      result = notDeclared("tensor", name, module.findMesh(name) != kNone);
  }
  auto replaceIn = [&](auto &operations) {
    for (auto &operation : operations)
      if (operation.tensor < kNone)
        operation.tensor = tensors[kNone - 1 - operation.tensor];
  };
  if (failed(result) || tensors.empty())
    return result;
  replaceIn(module.routes);
  replaceIn(module.chunks);
  for (Program &program : module.programs)
    replaceIn(program.chunks);
  replaceIn(reductions);
  return success();
}

/// The reduction in an operation repeats the source's, for the reader; it may not say another.
LogicalResult Resolver::resolveReductions() {
  LogicalResult result = success();
  for (const Reduction &reduction : reductions) {
    const Tensor &tensor = module.tensors[reduction.tensor];
    ReduceOp declared = module.reductionOf(tensor);
    if (declared == reduction.op)
      continue;
    if (declared == ReduceOp::None)
      result = errorAt(reduction.position, "tensor '@" + tensor.name + "' has no partial source");
    else
      result =
          errorAt(reduction.position, "expected '" + spelling(declared) + "', the reduction of '@" +
                                          tensor.name + "', got '" + spelling(reduction.op) + "'");
  }
  return result;
}

/// In the order of the text, but a tensor's own memory before storages, as they are printed.
void Resolver::orderTargets() {
  for (Tensor &tensor : module.tensors)
    if (tensor.targets.size() > 1)
      llvm::stable_sort(tensor.targets,
                        [](const Side &a, const Side &b) { return a.storage < b.storage; });
}

/// Operations were read with the number of a copy: the target is that one of those whose mesh has
/// their first destination.
LogicalResult Resolver::resolveTargetIndices() {
  MeshRanks ranks(module);
  auto holds = [&](const Side &side, int64_t rank) {
    return ranks.contains(module.layout(side.layout).mesh, rank);
  };
  auto resolveIn = [&](auto &operations) {
    for (auto &operation : operations) {
      const Tensor &tensor = module.tensors[operation.tensor];
      int32_t copy = operation.targetIndex;
      if (tensor.targets.size() < 2 && copy == 0)
        continue;
      int64_t rank = module.rankList(operation.ends.destinations).front();
      size_t index = 0;
      for (; index < tensor.targets.size(); ++index)
        if (holds(tensor.targets[index], rank) && copy-- == 0)
          break;
      if (index == tensor.targets.size() && operation.targetIndex > 0)
        return diagnostics.error(operation.loc, "rank " + Twine(rank) + " has no copy " +
                                                    Twine(operation.targetIndex) + " of '@" +
                                                    tensor.name + "'");
      operation.targetIndex = index == tensor.targets.size() ? 0 : static_cast<int32_t>(index);
    }
    return success();
  };
  if (failed(resolveIn(module.routes)) || failed(resolveIn(module.chunks)))
    return failure();
  for (Program &program : module.programs)
    if (failed(resolveIn(program.chunks)))
      return failure();
  return success();
}

LogicalResult Resolver::finish() {
  LogicalResult result = resolveAliases();
  for (const auto &statement : delayed)
    if (failed(std::visit([&](const auto &each) { return resolveDelayed(each); }, statement)))
      result = failure();
  if (failed(resolveScales()) || failed(resolveOperations()) || failed(result))
    return failure();
  orderTargets();
  if (failed(resolveTargetIndices()))
    return failure();
  return resolveReductions();
}

} // namespace xfer
