//===- SenderShares.cpp - Which replica ships which bytes -----------------===//
#include "xfer/Analysis/SenderShares.h"
#include <algorithm>
#include <numeric>
#include <utility>

using llvm::ArrayRef;

namespace xfer {

/// Number of deliveries that a route puts on its line.
static int64_t numDeliveries(const Module &module, const RoutePattern &pattern,
                             const CellRoute &route) {
  if (pattern.groupSize > 1)
    return static_cast<int64_t>(module.rankList(route.destinations).size());
  return static_cast<int64_t>(module.rankList(route.remote).size());
}

SenderShares::SenderShares(const Module &module, const Routing &routing)
    : module(module), routing(routing) {
  layOut();
  level();
}

void SenderShares::layOut() {
  lines.resize(module.numRankLists());
  for (const RoutePattern &pattern : routing.patterns()) {
    std::vector<Place> &patternPlaces = places.emplace_back(pattern.routes.size());
    // Bytes of one instance, by line; then the pattern's instances follow each other.
    llvm::DenseMap<RankListId, Bytes> perInstance;
    for (size_t r = 0; r < pattern.routes.size(); ++r) {
      const CellRoute &route = pattern.routes[r];
      if (!std::exchange(lines[route.sources].isUsed, true))
        usedLines.push_back(route.sources);
      Bytes &used = perInstance[route.sources];
      patternPlaces[r].begin = lines[route.sources].total + used;
      used += Bytes(route.bytes) * numDeliveries(module, pattern, route);
    }
    for (size_t r = 0; r < pattern.routes.size(); ++r)
      patternPlaces[r].step = perInstance[pattern.routes[r].sources];
    for (auto [holders, bytes] : perInstance)
      lines[holders].total += bytes * pattern.numInstances;
  }
}

void SenderShares::level() {
  std::vector<RankListId> order;
  llvm::copy_if(usedLines, std::back_inserter(order),
                [&](RankListId holders) { return lines[holders].total > 0; });
  // Cells with one holder leave no choice: they go first. The numbers of rank lists say nothing:
  // they depend on what the text named before.
  llvm::stable_sort(order, [&](RankListId l, RankListId r) {
    return module.rankList(l).size() < module.rankList(r).size();
  });
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds; ++round)
    for (RankListId holders : order)
      if (round == 0 || module.rankList(holders).size() > 1)
        waterFill(holders);
  for (RankListId holders : order)
    std::partial_sum(lines[holders].shares.begin(), lines[holders].shares.end(),
                     lines[holders].shares.begin());
}

void SenderShares::waterFill(RankListId holders) {
  ArrayRef<int64_t> ranks = module.rankList(holders);
  Line &line = lines[holders];
  line.shares.resize(ranks.size(), 0);
  std::vector<Bytes> others(ranks.size());
  for (size_t i = 0; i < ranks.size(); ++i)
    others[i] = loads[ranks[i]] - line.shares[i];
  std::vector<size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::stable_sort(order, [&](size_t l, size_t r) { return others[l] < others[r]; });
  // The `filled` lowest ranks are raised to one level.
  Bytes sum = line.total;
  size_t filled = 0;
  while (filled < order.size() && (filled == 0 || others[order[filled]] * Bytes(filled) < sum))
    sum += others[order[filled++]];
  Bytes level = sum / Bytes(filled), rest = sum % Bytes(filled);
  for (size_t i = 0; i < order.size(); ++i) {
    size_t holder = order[i];
    line.shares[holder] = i < filled ? level + (Bytes(i) < rest) - others[holder] : Bytes(0);
    loads[ranks[holder]] = others[holder] + line.shares[holder];
  }
}

size_t SenderShares::sender(const RouteInstance &instance, int64_t route,
                            size_t destination) const {
  const RoutePattern &pattern = routing.patterns()[instance.pattern];
  const CellRoute &cellRoute = pattern.routes[route];
  const Line &line = lines[cellRoute.sources];
  if (line.shares.size() <= 1)
    return 0;
  const Place &place = places[instance.pattern][route];
  Bytes length = pattern.groupSize > 1
                     ? Bytes(cellRoute.bytes) * numDeliveries(module, pattern, cellRoute)
                     : Bytes(cellRoute.bytes);
  // Twice the middle of the delivery, to stay in integers. A tie goes to the first holder.
  Bytes middle =
      2 * (place.begin + place.step * instance.ordinal + length * Bytes(destination)) + length;
  auto found = std::lower_bound(line.shares.begin(), line.shares.end(), middle,
                                [](Bytes share, Bytes wanted) { return 2 * share < wanted; });
  return std::min<size_t>(found - line.shares.begin(), line.shares.size() - 1);
}

} // namespace xfer
