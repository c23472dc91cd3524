//===- OperandVerifier.cpp - Operands of one operation --------------------===//
#include "OperandVerifier.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

/// Verifies:
/// - the tensor and its target exist, if it has any, and the region lies inside it.
LogicalResult OperandVerifier::verifyTensorUse(SMLoc loc, TensorId id, int32_t target,
                                               RegionId regionId) {
  if (id < 0 || id >= static_cast<int32_t>(module.tensors.size()))
    return error(loc, "operation without a tensor");
  if (regionId < 0 || regionId >= module.numRegions())
    return error(loc, "operation without a region");
  const Tensor &tensor = module.tensors[id];
  const Region &region = module.region(regionId);
  if (target < 0 || target >= std::max<int32_t>(1, static_cast<int32_t>(tensor.targets.size())))
    return error(loc, "'@" + tensor.name + "' has no target " + Twine(target));
  if (const char *wrong = facts.ofRegion(regionId).wrong)
    return error(loc, "region " + Twine(wrong));
  if (region.dims.size() != tensor.shape.size())
    return error(loc, "region has " + Twine(region.dims.size()) + " dimensions, but '@" +
                          tensor.name + "' has " + Twine(tensor.shape.size()));
  for (size_t i = 0; i < region.dims.size(); ++i)
    for (const Segment &segment : region.dims[i])
      if (segment.last() > tensor.shape[i])
        return error(loc, "region ends at " + Twine(segment.last()) + " in dimension " + Twine(i) +
                              ", but '@" + tensor.name + "' has extent " + Twine(tensor.shape[i]));
  return success();
}

LogicalResult OperandVerifier::verifyRanks(SMLoc loc, RankListId id, StringRef what) {
  if (id < 0 || id >= module.numRankLists())
    return error(loc, "operation without " + what);
  if (const std::string &wrong = facts.wrongOfRankList(id); !wrong.empty())
    return error(loc, what + " " + wrong);
  return success();
}

/// Verifies:
/// - sources and destinations are lists of known ranks, each named once;
/// - the sources are whole groups; one group with the sender in it once that is chosen.
LogicalResult OperandVerifier::verifyEndpoints(SMLoc loc, const Endpoints &ends) {
  if (failed(verifyRanks(loc, ends.sources, "sources")) ||
      failed(verifyRanks(loc, ends.destinations, "destinations")))
    return failure();
  ArrayRef<int64_t> sources = module.rankList(ends.sources);
  int64_t numSources = static_cast<int64_t>(sources.size());
  if (ends.groupSize < 1 || numSources % ends.groupSize)
    return error(loc, Twine(numSources) + " sources are not groups of " + Twine(ends.groupSize));
  if (!ends.isChosen())
    return success();
  if (numSources != ends.groupSize)
    return error(loc, "expected one group of sources with sender " + Twine(ends.sender) + ", got " +
                          Twine(numSources / ends.groupSize));
  if (!module.contains(ends.sources, ends.sender))
    return error(loc, "sender " + Twine(ends.sender) + " is not one of the contributors");
  return success();
}

/// Verifies that the destinations are ranks of the mesh that the target lies on, if the tensor has
/// any. Which target it is, the text says by what the first destination holds.
LogicalResult OperandVerifier::verifyHolders(SMLoc loc, TensorId id, int32_t target,
                                             RankListId destinations) {
  const Tensor &tensor = module.tensors[id];
  if (tensor.targets.empty())
    return success();
  int32_t mesh = module.layout(tensor.targets[target].layout).mesh;
  if (auto rank = facts.findOutside(mesh, destinations))
    return error(loc, "destination " + Twine(*rank) + " is not a rank of '@" +
                          module.meshes[mesh].name + "', the mesh of the target of '@" +
                          tensor.name + "'");
  return success();
}

LogicalResult OperandVerifier::verifyChosen(SMLoc loc, const Endpoints &ends) {
  if (!ends.isChosen())
    return error(loc, "expected a chosen sender, got candidates");
  return success();
}

/// Verifies:
/// - a typed route has a chosen sender;
/// - the type is the one that its endpoints make it.
LogicalResult OperandVerifier::verifyType(SMLoc loc, const Endpoints &ends, RouteType type) {
  if (type == RouteType::Untyped)
    return success();
  if (failed(verifyChosen(loc, ends)))
    return failure();
  ArrayRef<int64_t> destinations = module.rankList(ends.destinations);
  if (ends.isReduce() != (type == RouteType::Reduce))
    return error(loc, ends.isReduce() ? "several contributors make a route 'reduce'"
                                      : "'reduce' expects several contributors, got 1");
  if (type == RouteType::Reduce)
    return success();
  if ((destinations.size() > 1) != (type == RouteType::Multicast))
    return error(loc, destinations.size() > 1 ? "several destinations make a route 'multicast'"
                                              : "'multicast' expects several destinations, got 1");
  if (type == RouteType::Multicast)
    return success();
  if ((destinations.front() == ends.sender) != (type == RouteType::Local))
    return error(loc, type == RouteType::Local
                          ? "'local' expects the sender as the destination"
                          : "'unicast' expects a destination other than the sender");
  return success();
}

} // namespace xfer
