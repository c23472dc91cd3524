//===- ResolveStorage.cpp - Storages, views, aliases and scales -----------===//
//
// Gives views their meaning and the tensors in a storage their sides. What
// repeats from layer to layer, shapes, views and lists of views, is checked once.
//===----------------------------------------------------------------------===//
#include "Resolver.h"
#include "xfer/IR/StorageChecks.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

LogicalResult Resolver::addStorage(StorageStatement statement) {
  if (delayed.empty()) {
    int32_t mesh = findMesh(statement.layout.mesh);
    bool isKnown = llvm::all_of(statement.views, [&](const ViewStatement &view) {
      return findTensor(view.tensor) != kNone;
    });
    if (mesh != kNone && isKnown)
      return resolveStorage(statement, mesh);
  }
  delayed.emplace_back(std::move(statement));
  return success();
}

LogicalResult Resolver::resolveDelayed(const StorageStatement &statement) {
  StringRef meshName = statement.layout.mesh;
  int32_t mesh = findMesh(meshName);
  if (mesh == kNone)
    return notDeclared("mesh", meshName, module.findTensor(meshName) != kNone);
  LogicalResult result = success();
  for (const ViewStatement &view : statement.views)
    if (findTensor(view.tensor) == kNone)
      result = notDeclared("tensor", view.tensor, module.findMesh(view.tensor) != kNone);
  return failed(result) ? failure() : resolveStorage(statement, mesh);
}

/// Checks each distinct combination of shape, layout and element type once.
LogicalResult Resolver::checkStorage(const StorageStatement &statement,
                                     const LayoutContext &context, const Storage &storage) {
  int32_t numChecked = checkedStorages.size();
  if (checkedStorages.intern({storage.shape, storage.layout, static_cast<int64_t>(storage.dtype),
                              storage.isTarget}) < numChecked)
    return success();
  if (auto wrong = checkStorageShape(statement.shape, statement.dtype)) {
    size_t run = 0;
    for (int32_t d = 0; d <= wrong->index; ++d)
      for (int32_t p = 0; p < static_cast<int32_t>(statement.shape.dims[d].size()); ++p)
        if (d < wrong->index || p < wrong->split)
          run += statement.shape.dims[d][p].runs.size();
    return errorAt(statement.runPositions[run + wrong->axis], wrong->text);
  }
  const Layout &layout = module.layout(storage.layout);
  if (auto wrong = checkLayout(layout, context.mesh, statement.shape.partExtents(),
                               statement.shape.dimOfParts())) {
    LayoutSyntax syntax;
    if (failed(parseLayout(statement.layout, syntax)))
      return failure();
    const char *position = findPart(syntax, context, layout, *wrong);
    return errorAt(position ? position : statement.position, wrong->text);
  }
  return success();
}

/// The runs of a dimension that a tensor may lie in, by name.
class Resolver::RunNames {
public:
  explicit RunNames(const StorageDim &dim) {
    for (size_t p = 0; p < dim.size(); ++p)
      for (size_t r = 0; r < dim[p].runs.size(); ++r)
        if (dim[p].runs[r].kind == Run::Kind::Data)
          runs.push_back({dim[p].runs[r].name, {static_cast<int32_t>(p), static_cast<int32_t>(r)}});
    llvm::sort(runs, [](const Named &a, const Named &b) { return a.name < b.name; });
  }
  /// The run of that name; without one, the only run.
  std::optional<RunRef> find(StringRef name) const {
    if (name.empty())
      return runs.size() == 1 ? std::optional(runs.front().at) : std::nullopt;
    const Named *found =
        llvm::lower_bound(runs, name, [](const Named &run, StringRef to) { return run.name < to; });
    return found != runs.end() && found->name == name ? std::optional(found->at) : std::nullopt;
  }

private:
  struct Named {
    StringRef name;
    RunRef at;
  };
  SmallVector<Named, 4> runs;
};

/// Finds the run that holds index `index` of the dimension, and the index within that run.
static bool findIndex(int64_t index, const StorageDim &dim, ViewEntry &entry) {
  for (size_t p = 0; p < dim.size(); ++p) {
    if (index >= dim[p].extent()) {
      index -= dim[p].extent();
      continue;
    }
    StoragePart::RunIndex place = dim[p].locate(index);
    entry.at = {static_cast<int32_t>(p), place.run};
    entry.fixed = place.index;
    return true;
  }
  return false;
}

LogicalResult Resolver::resolveEntry(const EntrySyntax &syntax, const Tensor &tensor,
                                     const StorageDim &dim, const RunNames &names,
                                     ViewEntry &entry) {
  if (syntax.factors.empty()) {
    if (findIndex(syntax.fixed, dim, entry))
      return success();
    int64_t extent = 0;
    for (const StoragePart &part : dim)
      extent += part.extent();
    return errorAt(syntax.position, "index " + Twine(syntax.fixed) +
                                        " is out of range, the dimension has " + Twine(extent) +
                                        " indices");
  }
  std::optional<RunRef> at = names.find(syntax.run);
  if (!at) {
    SmallVector<StringRef, 4> known;
    for (const StoragePart &part : dim)
      for (const Run &run : part.runs)
        if (!run.name.empty())
          known.push_back(run.name);
    return errorAt(syntax.position,
                   syntax.run.empty()
                       ? "expected the name of a run: the dimension has not exactly one run"
                       : "the dimension has no run '" + syntax.run + "'" +
                             didYouMean(syntax.run, known));
  }
  entry.at = *at;
  if (syntax.hasTable && syntax.table.empty())
    return errorAt(syntax.position, "a table has at least one slot");
  if (syntax.hasTable)
    entry.table = module.saveTable(syntax.table);
  for (const FactorSyntax &from : syntax.factors) {
    if (from.index >= static_cast<int64_t>(tensor.shape.size()))
      return errorAt(from.position, "'@" + tensor.name + "' has no index d" + Twine(from.index) +
                                        ", it has " + Twine(tensor.shape.size()));
    ViewFactor &factor = entry.factors.emplace_back();
    factor.index = static_cast<int32_t>(from.index);
    factor.begin = from.begin;
    factor.end = from.hasSlice ? from.end : tensor.shape[factor.index];
  }
  return success();
}

LogicalResult Resolver::resolveView(const StorageStatement &statement,
                                    llvm::ArrayRef<RunNames> names,
                                    const ViewStatement &viewStatement, int32_t storageIndex) {
  Storage &storage = module.storages[storageIndex];
  TensorId tensorId = findTensor(viewStatement.tensor);
  Tensor &tensor = module.tensors[tensorId];
  View view;
  for (size_t e = 0; e < viewStatement.entries.size(); ++e) {
    if (e >= statement.shape.dims.size())
      break; // checkView's question
    if (failed(resolveEntry(viewStatement.entries[e], tensor, statement.shape.dims[e], names[e],
                            view.entries.emplace_back())))
      return failure();
  }
  view.entries.resize(viewStatement.entries.size());
  Side side;
  side.dtype = storage.dtype;
  side.layout = storage.layout;
  side.storage = storageIndex;
  side.view = module.intern(view);
  side.name = storage.name;
  side.loc = SMLoc::getFromPointer(viewStatement.position);

  ReduceOp reduction = module.layout(storage.layout).reduction;
  SmallVector<int64_t, 8> key{side.view,
                              storage.shape,
                              storage.isTarget,
                              static_cast<int64_t>(storage.dtype),
                              static_cast<int64_t>(tensor.dtype),
                              static_cast<int64_t>(reduction)};
  key.append(tensor.shape);
  int32_t numChecked = checkedViews.size();
  if (checkedViews.intern(key) == numChecked) {
    if (auto wrong = checkView(view, statement.shape, tensor.shape, storage.isTarget))
      return errorAt(wrong->part == Problem::Part::Entry
                         ? viewStatement.entries[wrong->index].position
                         : viewStatement.position,
                     wrong->text);
    if (auto wrong =
            checkStoredType(storage.isTarget, storage.dtype, tensor.dtype, reduction, tensor.shape))
      return errorAt(viewStatement.position, wrong->text);
  }
  storage.views.push_back({tensorId, side.view, side.loc});
  int32_t occurrences = numOccurrences(view);
  for (view.occurrence = 0; view.occurrence < occurrences; ++view.occurrence) {
    side.view = module.intern(view);
    if (failed(attachSide(storage.isTarget, tensor, side)))
      return failure();
  }
  return success();
}

LogicalResult Resolver::resolveStorage(const StorageStatement &statement, int32_t mesh) {
  SmallVector<int32_t, 4> partsPerDim;
  for (const StorageDim &dim : statement.shape.dims)
    partsPerDim.push_back(static_cast<int32_t>(dim.size()));
  LayoutContext context{module.meshes[mesh], mesh, statement.shape.dims.size(), statement.isTarget,
                        partsPerDim};
  Storage storage;
  storage.name = module.saveString(statement.name);
  storage.dtype = statement.dtype;
  storage.isTarget = statement.isTarget;
  storage.shape = module.intern(statement.shape);
  storage.loc = SMLoc::getFromPointer(statement.position);
  if (failed(findLayout(statement.layout, context, storage.layout)) ||
      failed(checkStorage(statement, context, storage)))
    return failure();
  auto index = static_cast<int32_t>(module.storages.size());
  module.storages.push_back(std::move(storage));
  SmallVector<RunNames, 3> names;
  for (const StorageDim &dim : statement.shape.dims)
    names.emplace_back(dim);
  LogicalResult result = success();
  for (const ViewStatement &view : statement.views)
    if (failed(resolveView(statement, names, view, index)))
      result = failure();
  return result; // whether the views fit together is the verifier's question
}

//===- Aliases and scales -------------------------------------------------===//

LogicalResult Resolver::addAlias(const AliasStatement &statement) {
  int32_t tensor = findTensor(statement.tensor);
  if (tensor != kNone)
    return resolveAlias(statement, tensor);
  delayedAliases.push_back(statement);
  return success();
}

/// An alias may be declared again if it says the same.
LogicalResult Resolver::resolveAlias(const AliasStatement &statement, TensorId tensor) {
  const char *position = statement.name.begin() - 1;
  if (module.tensors[tensor].name != statement.tensor)
    return errorAt(statement.tensor.begin() - 1, "'@" + statement.tensor + "' is an alias of '@" +
                                                     module.tensors[tensor].name +
                                                     "', expected a tensor");
  int32_t known = module.findTensor(statement.name);
  if (known != kNone && module.tensors[known].name == statement.name) {
    (void)errorAt(position, "'@" + statement.name + "' is already a tensor");
    diagnostics.note(module.tensors[known].loc, "first declared here");
    return failure();
  }
  if (known != kNone && known != tensor)
    return errorAt(position, "'@" + statement.name + "' is already an alias of '@" +
                                 module.tensors[known].name + "'");
  if (known == kNone)
    module.addAlias({statement.name, tensor, SMLoc::getFromPointer(statement.position)});
  return success();
}

LogicalResult Resolver::resolveAliases() {
  LogicalResult result = success();
  for (const AliasStatement &alias : delayedAliases) {
    int32_t tensor = findTensor(alias.tensor);
    if (tensor == kNone)
      result = notDeclared("tensor", alias.tensor, module.findMesh(alias.tensor) != kNone);
    else if (failed(resolveAlias(alias, tensor)))
      result = failure();
  }
  return result;
}

LogicalResult Resolver::resolveScales() {
  LogicalResult result = success();
  for (Tensor &tensor : module.tensors) {
    if (!tensor.scales)
      continue;
    BlockScale &scales = *tensor.scales;
    scales.weight = findTensor(scales.weightName);
    if (scales.weight == kNone)
      result = diagnostics.error(scales.loc, "tensor '@" + scales.weightName + "' is not declared");
    else if (auto wrong =
                 checkScales(tensor.shape, module.tensors[scales.weight].shape, scales.block))
      result = diagnostics.error(scales.loc, wrong->text);
  }
  return result;
}

} // namespace xfer
