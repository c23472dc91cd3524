//===- OwnershipCache.cpp - Ownership of each side, once ------------------===//
#include "xfer/Analysis/Ownership.h"

using llvm::SmallVector;

namespace xfer {

int32_t OwnershipCache::id(const Tensor &tensor, const Side &side) {
  SmallVector<int64_t, 8> key{side.layout, side.view,
                              side.storage == kNone ? kNone : module.storages[side.storage].shape};
  key.append(tensor.shape.begin(), tensor.shape.end());
  if (side.storage == kNone)
    key.append(tensor.factors.begin(), tensor.factors.end());
  int32_t id = keys.intern(key);
  if (id == static_cast<int32_t>(ownerships.size()))
    ownerships.push_back(make(tensor, side));
  return id;
}

std::unique_ptr<Ownership> OwnershipCache::make(const Tensor &tensor, const Side &side) {
  const Layout &layout = module.layout(side.layout);
  auto newMemory = [&](const StorageShape &shape) {
    return std::make_shared<const Memory>(module.meshes[layout.mesh], layout, shape);
  };
  if (side.storage == kNone) {
    StorageShape shape = ownShape(tensor);
    return std::make_unique<Ownership>(module, tensor, side, newMemory(shape), shape);
  }
  StorageShapeId shapeId = module.storages[side.storage].shape;
  const StorageShape &shape = module.storageShape(shapeId);
  std::shared_ptr<const Memory> &memory = memories[{side.layout, shapeId}];
  if (!memory)
    memory = newMemory(shape);
  return std::make_unique<Ownership>(module, tensor, side, memory, shape);
}

int64_t OwnershipCache::position(int32_t mesh, int64_t rank) {
  if (positions.size() < module.meshes.size())
    positions.resize(module.meshes.size());
  auto &map = positions[mesh];
  if (!map) {
    map = std::make_unique<RankMap<int64_t>>();
    const std::vector<int64_t> &ranks = module.meshes[mesh].ranks;
    for (size_t i = 0; i < ranks.size(); ++i)
      map->try_emplace(ranks[i], static_cast<int64_t>(i));
  }
  auto found = map->find(rank);
  return found == map->end() ? -1 : found->second;
}

} // namespace xfer
