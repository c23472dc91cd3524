//===- WindowSlots.cpp - Who may talk in the same window ------------------===//
#include "xfer/Analysis/WindowSlots.h"
#include "llvm/ADT/SmallBitVector.h"

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {

/// Greedy colouring of sets of ranks: overlapping sets get different colours.
class WindowSlots::Colouring {
public:
  explicit Colouring(int64_t firstColour) : firstColour(firstColour) {}
  int64_t colour(ArrayRef<int64_t> ranks) {
    llvm::SmallBitVector used;
    for (int64_t rank : ranks)
      used |= usedByRank[rank];
    int colour = used.empty() ? -1 : used.find_first_unset();
    if (colour < 0)
      colour = static_cast<int>(used.size());
    for (int64_t rank : ranks) {
      llvm::SmallBitVector &own = usedByRank[rank];
      if (own.size() <= static_cast<unsigned>(colour))
        own.resize(colour + 1);
      own.set(colour);
    }
    highest = std::max<int64_t>(highest, colour);
    return firstColour + colour;
  }
  int64_t numColours() const { return highest + 1; }

private:
  int64_t firstColour, highest = -1;
  RankMap<llvm::SmallBitVector> usedByRank;
};

WindowSlots::WindowSlots(Module &module, const Routing &routing, int64_t peers)
    : module(module), routing(routing), peers(peers) {
  collectRanks();
  colourFanOuts();
  colourReductions();
}

void WindowSlots::collectRanks() {
  std::vector<int64_t> ranks;
  for (const Mesh &mesh : module.meshes)
    ranks.insert(ranks.end(), mesh.ranks.begin(), mesh.ranks.end());
  llvm::sort(ranks);
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  for (size_t i = 0; i < ranks.size(); ++i)
    positions[ranks[i]] = static_cast<int64_t>(i);
  auto numRanks = static_cast<int64_t>(ranks.size());
  peers = std::min(peers, std::max<int64_t>(numRanks, 1));
  stretches = std::max<int64_t>(1, (numRanks + peers - 1) / peers);
}

void WindowSlots::colourFanOuts() {
  Colouring colouring(1);
  for (const RoutePattern &pattern : routing.patterns()) {
    if (pattern.groupSize > 1)
      continue;
    for (const CellRoute &route : pattern.routes) {
      ArrayRef<int64_t> remote = module.rankList(route.remote);
      if (remote.size() > 1 && !fanOutColours.contains(route.remote))
        fanOutColours[route.remote] = colouring.colour(remote);
    }
  }
  numColours = 1 + colouring.numColours();
}

/// Enters a reduction of `contributors` for `destinations`; kNone for results that stay on their
/// sender.
void WindowSlots::colourReduction(RankListId contributors, RankListId destinations,
                                  Colouring &colouring) {
  int32_t known = reductions.size();
  if (reductions.intern({contributors, destinations}) < known)
    return;
  SmallVector<int64_t, 16> involved(module.rankList(contributors));
  if (destinations != kNone)
    llvm::append_range(involved, module.rankList(destinations));
  llvm::sort(involved);
  involved.erase(std::unique(involved.begin(), involved.end()), involved.end());
  reduceColours.push_back(colouring.colour(involved));
}

void WindowSlots::colourReductions() {
  Colouring colouring(0);
  for (const RoutePattern &pattern : routing.patterns()) {
    if (pattern.groupSize == 1)
      continue;
    for (const CellRoute &route : pattern.routes) {
      ArrayRef<int64_t> sources = module.rankList(route.sources);
      for (; !sources.empty(); sources = sources.drop_front(pattern.groupSize)) {
        RankListId contributors = module.internRanks(sources.take_front(pattern.groupSize));
        SmallVector<int64_t, 16> destinations(module.rankList(route.destinations));
        llvm::sort(destinations);
        colourReduction(contributors, module.internRanks(destinations), colouring);
        colourReduction(contributors, kNone, colouring);
      }
    }
  }
  numReduceColours = colouring.numColours();
}

/// The colour of a reduction as select-sources and legalize-self-copy leave it: any contributor
/// ships, to itself and to the other destinations apart.
std::optional<int64_t> WindowSlots::reduceColour(const Endpoints &ends) const {
  SmallVector<int64_t, 16> destinations(module.rankList(ends.destinations));
  llvm::sort(destinations);
  auto find = [&](RankListId list) { return reductions.find({ends.sources, list}); };
  int32_t known;
  if (destinations.size() == 1 && destinations.front() == ends.sender) {
    known = find(kNone);
  } else {
    known = find(module.internRanks(destinations));
    if (known < 0) {
      destinations.insert(llvm::lower_bound(destinations, ends.sender), ends.sender);
      known = find(module.internRanks(destinations));
    }
  }
  return known < 0 ? std::nullopt : std::optional(reduceColours[known]);
}

std::optional<int64_t> WindowSlots::slot(const Endpoints &ends, Transport transport) const {
  ArrayRef<int64_t> destinations = module.rankList(ends.destinations);
  if (ends.isReduce()) {
    std::optional<int64_t> reduction = reduceColour(ends);
    return reduction ? std::optional(2 * numColours * stretches + *reduction) : std::nullopt;
  }
  int64_t colour = 0;
  if (destinations.size() > 1) {
    auto found = fanOutColours.find(ends.destinations);
    if (found == fanOutColours.end())
      return std::nullopt;
    colour = found->second;
  }
  auto numRanks = static_cast<int64_t>(positions.size());
  auto from = positions.find(ends.sender), to = positions.find(destinations.front());
  if (from == positions.end() || to == positions.end())
    return std::nullopt;
  int64_t distance = (to->second - from->second + numRanks) % numRanks;
  int64_t lane = transport == Transport::Broadcast ? numColours + colour : colour;
  return lane * stretches + distance / peers;
}

} // namespace xfer
