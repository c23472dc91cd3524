//===- PlanSize.cpp - How large a plan file becomes -----------------------===//
#include "PlanSize.h"
#include "xfer/plan_generated.h"

namespace xfer {

/// At most what the bindings need: one for each name and local shape, and an entry for each rank.
static int64_t bindingBytes(const Module &module, Bindings &all) {
  llvm::DenseMap<const Memory *, int64_t> numShapes;
  int64_t bytes = 0;
  for (size_t m = 0; m < all.memories().size(); ++m) {
    const BoundMemory &bound = all.memories()[m];
    const Memory &memory = all.memoryOf(static_cast<int32_t>(m));
    size_t numRanks = module.meshes[module.layout(bound.layout).mesh].ranks.size();
    auto [known, isNew] = numShapes.try_emplace(&memory);
    if (isNew) {
      SequenceInterner shapes;
      for (size_t position = 0; position < numRanks; ++position)
        shapes.intern(memory.shape(static_cast<int64_t>(position)));
      known->second = shapes.size();
    }
    int64_t numHolders = std::min<int64_t>(numRanks, module.programs.size());
    bytes += static_cast<int64_t>(bound.name.size()) + 64 +
             std::min(known->second, numHolders) * 160 +
             numHolders * static_cast<int64_t>(sizeof(fb::Zeros) + sizeof(uint32_t));
  }
  return bytes;
}

int64_t estimatePlanBytes(const Module &module, Bindings &all) {
  int64_t bytes = (1 << 20) + bindingBytes(module, all);
  for (const Tensor &tensor : module.tensors)
    bytes += static_cast<int64_t>(tensor.name.size()) + 64;
  for (const Program &program : module.programs)
    bytes += static_cast<int64_t>(program.chunks.size() *
                                      (sizeof(fb::Chunk) + sizeof(fb::LogicalChunk)) +
                                  program.buckets.size() * sizeof(fb::Bucket) +
                                  program.windows.size() * sizeof(fb::Window) + 200);
  for (int32_t i = 0; i < module.numRankLists(); ++i)
    bytes += static_cast<int64_t>(module.rankList(i).size() * 8 + 32);
  for (int32_t i = 0; i < module.numRegions(); ++i)
    bytes += static_cast<int64_t>(module.region(i).dims.size() * sizeof(fb::Segment) + 32);
  return bytes + int64_t(module.numStridedRegions()) * 160;
}

} // namespace xfer
