//===- BroadcastSets.cpp - Which broadcasts get a communicator ------------===//
#include "BroadcastSets.h"
#include <algorithm>
#include <map>

namespace xfer::runtime {
namespace {

struct StatedSet {
  uint64_t hash = 0;
  int64_t numMembers = 0;
  double bytes = 0; ///< of all ranks; only compared
  std::vector<size_t> ranks;
};

} // namespace

std::vector<SplitRound> chooseSplits(std::span<const SetRecord> records, size_t perRank,
                                     size_t limit) {
  std::map<uint64_t, StatedSet> stated;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].hash == 0)
      continue;
    StatedSet &set = stated[records[i].hash];
    set.hash = records[i].hash;
    set.numMembers = records[i].numMembers;
    set.bytes += static_cast<double>(records[i].bytes);
    set.ranks.push_back(i / perRank);
  }
  std::vector<StatedSet> sets;
  for (auto &[hash, set] : stated)
    if (static_cast<int64_t>(set.ranks.size()) == set.numMembers)
      sets.push_back(std::move(set));
  std::stable_sort(sets.begin(), sets.end(),
                   [](const StatedSet &a, const StatedSet &b) { return a.bytes > b.bytes; });

  std::vector<SplitRound> rounds;
  std::vector<std::vector<bool>> isTaken; // by round and rank
  const size_t numRanks = perRank > 0 ? records.size() / perRank : 0;
  for (const StatedSet &set : sets) {
    auto isFree = [&](const std::vector<bool> &taken) {
      return std::none_of(set.ranks.begin(), set.ranks.end(),
                          [&](size_t rank) { return taken[rank]; });
    };
    const auto round =
        static_cast<size_t>(std::find_if(isTaken.begin(), isTaken.end(), isFree) - isTaken.begin());
    if (round == limit)
      continue;
    if (round == rounds.size()) {
      rounds.emplace_back();
      isTaken.emplace_back(numRanks);
    }
    rounds[round].hashes.push_back(set.hash);
    for (size_t rank : set.ranks)
      isTaken[round][rank] = true;
  }
  return rounds;
}

} // namespace xfer::runtime
