//===- Routing.cpp - Which cells of two layouts intersect -----------------===//
//
// Per dimension, the pieces of source and target are swept once; a route is a
// combination of one intersecting pair of cells per dimension.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Routing.h"
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/Segments.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {
namespace {

/// A source cell and a target cell of one dimension that share elements.
struct DimPair {
  int64_t sourceCell = 0, targetCell = 0;
  DimSegments segments;
  int64_t size = 0;
};

std::vector<Piece> byPosition(const DimOwnership &dim) {
  std::vector<Piece> pieces = dim.pieces;
  llvm::sort(pieces, [](const Piece &l, const Piece &r) { return l.begin < r.begin; });
  return pieces;
}

/// Sweeps both partitions of [0, extent). O(pieces log pieces).
std::vector<DimPair> intersect(const DimOwnership &source, const DimOwnership &target) {
  struct Shared {
    int64_t sourceCell, targetCell;
    LocalRun run;
  };
  std::vector<Piece> sources = byPosition(source), targets = byPosition(target);
  std::vector<Shared> shared;
  shared.reserve(sources.size() + targets.size());
  for (size_t s = 0, t = 0; s < sources.size() && t < targets.size();) {
    const Piece &from = sources[s], &to = targets[t];
    int64_t begin = std::max(from.begin, to.begin), end = std::min(from.end, to.end);
    shared.push_back(
        {from.cell,
         to.cell,
         {begin, end - begin, from.local + (begin - from.begin), to.local + (begin - to.begin)}});
    s += end == from.end;
    t += end == to.end;
  }
  llvm::stable_sort(shared, [](const Shared &l, const Shared &r) {
    return std::tie(l.sourceCell, l.targetCell) < std::tie(r.sourceCell, r.targetCell);
  });
  std::vector<DimPair> pairs;
  std::vector<LocalRun> runs;
  for (size_t i = 0; i < shared.size();) {
    DimPair &pair = pairs.emplace_back();
    pair.sourceCell = shared[i].sourceCell;
    pair.targetCell = shared[i].targetCell;
    runs.clear();
    for (; i < shared.size() && shared[i].sourceCell == pair.sourceCell &&
           shared[i].targetCell == pair.targetCell;
         ++i) {
      runs.push_back(shared[i].run);
      pair.size += shared[i].run.length;
    }
    pair.segments = toSegments(runs);
  }
  return pairs;
}

} // namespace

Routing::Routing(Module &module, OwnershipCache &ownerships)
    : module(module), ownerships(ownerships) {
  SequenceInterner keys;
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    const Tensor &tensor = module.tensors[t];
    firstInstance.push_back(static_cast<int32_t>(instanceList.size()));
    if (!tensor.source)
      continue;
    int32_t source = ownerships.id(tensor.source->layout, tensor.shape);
    for (size_t i = 0; i < tensor.targets.size(); ++i) {
      int32_t target = ownerships.id(tensor.targets[i].layout, tensor.shape);
      int32_t id = keys.intern({source, target, byteWidth(tensor.dtype)});
      if (id == static_cast<int32_t>(patternList.size())) {
        patternList.push_back({source, target, byteWidth(tensor.dtype), 1, 0, 0, {}});
        buildPattern(patternList.back());
      }
      instanceList.push_back(
          {static_cast<TensorId>(t), static_cast<int32_t>(i), id, patternList[id].numInstances++});
    }
  }
  firstInstance.push_back(static_cast<int32_t>(instanceList.size()));
}

void Routing::buildPattern(RoutePattern &pattern) {
  const Ownership &source = ownerships[pattern.source], &target = ownerships[pattern.target];
  pattern.groupSize = static_cast<int32_t>(source.groupSize());
  size_t numDims = source.dims().size();
  std::vector<std::vector<DimPair>> pairs(numDims);
  pattern.numRoutes = 1;
  for (size_t d = 0; d < numDims; ++d) {
    pairs[d] = intersect(source.dims()[d], target.dims()[d]);
    pattern.numRoutes =
        multiplySaturating(pattern.numRoutes, static_cast<int64_t>(pairs[d].size()));
  }
  if (pattern.numRoutes > kMaxRoutesPerPattern)
    return;
  pattern.routes.reserve(pattern.numRoutes);

  std::vector<RankListId> sourceHolders(source.numCells(), kNone);
  std::vector<RankListId> targetHolders(target.numCells(), kNone);
  auto holders = [&](const Ownership &side, std::vector<RankListId> &known, int64_t cell) {
    if (known[cell] == kNone) {
      SmallVector<int64_t, 64> ranks;
      side.appendHolders(cell, ranks);
      known[cell] = module.internRanks(ranks);
    }
    return known[cell];
  };
  SmallVector<size_t, 4> at(numDims, 0);
  for (int64_t i = 0; i < pattern.numRoutes; ++i) {
    CellRoute route;
    Region region;
    route.bytes = pattern.width;
    for (size_t d = 0; d < numDims; ++d) {
      const DimPair &pair = pairs[d][at[d]];
      route.sourceCell = route.sourceCell * source.dims()[d].numCells + pair.sourceCell;
      route.targetCell = route.targetCell * target.dims()[d].numCells + pair.targetCell;
      route.bytes *= pair.size;
      region.dims.push_back(pair.segments);
    }
    route.region = module.intern(region);
    route.sources = holders(source, sourceHolders, route.sourceCell);
    route.destinations = holders(target, targetHolders, route.targetCell);
    SmallVector<int64_t, 64> remote;
    for (int64_t rank : module.rankList(route.destinations))
      if (ownerships.cell(source, rank) != route.sourceCell)
        remote.push_back(rank);
    route.remote = module.internRanks(remote);
    pattern.routes.push_back(route);
    for (size_t d = numDims; d-- > 0 && ++at[d] == pairs[d].size();)
      at[d] = 0;
  }
}

const RouteInstance *Routing::find(TensorId tensor, int64_t rank) const {
  for (int32_t i = firstInstance[tensor]; i < firstInstance[tensor + 1]; ++i) {
    const Side &target = module.tensors[tensor].targets[instanceList[i].target];
    if (ownerships.position(module.layout(target.layout).mesh, rank) >= 0)
      return &instanceList[i];
  }
  return nullptr;
}

int64_t Routing::findRoute(int32_t pattern, int64_t sourceCell, int64_t targetCell) const {
  // Routes are sorted by dimension pairs, which for several dimensions is not the order of the
  // cells; the pairs of one dimension are.
  const std::vector<CellRoute> &routes = patternList[pattern].routes;
  const Ownership &source = ownerships[patternList[pattern].source];
  const Ownership &target = ownerships[patternList[pattern].target];
  SmallVector<int64_t, 3> wantSource = source.dimCells(sourceCell);
  SmallVector<int64_t, 3> wantTarget = target.dimCells(targetCell);
  auto before = [&](const CellRoute &route, int) {
    SmallVector<int64_t, 3> haveSource = source.dimCells(route.sourceCell);
    SmallVector<int64_t, 3> haveTarget = target.dimCells(route.targetCell);
    for (size_t d = 0; d < wantSource.size(); ++d) {
      if (haveSource[d] != wantSource[d])
        return haveSource[d] < wantSource[d];
      if (haveTarget[d] != wantTarget[d])
        return haveTarget[d] < wantTarget[d];
    }
    return false;
  };
  auto found = std::lower_bound(routes.begin(), routes.end(), 0, before);
  if (found == routes.end() || found->sourceCell != sourceCell || found->targetCell != targetCell)
    return -1;
  return found - routes.begin();
}

} // namespace xfer
