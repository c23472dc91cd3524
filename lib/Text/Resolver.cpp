//===- Resolver.cpp - Names to what they name -----------------------------===//
#include "Resolver.h"

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

LogicalResult Resolver::parseLayout(const SideStatement &statement, LayoutSyntax &syntax) {
  if (!statement.layoutBegin)
    return success();
  StringRef text(statement.layoutBegin, statement.bufferEnd - statement.layoutBegin);
  TokenStream tokens(text, diagnostics);
  return parseLayoutSyntax(tokens, syntax);
}

LogicalResult Resolver::findLayout(const SideStatement &statement, const LayoutContext &context,
                                   LayoutId &layout) {
  int32_t key = layoutKeys.intern({statement.layoutText, context.meshId,
                                   static_cast<int64_t>(context.dimensions), statement.isTarget});
  if (key < static_cast<int32_t>(layoutsByKey.size())) {
    layout = layoutsByKey[key];
    return success(layout != kNone);
  }
  layoutsByKey.push_back(kNone);
  LayoutSyntax syntax;
  Layout meaning;
  if (failed(parseLayout(statement, syntax)) ||
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
  key.append(tensor.shape.begin(), tensor.shape.end());
  int32_t numChecked = checkedSides.size();
  if (checkedSides.intern(key) < numChecked)
    return success();
  const Layout &layout = module.layout(side.layout);
  std::optional<Problem> wrong = checkLayout(layout, context.mesh, tensor.shape);
  if (!wrong)
    wrong = statement.isTarget
                ? checkTarget(side.dtype, tensor.dtype, tensor.shape)
                : checkSource(side.dtype, tensor.dtype, layout.reduction, tensor.shape);
  if (!wrong)
    return success();
  LayoutSyntax syntax;
  if (failed(parseLayout(statement, syntax)))
    return failure();
  const char *position = wrong->part == Problem::Part::DType
                             ? statement.dtypePosition
                             : findPart(syntax, context, layout, *wrong);
  return errorAt(position ? position : statement.position, wrong->text);
}

LogicalResult Resolver::attachSide(const SideStatement &statement, Tensor &tensor,
                                   const Side &side) {
  if (statement.isTarget) {
    tensor.targets.push_back(side);
    return success();
  }
  if (tensor.source) {
    (void)errorAt(statement.position, "tensor '@" + tensor.name + "' has a source already");
    diagnostics.note(tensor.source->loc, "first declared here");
    return failure();
  }
  tensor.source = side;
  return success();
}

LogicalResult Resolver::resolveSide(const SideStatement &statement, TensorId tensorId,
                                    int32_t mesh) {
  Tensor &tensor = module.tensors[tensorId];
  LayoutContext context{module.meshes[mesh], mesh, tensor.shape.size(), statement.isTarget};
  Side side;
  side.dtype = statement.dtype.value_or(tensor.dtype);
  side.loc = SMLoc::getFromPointer(statement.position);
  if (failed(findLayout(statement, context, side.layout)) ||
      failed(checkSide(statement, context, tensor, side)))
    return failure();
  return attachSide(statement, tensor, side);
}

/// What follows a side that waits also waits, so that a tensor's targets keep their order.
LogicalResult Resolver::addSide(const SideStatement &statement) {
  if (delayedSides.empty()) {
    int32_t tensor = findTensor(statement.tensor), mesh = findMesh(statement.mesh);
    if (tensor != kNone && mesh != kNone)
      return resolveSide(statement, tensor, mesh);
  }
  delayedSides.push_back(statement);
  return success();
}

LogicalResult Resolver::resolveDelayedSide(const SideStatement &statement) {
  int32_t tensor = findTensor(statement.tensor), mesh = findMesh(statement.mesh);
  if (tensor == kNone)
    return notDeclared("tensor", statement.tensor, module.findMesh(statement.tensor) != kNone);
  if (mesh == kNone)
    return notDeclared("mesh", statement.mesh, module.findTensor(statement.mesh) != kNone);
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
    ReduceOp declared =
        tensor.source ? module.layout(tensor.source->layout).reduction : ReduceOp::None;
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

LogicalResult Resolver::finish() {
  LogicalResult result = success();
  for (const SideStatement &statement : delayedSides)
    if (failed(resolveDelayedSide(statement)))
      result = failure();
  if (failed(resolveOperations()) || failed(result))
    return failure();
  return resolveReductions();
}

} // namespace xfer
