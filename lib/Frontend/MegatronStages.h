//===- MegatronStages.h - Where Megatron-Core's layers lie ------*- C++ -*-===//
//
// Ranks in the order tp-cp-ep-dp-pp, tp the fastest. Every pipeline stage is a
// mesh of its own, and so are the ranks of a stage that hold the same experts.
//===----------------------------------------------------------------------===//
#pragma once
#include "LayerStorages.h"

namespace xfer::frontend {

struct MegatronStages {
  /// Consecutive layers of one stage; with virtual stages a stage has several, each a module.
  struct Chunk {
    std::string name; ///< before the names of the module's parameters
    int64_t begin = 0, end = 0;
  };
  std::vector<Chunk> chunks; ///< in the order of the layers; chunk i is on stage i modulo pp
  std::vector<int64_t> meshes;
  std::vector<std::vector<int64_t>> expertMeshes; ///< by stage and coordinate on ep
};

/// Checks the sizes of the side against the model, and adds the meshes to `out`.
LogicalResult addMegatronStages(SideStorages &out, const Architecture &a, MegatronStages &stages);

} // namespace xfer::frontend
