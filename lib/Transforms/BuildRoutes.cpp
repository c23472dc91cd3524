//===- BuildRoutes.cpp - Intersect ownership into routes ------------------===//
//
// Writes one route for each pair of a distinct source cell and a distinct
// target cell that share elements; replicas on either side are one route.
//
//   tensor @w : f32[4]
//   source @w on @train split [{dp}]        =>   route @w [0:2] 0 -> [2, 3]
//   target @w on @serve                          route @w [2:4] 1 -> [2, 3]
//
// Equal (shape, wire width, layouts) share one intersection. Cost: the sweep of
// each distinct pattern, plus the routes written.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/BlockScales.h"
#include "xfer/Analysis/Routing.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class BuildRoutes final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Statistic numRoutes{*this, "num-routes", "routes written"};
  Statistic numDeliveries{*this, "num-deliveries", "destinations of all routes"};
  Statistic numPatterns{*this, "num-patterns", "distinct pairs of layouts intersected"};
};

/// The routes of `pattern` that `rank` may take part in; all without a rank.
std::vector<int32_t> involving(const RoutePattern &pattern, std::optional<int64_t> rank,
                               OwnershipCache &ownerships) {
  std::vector<int32_t> routes;
  int64_t source = rank ? ownerships.cell(ownerships[pattern.source], *rank) : -1;
  int64_t target = rank ? ownerships.cell(ownerships[pattern.target], *rank) : -1;
  for (size_t r = 0; r < pattern.routes.size(); ++r)
    if (!rank || pattern.routes[r].sourceCell == source || pattern.routes[r].targetCell == target)
      routes.push_back(static_cast<int32_t>(r));
  return routes;
}

/// Verifies that no pattern has too many routes to be worked out.
LogicalResult checkSize(const Module &module, const Routing &routing, Diagnostics &diagnostics) {
  for (const RouteInstance &instance : routing.instances()) {
    const RoutePattern &pattern = routing.patterns()[instance.pattern];
    int64_t numRoutes = pattern.numRoutes;
    const Tensor &tensor = module.tensors[instance.tensor];
    if (pattern.numBlockPairs > kMaxBlockPairs)
      return diagnostics.error(tensor.targets[instance.target].loc,
                               "'@" + tensor.name + "' meets this target in " +
                                   llvm::Twine(pattern.numBlockPairs) +
                                   " pairs of products of intervals, expected at most " +
                                   llvm::Twine(kMaxBlockPairs));
    if (numRoutes > kMaxRoutesPerPattern)
      return diagnostics.error(tensor.targets[instance.target].loc,
                               "'@" + tensor.name + "' needs " + llvm::Twine(numRoutes) +
                                   " routes to this target, expected at most " +
                                   llvm::Twine(kMaxRoutesPerPattern));
  }
  return success();
}

PassResult BuildRoutes::run(Module &module, PassContext &context) {
  if (module.level != Level::Declarations) {
    (void)expectLevel(module, Level::Declarations, context);
    return PassResult::Failed;
  }
  if (failed(expectBothSides(module, context.diagnostics)))
    return PassResult::Failed;

  OwnershipCache ownerships(module);
  if (failed(verifyBlockScales(module, ownerships, context.diagnostics)))
    return PassResult::Failed;
  Routing routing(module, ownerships);
  if (failed(checkSize(module, routing, context.diagnostics)))
    return PassResult::Failed;
  numPatterns += static_cast<int64_t>(routing.patterns().size());
  std::vector<std::vector<int32_t>> wanted;
  for (const RoutePattern &pattern : routing.patterns())
    wanted.push_back(involving(pattern, context.rank, ownerships));
  size_t total = 0;
  for (const RouteInstance &instance : routing.instances())
    total += wanted[instance.pattern].size();
  module.routes.reserve(total);
  for (const RouteInstance &instance : routing.instances()) {
    const RoutePattern &pattern = routing.patterns()[instance.pattern];
    const Tensor &tensor = module.tensors[instance.tensor];
    for (int32_t r : wanted[instance.pattern]) {
      const CellRoute &cells = pattern.routes[r];
      Route route;
      route.tensor = instance.tensor;
      route.targetIndex = instance.target;
      route.region = cells.region;
      route.ends.sources = cells.sources;
      route.ends.destinations = cells.destinations;
      route.ends.groupSize = pattern.groupSize;
      llvm::ArrayRef<int64_t> sources = module.rankList(cells.sources);
      if (sources.size() == 1)
        route.ends.sender = sources.front();
      route.loc = tensor.targets[instance.target].loc;
      module.routes.push_back(route);
      numDeliveries += static_cast<int64_t>(module.rankList(cells.destinations).size());
    }
  }
  numRoutes += static_cast<int64_t>(module.routes.size());
  module.level = Level::Routes;
  return PassResult::Changed;
}

} // namespace

std::unique_ptr<Pass> createBuildRoutesPass() { return std::make_unique<BuildRoutes>(); }

} // namespace xfer
