//===- Resolver.cpp - Names to what they name -----------------------------===//
//
// Entry point: resolve. A model has many sides and few layouts: a layout's
// text is given meaning once per mesh, and checked once per shape.
//===----------------------------------------------------------------------===//
#include "Resolver.h"

using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;
using Part = xfer::Problem::Part;

namespace xfer {
namespace {

class Resolver {
public:
  Resolver(ParserState &state, Diagnostics &diagnostics)
      : state(state), module(state.module), diagnostics(diagnostics) {}

  LogicalResult run();

private:
  LogicalResult errorAt(const char *position, const Twine &text) {
    return diagnostics.error(SMLoc::getFromPointer(position), text);
  }
  LogicalResult notDeclared(NameEntry &entry, const char *kind, StringRef name,
                            const char *position, bool isOtherKind);
  LogicalResult resolveSide(const SideStatement &statement);
  LogicalResult attachSide(const SideStatement &statement, Tensor &tensor, const Side &side);
  LogicalResult findLayout(const SideStatement &statement, const LayoutContext &context,
                           LayoutId &layout);
  LogicalResult checkSide(const SideStatement &statement, const LayoutContext &context,
                          const Tensor &tensor, const Side &side);
  LogicalResult parseLayout(const SideStatement &statement, LayoutSyntax &syntax);
  LogicalResult resolveOperations();
  LogicalResult resolveTensor(TensorId &tensor, SMLoc operation);
  LogicalResult resolveReductions();

  ParserState &state;
  Module &module;
  Diagnostics &diagnostics;

  SequenceInterner layoutKeys;         ///< (text, mesh, dimensions, isTarget)
  std::vector<LayoutId> layoutsByKey;  ///< kNone if it is wrong
  SequenceInterner checkedSides;       ///< (layout, types, isTarget, shape...)
};
} // namespace

/// Reports each wrong name once.
LogicalResult Resolver::notDeclared(NameEntry &entry, const char *kind, StringRef name,
                                    const char *position, bool isOtherKind) {
  if (entry.isReported)
    return failure();
  entry.isReported = true;
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
  int32_t key =
      layoutKeys.intern({statement.layoutText, context.meshId,
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

/// Checks each distinct combination of layout, shape and element types once, and so reports it once.
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
  const char *position = wrong->part == Part::DType ? statement.dtypePosition
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

LogicalResult Resolver::resolveSide(const SideStatement &statement) {
  NameEntry &tensorEntry = state.names[statement.tensorName];
  if (tensorEntry.tensor == kNone)
    return notDeclared(tensorEntry, "tensor", statement.tensor, statement.tensor.begin() - 1,
                       tensorEntry.mesh != kNone);
  NameEntry &meshEntry = state.names[statement.meshName];
  if (meshEntry.mesh == kNone)
    return notDeclared(meshEntry, "mesh", statement.mesh, statement.mesh.begin() - 1,
                       meshEntry.tensor != kNone);
  Tensor &tensor = module.tensors[tensorEntry.tensor];
  LayoutContext context{module.meshes[meshEntry.mesh], meshEntry.mesh, tensor.shape.size(),
                        statement.isTarget};
  Side side;
  side.dtype = statement.hasDType ? statement.dtype : tensor.dtype;
  side.loc = SMLoc::getFromPointer(statement.position);
  if (failed(findLayout(statement, context, side.layout)) ||
      failed(checkSide(statement, context, tensor, side)))
    return failure();
  return attachSide(statement, tensor, side);
}

LogicalResult Resolver::resolveTensor(TensorId &tensor, SMLoc operation) {
  NameEntry &entry = state.names[tensor];
  if (entry.tensor != kNone) {
    tensor = entry.tensor;
    return success();
  }
  if (entry.isReported)
    return failure();
  TokenStream tokens(operation.getPointer(), diagnostics);
  tokens.advance();
  return notDeclared(entry, "tensor", tokens.current().name(), tokens.current().begin,
                     entry.mesh != kNone);
}

LogicalResult Resolver::resolveOperations() {
  LogicalResult result = success();
  auto resolveAll = [&](auto &operations) {
    for (auto &operation : operations)
      if (failed(resolveTensor(operation.tensor, operation.loc)))
        result = failure();
  };
  resolveAll(module.routes);
  resolveAll(module.chunks);
  for (Program &program : module.programs)
    resolveAll(program.chunks);
  return result;
}

/// The reduction in an operation repeats the source's, for the reader; it may not say another.
LogicalResult Resolver::resolveReductions() {
  LogicalResult result = success();
  for (const ReduceUse &use : state.reduceUses) {
    const Tensor &tensor = module.tensors[state.names[use.tensorName].tensor];
    ReduceOp declared =
        tensor.source ? module.layout(tensor.source->layout).reduction : ReduceOp::None;
    if (declared == use.op)
      continue;
    if (declared == ReduceOp::None)
      result = errorAt(use.position, "tensor '@" + tensor.name + "' has no partial source");
    else
      result = errorAt(use.position, "expected '" + spelling(declared) + "', the reduction of '@" +
                                         tensor.name + "', got '" + spelling(use.op) + "'");
  }
  return result;
}

LogicalResult Resolver::run() {
  LogicalResult result = success();
  for (const SideStatement &statement : state.sides)
    if (failed(resolveSide(statement)))
      result = failure();
  if (failed(resolveOperations()) || failed(result))
    return failure();
  return resolveReductions();
}

LogicalResult resolve(ParserState &state, Diagnostics &diagnostics) {
  return Resolver(state, diagnostics).run();
}

} // namespace xfer
