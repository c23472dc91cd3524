//===- VerifyStorages.cpp - What storages must satisfy --------------------===//
//
// Each rule is asked once for each distinct combination of its inputs: a model
// has many layers and few kinds of storages.
//===----------------------------------------------------------------------===//
#include "VerifyStorages.h"
#include "xfer/IR/StorageChecks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

class StorageVerifier {
public:
  StorageVerifier(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics) {}

  LogicalResult verify(const Storage &storage);

private:
  LogicalResult verifyView(const Storage &storage, const StorageView &view);
  LogicalResult verifyViews(const Storage &storage);

  const Module &module;
  Diagnostics &diagnostics;
  SequenceInterner checkedStorages; ///< (shape, layout, type, isTarget)
  SequenceInterner checkedViews;    ///< (view, shape, isTarget, types, layout, indices...)
  SequenceInterner checkedLists;    ///< (shape, isTarget, views...)
};
} // namespace

/// Verifies:
/// - the storage has a shape, and a layout on a declared mesh; a target has no contributions;
/// - checkStorageShape, checkLayout;
/// - each of its views, then all together.
LogicalResult StorageVerifier::verify(const Storage &storage) {
  if (storage.shape < 0 || storage.shape >= module.numStorageShapes() || storage.layout < 0 ||
      storage.layout >= module.numLayouts())
    return diagnostics.error(storage.loc, "a storage without a shape or a layout");
  const StorageShape &shape = module.storageShape(storage.shape);
  const Layout &layout = module.layout(storage.layout);
  int32_t numChecked = checkedStorages.size();
  if (checkedStorages.intern({storage.shape, storage.layout, static_cast<int64_t>(storage.dtype),
                              storage.isTarget}) == numChecked) {
    if (layout.mesh < 0 || layout.mesh >= static_cast<int32_t>(module.meshes.size()))
      return diagnostics.error(storage.loc, "a storage on a mesh that is not declared");
    if (storage.isTarget && layout.reduction != ReduceOp::None)
      return diagnostics.error(storage.loc, "a target cannot be partial");
    if (auto wrong = checkStorageShape(shape, storage.dtype))
      return diagnostics.error(storage.loc, wrong->text);
    if (auto wrong = checkLayout(layout, module.meshes[layout.mesh], shape.partExtents(),
                                 shape.dimOfParts()))
      return diagnostics.error(storage.loc, wrong->text);
  }
  for (const StorageView &view : storage.views)
    if (failed(verifyView(storage, view)))
      return failure();
  return verifyViews(storage);
}

LogicalResult StorageVerifier::verifyView(const Storage &storage, const StorageView &declared) {
  if (declared.tensor < 0 || declared.tensor >= static_cast<int32_t>(module.tensors.size()) ||
      declared.view < 0 || declared.view >= module.numViews())
    return diagnostics.error(declared.loc, "a view without a tensor");
  const Tensor &tensor = module.tensors[declared.tensor];
  ReduceOp reduction = module.layout(storage.layout).reduction;
  SmallVector<int64_t, 12> key{declared.view,
                               storage.shape,
                               storage.isTarget,
                               static_cast<int64_t>(storage.dtype),
                               static_cast<int64_t>(tensor.dtype),
                               static_cast<int64_t>(reduction),
                               storage.layout};
  key.append(tensor.shape);
  int32_t numChecked = checkedViews.size();
  if (checkedViews.intern(key) < numChecked)
    return success();
  auto wrong = checkView(module.view(declared.view), module.storageShape(storage.shape),
                         tensor.shape, storage.isTarget);
  if (!wrong)
    wrong = checkFlattening(module.view(declared.view), module.storageShape(storage.shape),
                            module.layout(storage.layout));
  if (!wrong)
    wrong = checkStoredType(storage.isTarget, storage.dtype, tensor.dtype, reduction, tensor.shape);
  return wrong ? diagnostics.error(declared.loc, wrong->text) : success();
}

LogicalResult StorageVerifier::verifyViews(const Storage &storage) {
  SmallVector<int64_t, 32> key{storage.shape, storage.isTarget};
  SmallVector<const View *, 32> views;
  for (const StorageView &view : storage.views) {
    key.push_back(view.view);
    views.push_back(&module.view(view.view));
  }
  int32_t numChecked = checkedLists.size();
  if (checkedLists.intern(key) < numChecked)
    return success();
  std::optional<ViewsFault> fault =
      checkViews(views, module.storageShape(storage.shape), storage.isTarget);
  if (!fault)
    return success();
  if (fault->view < 0)
    return diagnostics.error(storage.loc, "element " + fault->element + " of storage '@" +
                                              storage.name +
                                              "' is in no view: every element of a target is in "
                                              "one, or in 'pad' or 'zero'");
  (void)diagnostics.error(storage.views[fault->view].loc, "the view overlaps another at " +
                                                              fault->element + " of storage '@" +
                                                              storage.name + "'");
  diagnostics.note(storage.views[fault->other].loc, "the other view is here");
  return failure();
}

LogicalResult verifyStorages(const Module &module, Diagnostics &diagnostics) {
  StorageVerifier verifier(module, diagnostics);
  LogicalResult result = success();
  for (const Storage &storage : module.storages)
    if (failed(verifier.verify(storage)))
      result = failure();
  return result;
}

namespace {
/// A source or a target that ranks of a mesh hold under one name.
struct Memory {
  int32_t mesh = kNone;
  SMLoc loc;
};

/// A rank and the number of a memory that it holds.
struct Holder {
  int64_t rank;
  size_t memory;
  auto operator<=>(const Holder &) const = default;
};
} // namespace

/// Compares the ranks of memories of one name, once for each distinct list of meshes.
static LogicalResult verifyMemories(const Module &module, llvm::ArrayRef<Memory> memories,
                                    StringRef name, bool isTarget, SequenceInterner &checked,
                                    Diagnostics &diagnostics) {
  SmallVector<int64_t, 4> meshes;
  for (const Memory &memory : memories)
    meshes.push_back(memory.mesh);
  int32_t numChecked = checked.size();
  if (memories.size() < 2 || checked.intern(meshes) < numChecked)
    return success();
  std::vector<Holder> holders;
  for (size_t i = 0; i < memories.size(); ++i)
    for (int64_t rank : module.meshes[memories[i].mesh].ranks)
      holders.push_back({rank, i});
  llvm::sort(holders);
  auto first =
      std::adjacent_find(holders.begin(), holders.end(),
                         [](const Holder &a, const Holder &b) { return a.rank == b.rank; });
  if (first == holders.end())
    return success();
  (void)diagnostics.error(memories[first[1].memory].loc,
                          "rank " + Twine(first->rank) + " holds two " +
                              (isTarget ? "targets" : "sources") + " of '@" + name + "'");
  diagnostics.note(memories[first->memory].loc, "the other one is here");
  return failure();
}

LogicalResult verifyMemoryNames(const Module &module, Diagnostics &diagnostics) {
  using Memories = SmallVector<Memory, 2>;
  SequenceInterner checked;
  auto addOwn = [&](const Tensor &tensor, const Side &side, Memories &memories) {
    if (side.storage == kNone && side.name == tensor.name)
      memories.push_back({module.layout(side.layout).mesh, side.loc});
  };
  // Tensors have names of their own: only storages and aliases can share one.
  llvm::MapVector<StringRef, Memories> shared[2];
  for (const Tensor &tensor : module.tensors) {
    if (tensor.source && tensor.source->storage == kNone && tensor.source->name != tensor.name)
      shared[0][tensor.source->name].push_back(
          {module.layout(tensor.source->layout).mesh, tensor.source->loc});
    if (tensor.targets.empty() ||
        (tensor.targets.size() == 1 && tensor.targets.front().name.data() == tensor.name.data()))
      continue;
    Memories memories;
    for (const Side &side : tensor.targets) {
      addOwn(tensor, side, memories);
      if (side.storage == kNone && side.name != tensor.name)
        shared[1][side.name].push_back({module.layout(side.layout).mesh, side.loc});
    }
    if (failed(verifyMemories(module, memories, tensor.name, true, checked, diagnostics)))
      return failure();
  }
  for (const Storage &storage : module.storages)
    shared[storage.isTarget][storage.name].push_back(
        {module.layout(storage.layout).mesh, storage.loc});
  for (bool isTarget : {false, true})
    for (auto &[name, memories] : shared[isTarget]) {
      int32_t id = module.findTensor(name);
      if (id != kNone && module.tensors[id].name == name) { // not an alias
        const Tensor &tensor = module.tensors[id];
        if (isTarget)
          for (const Side &side : tensor.targets)
            addOwn(tensor, side, memories);
        else if (tensor.source)
          addOwn(tensor, *tensor.source, memories);
      }
      if (failed(verifyMemories(module, memories, name, isTarget, checked, diagnostics)))
        return failure();
    }
  return success();
}

} // namespace xfer
