//===- Routing.cpp - Which cells of two layouts intersect -----------------===//
//
// Per dimension, the pieces of source and target are swept once; a route is a
// combination of one intersecting pair of cells per dimension.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Routing.h"
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/Segments.h"
#include <algorithm>
#include <numeric>

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

/// Sweeps the pieces of both sides, which are disjoint on each and ascending.
std::vector<DimPair> intersect(ArrayRef<Piece> sources, ArrayRef<Piece> targets) {
  struct Shared {
    int64_t sourceCell, targetCell;
    LocalRun run;
  };
  std::vector<Shared> shared;
  if (sources.empty() || targets.empty())
    return {};
  auto skipTo = [](ArrayRef<Piece> pieces, int64_t begin) {
    auto first = llvm::partition_point(pieces, [&](const Piece &p) { return p.end <= begin; });
    return pieces.drop_front(first - pieces.begin());
  };
  sources = skipTo(sources, targets.front().begin);
  if (!sources.empty())
    targets = skipTo(targets, sources.front().begin);
  for (size_t s = 0, t = 0; s < sources.size() && t < targets.size();) {
    const Piece &from = sources[s], &to = targets[t];
    int64_t begin = std::max(from.begin, to.begin), end = std::min(from.end, to.end);
    if (begin < end)
      shared.push_back(
          {from.cell,
           to.cell,
           {begin, end - begin, from.local + (begin - from.begin), to.local + (begin - to.begin)}});
    s += from.end <= to.end;
    t += to.end <= from.end;
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
    int32_t source = ownerships.id(tensor, *tensor.source);
    for (size_t i = 0; i < tensor.targets.size(); ++i) {
      int32_t target = ownerships.id(tensor, tensor.targets[i]);
      int32_t id = keys.intern({source, target, byteWidth(tensor.dtype)});
      if (id == static_cast<int32_t>(patternList.size())) {
        patternList.push_back({source, target, byteWidth(tensor.dtype), 1, 0, 1, 0, {}, true});
        buildPattern(patternList.back());
      }
      instanceList.push_back(
          {static_cast<TensorId>(t), static_cast<int32_t>(i), id, patternList[id].numInstances++});
    }
  }
  firstInstance.push_back(static_cast<int32_t>(instanceList.size()));
}

namespace {

/// What two blocks share: per index, the cells that meet.
struct BlockPair {
  const OwnedBlock *source, *target;
  SmallVector<int32_t, 3> pairs; ///< by index: numbers of lists of DimPair
};

/// Intersects the blocks of two ownerships; each pair of dimension ownerships once.
class BlockPairs {
public:
  BlockPairs(const Ownership &source, const Ownership &target) : source(source), target(target) {
    for (const OwnedBlock &from : source.blocks())
      for (const OwnedBlock &to : target.blocks())
        add(from, to);
  }
  ArrayRef<DimPair> list(int32_t number) const { return lists[number]; }

  std::vector<BlockPair> blocks;
  int64_t numRoutes = 0;

private:
  void add(const OwnedBlock &from, const OwnedBlock &to) {
    BlockPair pair{&from, &to, {}};
    int64_t routes = 1;
    for (size_t i = 0; i < from.indices.size() && routes; ++i) {
      int32_t s = from.indices[i].ownership, t = to.indices[i].ownership;
      int32_t number = keys.intern({s, t});
      if (number == static_cast<int32_t>(lists.size()))
        lists.push_back(intersect(sources(source.dims()[s], s), targets(target.dims()[t], t)));
      pair.pairs.push_back(number);
      routes = multiplySaturating(routes, static_cast<int64_t>(lists[number].size()));
    }
    numRoutes = addSaturating(numRoutes, routes);
    if (routes)
      blocks.push_back(std::move(pair));
  }

  /// The pieces of each dimension ownership in the order of the index.
  struct Sorted {
    std::vector<std::vector<Piece>> known; ///< by number
    ArrayRef<Piece> operator()(const DimOwnership &dim, int32_t number) {
      if (known.size() <= static_cast<size_t>(number))
        known.resize(number + 1);
      if (known[number].empty()) {
        known[number] = dim.pieces;
        llvm::sort(known[number], [](const Piece &l, const Piece &r) { return l.begin < r.begin; });
      }
      return known[number];
    }
  };

  const Ownership &source, &target;
  Sorted sources, targets;
  SequenceInterner keys;
  std::vector<std::vector<DimPair>> lists;
};

} // namespace

void Routing::buildPattern(RoutePattern &pattern) {
  const Ownership &source = ownerships[pattern.source], &target = ownerships[pattern.target];
  pattern.groupSize = static_cast<int32_t>(source.groupSize());
  pattern.isProduct = source.blocks().size() == 1 && target.blocks().size() == 1;
  // Each is at most kMaxBlocks.
  pattern.numBlockPairs = static_cast<int64_t>(source.blocks().size() * target.blocks().size());
  if (pattern.numBlockPairs > kMaxBlockPairs)
    return;
  BlockPairs shared(source, target);
  pattern.numRoutes = shared.numRoutes;
  if (pattern.numRoutes > kMaxRoutesPerPattern)
    return;
  pattern.routes.reserve(pattern.numRoutes);

  std::vector<RankListId> sourceHolders(source.numCells(), kNone);
  std::vector<RankListId> targetHolders(target.numCells(), kNone);
  auto holders = [&](const Ownership &side, std::vector<RankListId> &known, int64_t cell) {
    if (known[cell] == kNone) {
      SmallVector<int64_t, 64> ranks;
      side.appendHolders(cell, ranks);
      // Destinations are a set; sources come in the order in which they are reduced.
      if (&known == &targetHolders)
        llvm::sort(ranks);
      known[cell] = module.internRanks(ranks);
    }
    return known[cell];
  };
  for (const BlockPair &blocks : shared.blocks) {
    size_t numIndices = blocks.pairs.size();
    int64_t numRoutes = 1;
    for (int32_t number : blocks.pairs)
      numRoutes *= static_cast<int64_t>(shared.list(number).size());
    SmallVector<size_t, 4> at(numIndices, 0);
    for (int64_t i = 0; i < numRoutes; ++i) {
      CellRoute route;
      Region region;
      route.bytes = pattern.width;
      route.sourceCell = blocks.source->cell;
      route.targetCell = blocks.target->cell;
      for (size_t d = 0; d < numIndices; ++d) {
        const DimPair &pair = shared.list(blocks.pairs[d])[at[d]];
        route.sourceCell += pair.sourceCell * blocks.source->indices[d].cellWeight;
        route.targetCell += pair.targetCell * blocks.target->indices[d].cellWeight;
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
      for (size_t d = numIndices; d-- > 0 && ++at[d] == shared.list(blocks.pairs[d]).size();)
        at[d] = 0;
    }
  }
}

const RouteInstance *Routing::find(TensorId tensor, int32_t target) const {
  int32_t index = firstInstance[tensor] + target;
  return index < firstInstance[tensor + 1] ? &instanceList[index] : nullptr;
}

int64_t Routing::findProductRoute(const RoutePattern &pattern, int64_t sourceCell,
                                  int64_t targetCell) const {
  // Routes are sorted by pairs of the cells of each index, which is not the order of the cells of
  // the tensor.
  const Ownership &source = ownerships[pattern.source], &target = ownerships[pattern.target];
  ArrayRef<OwnedIndex> from = source.blocks().front().indices;
  ArrayRef<OwnedIndex> to = target.blocks().front().indices;
  auto before = [&](const CellRoute &route, int) {
    for (size_t i = 0; i < from.size(); ++i) {
      int64_t have = source.cellOf(from[i], route.sourceCell);
      int64_t want = source.cellOf(from[i], sourceCell);
      if (have == want) {
        have = target.cellOf(to[i], route.targetCell);
        want = target.cellOf(to[i], targetCell);
      }
      if (have != want)
        return have < want;
    }
    return false;
  };
  auto found = std::lower_bound(pattern.routes.begin(), pattern.routes.end(), 0, before);
  if (found == pattern.routes.end() || found->sourceCell != sourceCell ||
      found->targetCell != targetCell)
    return -1;
  return found - pattern.routes.begin();
}

int64_t Routing::findRoute(int32_t patternId, int64_t sourceCell, int64_t targetCell,
                           RegionId region) {
  const RoutePattern &pattern = patternList[patternId];
  if (pattern.isProduct)
    return findProductRoute(pattern, sourceCell, targetCell);
  const std::vector<CellRoute> &routes = pattern.routes;
  auto cells = [&](int32_t route) {
    return std::pair(routes[route].sourceCell, routes[route].targetCell);
  };
  byCells.resize(patternList.size());
  std::vector<int32_t> &order = byCells[patternId];
  if (order.empty()) {
    order.resize(routes.size());
    std::iota(order.begin(), order.end(), 0);
    llvm::stable_sort(order, [&](int32_t l, int32_t r) { return cells(l) < cells(r); });
  }
  std::pair wanted(sourceCell, targetCell);
  auto first = std::lower_bound(order.begin(), order.end(), wanted,
                                [&](int32_t route, auto cell) { return cells(route) < cell; });
  int64_t found = -1, count = 0;
  for (; first != order.end() && cells(*first) == wanted; ++first, ++count)
    if (count == 0 || routes[*first].region == region)
      found = *first;
  return count < 2 || routes[found].region == region ? found : -1;
}

} // namespace xfer
