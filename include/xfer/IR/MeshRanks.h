//===- MeshRanks.h - Which mesh has which ranks -----------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"
#include "llvm/ADT/DenseSet.h"

namespace xfer {

/// Answers after the first about a mesh cost a lookup. Borrows the module, whose meshes must not
/// change. Not for several threads at once.
class MeshRanks {
public:
  explicit MeshRanks(const Module &module) : module(module) {}

  bool contains(int32_t mesh, int64_t rank) {
    byMesh.resize(module.meshes.size());
    llvm::DenseSet<uint64_t> &ranks = byMesh[mesh]; // unsigned: no rank is a key that marks a slot
    if (ranks.empty())
      ranks.insert(module.meshes[mesh].ranks.begin(), module.meshes[mesh].ranks.end());
    return ranks.contains(static_cast<uint64_t>(rank));
  }

private:
  const Module &module;
  std::vector<llvm::DenseSet<uint64_t>> byMesh; ///< empty until needed
};

} // namespace xfer
