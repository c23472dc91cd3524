//===- PlanPlaces.cpp - How messages name places of a plan ----------------===//
//===----------------------------------------------------------------------===//
#include "Plan.h"

namespace xfer::runtime {

std::string describeEnds(const xfer_plan &plan, const BucketStep &bucket) {
  const std::string sources =
      bucket.isReduce
          ? concat("{", listRanks(plan.contributorsOf(bucket).ranks), "} via ", bucket.sender)
          : std::to_string(bucket.sender);
  return concat(sources, " -> [", listRanks(plan.destinationsOf(bucket).ranks), "]");
}

std::string describeChunks(const xfer_plan &plan, const Program &program,
                           std::span<const ChunkStep> chunks) {
  constexpr size_t kMaxChunks = 8;
  std::string text;
  for (const ChunkStep &chunk : chunks.first(std::min(chunks.size(), kMaxChunks))) {
    const bool isTarget = chunk.targetBinding != kAbsent;
    const LoopNest &nest =
        plan.nests[static_cast<size_t>(isTarget ? chunk.targetNest : chunk.sourceNest)];
    std::string sizes, strides;
    for (const Loop &loop : nest.loops) {
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(loop.size);
      strides += (strides.empty() ? "" : ", ") + std::to_string(loop.stride);
    }
    const int32_t binding = isTarget ? chunk.targetBinding : chunk.sourceBinding;
    text += concat(text.empty() ? "" : ", ", "tensor '",
                   plan.tensors[static_cast<size_t>(chunk.tensor)].name, "' at offset ",
                   nest.offset, " sizes [", sizes, "] strides [", strides, "] of ",
                   isTarget ? "target '" : "source '", *program.binding(binding).name, "'");
  }
  if (chunks.size() > kMaxChunks)
    text += concat(" and ", chunks.size() - kMaxChunks, " chunks more");
  return text;
}

} // namespace xfer::runtime
