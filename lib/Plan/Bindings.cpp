//===- Bindings.cpp - What a rank binds -----------------------------------===//
#include "Bindings.h"

namespace xfer {

const Memory *Bindings::memoryOf(LayoutId layoutId, const StorageShape &shape) {
  llvm::SmallVector<int64_t, 8> key{layoutId};
  for (const StorageDim &dim : shape.dims) {
    key.push_back(static_cast<int64_t>(dim.size()));
    for (const StoragePart &part : dim)
      key.push_back(part.extent());
  }
  int32_t id = memoryKeys.intern(key);
  if (id == static_cast<int32_t>(distinct.size())) {
    const Layout &layout = module.layout(layoutId);
    distinct.emplace_back(module.meshes[layout.mesh], layout, shape);
  }
  return &distinct[id];
}

/// Adds a tensor's own memory; a storage is added once, apart.
int32_t Bindings::add(const Tensor &tensor, const Side &side, bool isTarget) {
  if (side.storage != kNone)
    return kNone;
  list.push_back({side.name, side.dtype, isTarget, side.layout, kNone,
                  memoryOf(side.layout, ownShape(tensor))});
  return static_cast<int32_t>(list.size()) - 1;
}

Bindings::Bindings(const Module &module) : module(module) {
  for (const Tensor &tensor : module.tensors) {
    sources.push_back(add(tensor, *tensor.source, /*isTarget=*/false));
    firstTarget.push_back(targets.size());
    for (const Side &side : tensor.targets)
      targets.push_back(add(tensor, side, /*isTarget=*/true));
  }
  auto firstStorage = static_cast<int32_t>(list.size());
  for (size_t s = 0; s < module.storages.size(); ++s) {
    const Storage &storage = module.storages[s];
    list.push_back({storage.name, storage.dtype, storage.isTarget, storage.layout,
                    static_cast<int32_t>(s),
                    memoryOf(storage.layout, module.storageShape(storage.shape))});
  }
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    const Tensor &tensor = module.tensors[t];
    if (tensor.source->storage != kNone)
      sources[t] = firstStorage + tensor.source->storage;
    for (size_t i = 0; i < tensor.targets.size(); ++i)
      if (tensor.targets[i].storage != kNone)
        targets[firstTarget[t] + i] = firstStorage + tensor.targets[i].storage;
  }
}

} // namespace xfer
