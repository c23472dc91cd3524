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

void WindowSlots::colourReductions() {
  Colouring colouring(0);
  SequenceInterner seen; // contributors, destinations
  for (const RoutePattern &pattern : routing.patterns()) {
    if (pattern.groupSize == 1)
      continue;
    for (const CellRoute &route : pattern.routes) {
      ArrayRef<int64_t> sources = module.rankList(route.sources);
      for (; !sources.empty(); sources = sources.drop_front(pattern.groupSize)) {
        ArrayRef<int64_t> group = sources.take_front(pattern.groupSize);
        RankListId contributors = module.internRanks(group);
        int32_t known = seen.size();
        if (seen.intern({contributors, route.destinations}) == known)
          colourReduction(contributors, route.destinations, colouring);
      }
    }
  }
  numReduceColours = colouring.numColours();
}

/// Enters what select-sources and legalize-self-copy can make of one reduction: any contributor
/// ships, to itself and to the other destinations apart.
void WindowSlots::colourReduction(RankListId contributors, RankListId destinations,
                                  Colouring &colouring) {
  ArrayRef<int64_t> group = module.rankList(contributors), all = module.rankList(destinations);
  SmallVector<int64_t, 16> involved(group);
  for (int64_t rank : all)
    if (!llvm::is_contained(group, rank))
      involved.push_back(rank);
  int64_t colour = colouring.colour(involved);
  auto enter = [&](int64_t sender, RankListId list) {
    int32_t known = reductions.size();
    if (reductions.intern({contributors, sender, list}) == known)
      reduceColours.push_back(colour);
  };
  for (int64_t sender : group) {
    if (!llvm::is_contained(all, sender)) {
      enter(sender, destinations);
      continue;
    }
    SmallVector<int64_t, 16> others;
    for (int64_t rank : all)
      if (rank != sender)
        others.push_back(rank);
    enter(sender, module.internRanks({sender}));
    if (!others.empty())
      enter(sender, module.internRanks(others));
  }
}

std::optional<int64_t> WindowSlots::slot(const Endpoints &ends, Transport transport) const {
  ArrayRef<int64_t> destinations = module.rankList(ends.destinations);
  if (ends.isReduce()) {
    int32_t known = reductions.find({ends.sources, ends.sender, ends.destinations});
    if (known < 0)
      return std::nullopt;
    bool local = destinations.size() == 1 && destinations.front() == ends.sender;
    return 2 * numColours * stretches + 2 * reduceColours[known] + local;
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
