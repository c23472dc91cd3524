//===- SelectSources.cpp - Choose a sender among replicas -----------------===//
//
// Gives every route one sender. A destination that holds a replica of the
// source copies from itself; the bytes for the others are shared among the
// replicas so that the bytes each rank ships are level across the whole job
// (Analysis/SenderShares.h). A fan-out whose copies fall to several senders
// becomes one route per destination.
//
//   route @w [0:4] any [0, 1] -> [4, 5]   =>   route @w [0:4] 0 -> [4]
//                                              route @w [0:4] 1 -> [5]
//
// Cost: the busiest sender ships at most one route more than a level share.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/SenderShares.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {
namespace {

class SelectSources final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Statistic numChosen{*this, "num-chosen", "routes that had several candidates"};
  Statistic numSplit{*this, "num-split", "fan-outs divided among several senders"};
  Statistic numLocal{*this, "num-local", "destinations that copy from themselves"};
};

/// One run over a module.
class Selector {
public:
  Selector(Module &module, PassContext &context)
      : module(module), context(context), ownerships(module), routing(module, ownerships),
        shares(module, routing) {}

  /// Appends the chosen routes for a candidate route.
  LogicalResult select(const Route &route);

  std::vector<Route> selected;
  int64_t numSplit = 0, numLocal = 0;

private:
  LogicalResult selectReduce(const Route &route, const RouteInstance &instance, int64_t index);
  void append(const Route &route, int64_t sender, RankListId sources, ArrayRef<int64_t> to);

  Module &module;
  PassContext &context;
  OwnershipCache ownerships;
  Routing routing;
  SenderShares shares;
};

void Selector::append(const Route &route, int64_t sender, RankListId sources,
                      ArrayRef<int64_t> to) {
  // A rank's own program needs only the routes that it takes part in.
  if (context.rank && !llvm::is_contained(to, *context.rank) &&
      !module.contains(sources, *context.rank))
    return;
  Route chosen = route;
  chosen.ends.sender = sender;
  chosen.ends.sources = sources;
  chosen.ends.destinations = module.internRanks(to);
  selected.push_back(chosen);
}

LogicalResult Selector::select(const Route &route) {
  ArrayRef<int64_t> candidates = module.rankList(route.ends.sources);
  ArrayRef<int64_t> destinations = module.rankList(route.ends.destinations);
  const RouteInstance *instance = routing.find(route.tensor, route.targetIndex);
  int64_t index = -1;
  if (instance) {
    const RoutePattern &pattern = routing.patterns()[instance->pattern];
    index = routing.findRoute(
        instance->pattern, ownerships.cell(ownerships[pattern.source], candidates.front()),
        ownerships.cell(ownerships[pattern.target], destinations.front()), route.region);
  }
  if (index < 0)
    return context.diagnostics.error(route.loc, "no replica of '@" +
                                                    module.tensors[route.tensor].name + "' on " +
                                                    ranksToString(candidates) + " holds what " +
                                                    ranksToString(destinations) + " needs");
  const CellRoute &cells = routing.patterns()[instance->pattern].routes[index];
  if (cells.sources != route.ends.sources)
    return context.diagnostics.error(route.loc, "expected the candidates " +
                                                    ranksToString(module.rankList(cells.sources)) +
                                                    ", got " + ranksToString(candidates));
  if (cells.destinations != route.ends.destinations)
    return context.diagnostics.error(route.loc,
                                     "expected the destinations " +
                                         ranksToString(module.rankList(cells.destinations)) +
                                         ", got " + ranksToString(destinations));
  if (route.ends.isReduce())
    return selectReduce(route, *instance, index);

  ArrayRef<int64_t> remote = module.rankList(cells.remote);
  SmallVector<int64_t, 16> senders;
  for (size_t i = 0; i < remote.size(); ++i)
    senders.push_back(candidates[shares.sender(*instance, index, i)]);
  bool whole = !senders.empty() && llvm::all_equal(senders);
  numSplit += !senders.empty() && !whole;

  const Ownership &source = ownerships[routing.patterns()[instance->pattern].source];
  SmallVector<int64_t, 16> together; // what the one sender serves, its own copy included
  for (int64_t rank : destinations) {
    bool isLocal = ownerships.cell(source, rank) == cells.sourceCell;
    numLocal += isLocal;
    if (whole && (!isLocal || rank == senders.front()))
      together.push_back(rank);
    else if (isLocal)
      append(route, rank, module.internRanks({rank}), {rank});
  }
  if (whole)
    append(route, senders.front(), module.internRanks({senders.front()}), together);
  else
    for (size_t i = 0; i < remote.size(); ++i)
      append(route, senders[i], module.internRanks({senders[i]}), {remote[i]});
  return success();
}

/// One group reduces to one of its ranks, which ships to all destinations: reducing twice would
/// cost more than a copy. A contributor that is a destination is preferred.
LogicalResult Selector::selectReduce(const Route &route, const RouteInstance &instance,
                                     int64_t index) {
  ArrayRef<int64_t> candidates = module.rankList(route.ends.sources);
  ArrayRef<int64_t> destinations = module.rankList(route.ends.destinations);
  size_t chosen = shares.sender(instance, index, 0);
  SmallVector<size_t, 16> own;
  for (size_t i = 0; i < candidates.size(); ++i)
    if (module.contains(route.ends.destinations, candidates[i]))
      own.push_back(i);
  if (!own.empty() && !module.contains(route.ends.destinations, candidates[chosen]))
    chosen = own[chosen % own.size()];
  auto group = static_cast<size_t>(route.ends.groupSize);
  append(route, candidates[chosen],
         module.internRanks(candidates.slice(chosen / group * group, group)), destinations);
  return success();
}

PassResult SelectSources::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Routes, context)) ||
      failed(expectBothSides(module, context.diagnostics)))
    return PassResult::Failed;
  if (llvm::all_of(module.routes, [](const Route &route) { return route.ends.isChosen(); }))
    return PassResult::Unchanged;
  Selector selector(module, context);
  selector.selected.reserve(module.routes.size());
  for (const Route &route : module.routes) {
    if (route.ends.isChosen()) {
      selector.selected.push_back(route);
      continue;
    }
    ++numChosen;
    if (failed(selector.select(route)))
      return PassResult::Failed;
  }
  module.routes = std::move(selector.selected);
  numSplit += selector.numSplit;
  numLocal += selector.numLocal;
  return PassResult::Changed;
}

} // namespace

std::unique_ptr<Pass> createSelectSourcesPass() { return std::make_unique<SelectSources>(); }

} // namespace xfer
