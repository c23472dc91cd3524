//===- ReadTables.cpp - What the programs of a plan share -----------------===//
#include "PlanReader.h"

using llvm::Twine;

namespace xfer {

/// Verifies that the plan numbers and types the tensors as its declarations do.
LogicalResult PlanReader::readTensors() {
  if (sizeOf(plan->tensors()) != module->tensors.size())
    return error("has " + Twine(sizeOf(plan->tensors())) + " tensors, but its declarations " +
                 Twine(module->tensors.size()));
  for (size_t t = 0; t < module->tensors.size(); ++t) {
    const fb::Tensor &from = *at(plan->tensors(), t);
    const Tensor &expected = module->tensors[t];
    if (llvm::StringRef name = from.name()->string_view(); name != expected.name)
      return error("tensor " + Twine(t) + " is '" + name + "', expected '" + expected.name + "'");
    if (static_cast<unsigned>(from.dtype()) != static_cast<unsigned>(expected.dtype))
      return error("tensor '" + expected.name + "' has element type " +
                   Twine(static_cast<unsigned>(from.dtype())) + ", expected " +
                   Twine(static_cast<unsigned>(expected.dtype)) + " for " +
                   spelling(expected.dtype));
  }
  return success();
}

LogicalResult PlanReader::readRegions() {
  for (size_t i = 0; i < sizeOf(plan->regions()); ++i) {
    const fb::Region &from = *at(plan->regions(), i);
    if (!vectors.mayRead(from.loops()))
      return error("region " + Twine(i) + " is misaligned or shared");
    StridedRegion region;
    region.offset = from.offset();
    for (size_t l = 0; l < sizeOf(from.loops()); ++l) {
      region.sizes.push_back(at(from.loops(), l)->size());
      region.strides.push_back(at(from.loops(), l)->stride());
    }
    regions.push_back(module->intern(region));
  }
  return success();
}

LogicalResult PlanReader::readLogicalRegions() {
  for (size_t i = 0; i < sizeOf(plan->logical_regions()); ++i) {
    const auto *segments = at(plan->logical_regions(), i)->segments();
    if (!vectors.mayRead(segments))
      return error("logical region " + Twine(i) + " is misaligned or shared");
    Region region;
    for (size_t d = 0; d < sizeOf(segments); ++d) {
      const fb::Segment &from = *at(segments, d);
      region.dims.push_back({Segment{from.begin(), from.run(), from.stride(), from.count()}});
    }
    logicalRegions.push_back(module->intern(region));
  }
  return success();
}

LogicalResult PlanReader::readRankLists() {
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < sizeOf(plan->rank_lists()); ++i) {
    const auto *from = at(plan->rank_lists(), i)->ranks();
    if (!vectors.mayRead(from))
      return error("rank list " + Twine(i) + " is misaligned or shared");
    ranks.clear();
    for (size_t r = 0; r < sizeOf(from); ++r)
      ranks.push_back(at(from, r));
    rankLists.push_back(module->internRanks(ranks));
  }
  return success();
}

} // namespace xfer
