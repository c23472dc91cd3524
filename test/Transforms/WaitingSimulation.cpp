//===- WaitingSimulation.cpp - A library that may wait for ever -----------===//
#include "WaitingSimulation.h"
#include "llvm/ADT/STLExtras.h"

namespace xfer {

/// What makes a bucket the same one on all its ranks.
static std::vector<int64_t> messageOf(const Bucket &bucket) {
  return {bucket.ends.sources, bucket.ends.sender, bucket.ends.destinations, bucket.ordinal};
}

std::vector<Launch> launchesOf(const Module &module, const Program &program) {
  std::vector<Launch> launches;
  for (const Window &window : program.windows) {
    Launch contributions, deliveries;
    std::vector<Launch> broadcasts;
    for (const Bucket &bucket : program.bucketsOf(window)) {
      const Endpoints &ends = bucket.ends;
      auto pair = [&](int64_t from, int64_t to) {
        return WireOperation{{from, to}, messageOf(bucket), {from, to}};
      };
      if (ends.isReduce() && bucket.roles.source)
        for (int64_t rank : module.rankList(ends.sources))
          if (rank != ends.sender && (rank == program.rank || ends.sender == program.rank))
            contributions.push_back(pair(rank, ends.sender));
      llvm::ArrayRef<int64_t> destinations = module.rankList(ends.destinations);
      if (bucket.transport == Transport::P2P)
        for (int64_t rank : destinations)
          if (rank == program.rank || ends.sender == program.rank)
            deliveries.push_back(pair(ends.sender, rank));
      if (bucket.transport != Transport::Broadcast)
        continue;
      WireOperation broadcast;
      llvm::append_range(broadcast.ranks, destinations);
      broadcast.ranks.push_back(ends.sender);
      llvm::sort(broadcast.ranks);
      broadcast.channel = broadcast.ranks;
      broadcast.channel.insert(broadcast.channel.begin(), -1); // no pair of ranks
      broadcast.message = messageOf(bucket);
      broadcasts.push_back({broadcast});
    }
    launches.push_back(contributions);
    launches.push_back(deliveries);
    llvm::append_range(launches, broadcasts);
  }
  llvm::erase_if(launches, [](const Launch &launch) { return launch.empty(); });
  return launches;
}

Simulation::Simulation(const Module &module, size_t inFlight) : inFlight(inFlight) {
  for (const Program &program : module.programs)
    ranks[program.rank].launches = launchesOf(module, program);
}

/// True if every rank of every operation of the oldest launch has posted it, as the same.
bool Simulation::canComplete(const Rank &rank) const {
  if (rank.numDone == rank.numPosted)
    return false;
  std::map<Channel, size_t> number = rank.done;
  for (const WireOperation &operation : rank.launches[rank.numDone]) {
    size_t at = number[operation.channel]++;
    for (int64_t peer : operation.ranks) {
      auto found = ranks.find(peer);
      if (found == ranks.end())
        return false;
      auto posted = found->second.posted.find(operation.channel);
      if (posted == found->second.posted.end() || posted->second.size() <= at ||
          posted->second[at] != operation.message)
        return false;
    }
  }
  return true;
}

std::vector<Simulation::Event> Simulation::events() const {
  std::vector<Event> events;
  for (const auto &[number, rank] : ranks) {
    if (rank.numPosted < rank.launches.size() && rank.numPosted - rank.numDone < inFlight)
      events.push_back({number, /*completes=*/false, rank.numDone});
    if (canComplete(rank))
      events.push_back({number, /*completes=*/true, rank.numDone});
  }
  return events;
}

void Simulation::post(Rank &rank) {
  for (const WireOperation &operation : rank.launches[rank.numPosted])
    rank.posted[operation.channel].push_back(operation.message);
  ++rank.numPosted;
}

void Simulation::complete(Rank &rank) {
  for (const WireOperation &operation : rank.launches[rank.numDone])
    ++rank.done[operation.channel];
  ++rank.numDone;
}

bool Simulation::run(const Scheduler &choose) {
  for (std::vector<Event> next = events(); !next.empty(); next = events()) {
    const Event &event = next[choose(next)];
    (event.completes ? complete : post)(ranks[event.rank]);
  }
  return llvm::all_of(ranks, [](const auto &entry) {
    return entry.second.numDone == entry.second.launches.size();
  });
}

} // namespace xfer
