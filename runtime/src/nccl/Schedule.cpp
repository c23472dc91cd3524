//===- Schedule.cpp - One rank's program as device work -------------------===//
//
// Staging: even windows lie at the low end, odd ones at the high end, so that
// any two in a row fit. Besides what the plan counts (buffers that are packed or
// folded into), a device needs room for what it receives, unless that goes
// straight into a target.
//
// Order: windows ascend; in a window contributions come first, then what is
// delivered point to point, then broadcasts in the order of the buckets, which is
// the same on every rank. A group has at most one message from this rank to each
// peer and one back: the k-th message of an ordered pair of ranks goes into the
// k-th group, which both ends count alike. NCCL versions in use hang on larger
// groups. Since all ranks go through (window, step, group) in one order, no wait is
// circular.
//===----------------------------------------------------------------------===//
#include "Schedule.h"
#include "../cuda/MessageHash.h"
#include <set>

namespace xfer::runtime {
namespace {

/// Of staged buffers: what NCCL's and the kernels' widest accesses want, what accesses of 16 bytes
/// want, and the least that every element type allows.
constexpr int64_t kStagingAlignments[] = {128, 16, 8};

/// Peers in each direction of a group: far below what makes NCCL spin on its own work queue.
constexpr int32_t kMaxGroupPeers = 2048;

} // namespace

Schedule::Schedule(const xfer_plan &plan, const Program &program, int64_t budget, bool checksums)
    : job(plan), program(program), checksums(checksums), places(program.buckets.size()) {
  for (const BucketStep &bucket : program.buckets)
    if (bucket.transport == Transport::Broadcast)
      if (BroadcastSet set = setOf(bucket); set.size() > 2)
        sets[std::move(set)] += bucket.bytes;
  for (const WindowStep &window : program.windows)
    windows.emplace_back().index = window.index;
  for (int64_t alignment : kStagingAlignments) {
    layOut(alignment);
    if (budget == 0 || stagingBytes <= budget)
      return;
  }
}

int32_t Schedule::positionOf(int64_t rank) const {
  return static_cast<int32_t>(std::lower_bound(job.ranks.begin(), job.ranks.end(), rank) -
                              job.ranks.begin());
}

Schedule::BroadcastSet Schedule::setOf(const BucketStep &bucket) const {
  std::set<int32_t> members = {positionOf(bucket.sender)};
  for (int64_t rank : job.destinationsOf(bucket).ranks)
    members.insert(positionOf(rank));
  return {members.begin(), members.end()};
}

/// Whether what a sender packs or folds goes to another rank.
bool Schedule::isSent(const BucketStep &bucket) const {
  const std::vector<int64_t> &destinations = job.destinationsOf(bucket).ranks;
  return std::any_of(destinations.begin(), destinations.end(),
                     [&](int64_t rank) { return rank != program.rank; });
}

int64_t Schedule::messageBytes(int64_t bytes) const {
  return checksums ? checksumOffset(bytes) + int64_t{sizeof(uint64_t)} : bytes;
}

void Schedule::layOut(int64_t alignment) {
  stagingBytes = 0;
  std::vector<int64_t> sizes;
  for (const WindowStep &window : program.windows) {
    int64_t end = 0;
    for (const BucketStep &bucket : program.bucketsOf(window))
      placeBucket(bucket, alignment, places[program.indexOf(bucket)], end);
    stagingBytes = std::max(stagingBytes, end + (sizes.empty() ? 0 : sizes.back()));
    sizes.push_back(end);
  }
  for (size_t i = 1; i < sizes.size(); i += 2) {
    const int64_t shift = (stagingBytes - sizes[i]) / alignment * alignment;
    auto move = [&](Place &place) { place.offset += place.base == kStagingBase ? shift : 0; };
    for (const BucketStep &bucket : program.bucketsOf(program.windows[i])) {
      BucketPlaces &moved = places[program.indexOf(bucket)];
      move(moved.contribution);
      move(moved.wire);
      std::for_each(moved.contributions.begin(), moved.contributions.end(), move);
    }
  }
}

/// Gives a bucket's buffers tensor memory where that will do, else staging from `end` on.
void Schedule::placeBucket(const BucketStep &bucket, int64_t alignment, BucketPlaces &placed,
                           int64_t &end) const {
  placed = {};
  auto stage = [&](int64_t bytes) {
    const Place place = {kStagingBase, end};
    end += (messageBytes(bytes) + alignment - 1) / alignment * alignment;
    return place;
  };
  auto tensor = [&](int32_t binding, int32_t nest) {
    return Place{1 + binding, job.nests[static_cast<size_t>(nest)].offset *
                                  byteWidth(program.binding(binding).dtype)};
  };
  const ChunkStep &chunk = program.chunksOf(bucket).front();
  const bool isSender = bucket.sender == program.rank;
  auto packed = [&](int64_t bytes, bool isMessage) {
    return bucket.packsInPlace && !(checksums && isMessage)
               ? tensor(chunk.sourceBinding, chunk.sourceNest)
               : stage(bytes);
  };
  if (bucket.isReduce && bucket.isSource)
    placed.contribution = packed(bucket.contributionBytes, !isSender);
  if (bucket.isReduce && isSender)
    for (int64_t rank : job.contributorsOf(bucket).ranks)
      placed.contributions.push_back(rank == program.rank ? placed.contribution
                                                          : stage(bucket.contributionBytes));
  if (isSender)
    placed.wire = bucket.isReduce ? stage(bucket.bytes) : packed(bucket.bytes, isSent(bucket));
  else if (bucket.isTarget)
    placed.wire = arrivesInPlace(bucket) ? tensor(chunk.targetBinding, chunk.targetNest)
                                         : stage(bucket.bytes);
}

void Schedule::plan(const std::map<BroadcastSet, int32_t> &communicators) {
  for (size_t i = 0; i < windows.size(); ++i)
    planWindow(i, communicators);
  addGroups(warmUpMessages(), warmUp);
}

/// One byte for every pair of ranks that will exchange messages.
std::vector<WireOperation> Schedule::warmUpMessages() const {
  std::vector<WireOperation> messages;
  std::set<std::pair<WireOperation::Kind, int32_t>> known;
  for (const WireOperation &operation : operations)
    if (operation.kind != WireOperation::Kind::Broadcast &&
        known.insert({operation.kind, operation.peer}).second)
      messages.push_back({operation.kind, 0, operation.peer, {}, 1});
  return messages;
}

void Schedule::planWindow(size_t index, const std::map<BroadcastSet, int32_t> &communicators) {
  using Kind = WireOperation::Kind;
  std::vector<WireOperation> gathers, messages, broadcasts;
  const WindowStep &window = program.windows[index];
  for (const BucketStep &bucket : program.bucketsOf(window)) {
    const BucketPlaces &placed = places[program.indexOf(bucket)];
    const bool isSender = bucket.sender == program.rank;
    if (bucket.isReduce && isSender) {
      const std::vector<int64_t> &contributors = job.contributorsOf(bucket).ranks;
      for (size_t i = 0; i < contributors.size(); ++i)
        if (contributors[i] != program.rank)
          gathers.push_back({Kind::Receive, 0, positionOf(contributors[i]), placed.contributions[i],
                             messageBytes(bucket.contributionBytes)});
    } else if (bucket.isReduce && bucket.isSource) {
      gathers.push_back({Kind::Send, 0, positionOf(bucket.sender), placed.contribution,
                         messageBytes(bucket.contributionBytes)});
    }
    if (bucket.transport == Transport::Broadcast) {
      const BroadcastSet set = setOf(bucket);
      if (auto found = communicators.find(set); found != communicators.end()) {
        const int32_t root = static_cast<int32_t>(
            std::lower_bound(set.begin(), set.end(), positionOf(bucket.sender)) - set.begin());
        broadcasts.push_back(
            {Kind::Broadcast, found->second, root, placed.wire, messageBytes(bucket.bytes)});
        continue;
      }
    }
    if (!isSender && bucket.isTarget)
      messages.push_back(
          {Kind::Receive, 0, positionOf(bucket.sender), placed.wire, messageBytes(bucket.bytes)});
    else if (isSender)
      for (int64_t rank : job.destinationsOf(bucket).ranks)
        if (rank != program.rank)
          messages.push_back(
              {Kind::Send, 0, positionOf(rank), placed.wire, messageBytes(bucket.bytes)});
  }
  DeviceWindow &to = windows[index];
  addGroups(gathers, to.gathers);
  addGroups(messages, to.deliveries);
  for (const WireOperation &broadcast : broadcasts) {
    groups.push_back({operations.size(), 1});
    operations.push_back(broadcast);
    ++to.deliveries.count;
  }
}

/// Spreads messages over groups: by how many came before between the same ranks, and by how far the
/// ranks are apart. Both ends know both.
void Schedule::addGroups(const std::vector<WireOperation> &messages, IndexRange &range) {
  struct GroupKey {
    int32_t turn, distance;
    auto operator<=>(const GroupKey &) const = default;
  };
  std::map<GroupKey, std::vector<WireOperation>> sorted;
  std::map<std::pair<WireOperation::Kind, int32_t>, int32_t> turns;
  for (const WireOperation &message : messages) {
    const int32_t turn = turns[{message.kind, message.peer}]++;
    sorted[{turn, distanceOf(message) / kMaxGroupPeers}].push_back(message);
  }
  range = {groups.size(), sorted.size()};
  for (const auto &[key, group] : sorted) {
    groups.push_back({operations.size(), group.size()});
    operations.insert(operations.end(), group.begin(), group.end());
  }
}

/// How many positions after the sender's the receiver's is, around the ring of all ranks.
int32_t Schedule::distanceOf(const WireOperation &message) const {
  const auto numRanks = static_cast<int32_t>(job.ranks.size());
  const int32_t forward = message.peer - positionOf(program.rank);
  return ((message.kind == WireOperation::Kind::Send ? forward : -forward) + numRanks) % numRanks;
}

std::vector<Schedule::WindowPeer> Schedule::peersOf(size_t index) const {
  std::map<int64_t, int64_t> buckets; // ordinal, by rank
  for (const BucketStep &bucket : program.bucketsOf(program.windows[index])) {
    if (bucket.sender != program.rank) {
      buckets.emplace(bucket.sender, bucket.ordinal);
      continue;
    }
    for (const RankList *list : {&job.contributorsOf(bucket), &job.destinationsOf(bucket)})
      for (int64_t rank : list->ranks)
        if (rank != program.rank)
          buckets.emplace(rank, bucket.ordinal);
  }
  std::vector<WindowPeer> peers;
  peers.reserve(buckets.size());
  for (const auto &[rank, ordinal] : buckets)
    peers.push_back({rank, ordinal});
  return peers;
}

} // namespace xfer::runtime
