//===- VllmStages.h - Where vLLM's layers lie -------------------*- C++ -*-===//
//
// Ranks are [dp, pp, tp]. The ranks of a pipeline stage are a mesh, and another one
// as experts see them if those are placed otherwise.
//===----------------------------------------------------------------------===//
#pragma once
#include "LayerStorages.h"

namespace xfer::frontend {

struct VllmStage {
  int64_t beginLayer = 0, endLayer = 0;
  int64_t mesh = 0, expertMesh = 0;
};

/// Checks the sizes of the side against the model, and adds the meshes to `out`.
LogicalResult addVllmStages(SideStorages &out, const Architecture &a,
                            std::vector<VllmStage> &stages);

} // namespace xfer::frontend
