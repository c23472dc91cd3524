//===- Bindings.cpp - What a rank binds -----------------------------------===//
#include "Bindings.h"

namespace xfer {

const Memory &Bindings::memoryOf(int32_t number) {
  const BoundMemory &bound = list[number];
  const StorageShape *shape = nullptr;
  llvm::SmallVector<int64_t, 8> key{bound.layout};
  if (bound.storage != kNone) {
    shape = &module.storageShape(module.storages[bound.storage].shape);
    for (const StorageDim &dim : shape->dims) {
      key.push_back(-static_cast<int64_t>(dim.size())); // an extent is not negative
      for (const StoragePart &part : dim)
        key.push_back(part.extent());
    }
  } else {
    llvm::append_range(key, dimExtents(module.tensors[bound.tensor]));
  }
  int32_t id = memoryKeys.intern(key);
  if (id == static_cast<int32_t>(distinct.size())) {
    const Layout &layout = module.layout(bound.layout);
    const Mesh &mesh = module.meshes[layout.mesh];
    distinct.emplace_back(mesh, layout, shape ? *shape : ownShape(module.tensors[bound.tensor]));
  }
  return distinct[id];
}

/// Adds a tensor's own memory; a storage is added once, apart.
int32_t Bindings::add(TensorId tensor, const Side &side, bool isTarget) {
  if (side.storage != kNone)
    return kNone;
  list.push_back({side.name, side.dtype, isTarget, side.layout, tensor, kNone});
  return static_cast<int32_t>(list.size()) - 1;
}

Bindings::Bindings(const Module &module) : module(module) {
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    auto tensor = static_cast<TensorId>(t);
    sources.push_back(add(tensor, *module.tensors[t].source, /*isTarget=*/false));
    firstTarget.push_back(targets.size());
    for (const Side &side : module.tensors[t].targets)
      targets.push_back(add(tensor, side, /*isTarget=*/true));
  }
  auto firstStorage = static_cast<int32_t>(list.size());
  for (size_t s = 0; s < module.storages.size(); ++s) {
    const Storage &storage = module.storages[s];
    list.push_back({storage.name, storage.dtype, storage.isTarget, storage.layout, kNone,
                    static_cast<int32_t>(s)});
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
