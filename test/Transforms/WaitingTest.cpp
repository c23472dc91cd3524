//===- WaitingTest.cpp - Verified plans finish, circular waits are refused --===//
//
// Executes the windows of a plan under the weakest semantics that a
// communication library allows: a message completes only when both ends have
// posted it, the k-th send of an ordered pair meets its k-th receive, and a
// group completes as one. The order in which ranks run is random.
//===----------------------------------------------------------------------===//
#include "../Analysis/ParseForTest.h"
#include "xfer/Transforms/Passes.h"
#include "xfer/Transforms/Pipelines.h"
#include <map>
#include <random>

namespace xfer {
namespace {

struct Channel {
  int64_t communicator, from, to;
  auto operator<=>(const Channel &) const = default;
};

/// What one rank posts at once.
using Group = std::vector<Channel>;

/// The groups of one rank: each window is one, a window of reductions two.
std::vector<Group> groupsOf(const Module &module, const Program &program) {
  std::vector<Group> groups;
  for (const Window &window : program.windows) {
    Group contributions, deliveries;
    for (const Bucket &bucket : program.bucketsOf(window)) {
      const Endpoints &ends = bucket.ends;
      if (ends.isReduce() && bucket.roles.source)
        for (int64_t rank : module.rankList(ends.sources))
          if (rank != ends.sender && (rank == program.rank || ends.sender == program.rank))
            contributions.push_back({0, rank, ends.sender});
      if (bucket.transport == Transport::Local || bucket.transport == Transport::None)
        continue;
      int64_t communicator = bucket.transport == Transport::Broadcast ? 1 + ends.destinations : 0;
      for (int64_t rank : module.rankList(ends.destinations))
        if (rank == program.rank || ends.sender == program.rank)
          deliveries.push_back({communicator, ends.sender, rank});
    }
    groups.push_back(contributions);
    groups.push_back(deliveries);
  }
  return groups;
}

class Simulation {
public:
  explicit Simulation(const Module &module) {
    for (const Program &program : module.programs)
      ranks[program.rank].groups = groupsOf(module, program);
  }

  /// True if every rank reaches its end.
  bool run(std::mt19937 &random) {
    std::vector<int64_t> order;
    for (auto &[rank, state] : ranks)
      order.push_back(rank);
    for (bool progress = true; progress;) {
      progress = false;
      std::shuffle(order.begin(), order.end(), random);
      for (int64_t rank : order)
        progress |= advance(rank);
    }
    return llvm::all_of(
        ranks, [](const auto &entry) { return entry.second.next == entry.second.groups.size(); });
  }

private:
  struct Rank {
    std::vector<Group> groups;
    size_t next = 0;                 ///< the group that is posted and not complete
    std::map<Channel, int64_t> done; ///< completed messages by channel
  };

  /// Messages of a channel that the rank has posted.
  int64_t posted(int64_t rank, const Channel &channel) {
    Rank &state = ranks[rank];
    int64_t count = state.done[channel];
    if (state.next < state.groups.size())
      count += llvm::count(state.groups[state.next], channel);
    return count;
  }

  bool advance(int64_t rank) {
    Rank &state = ranks[rank];
    if (state.next == state.groups.size())
      return false;
    const Group &group = state.groups[state.next];
    for (const Channel &channel : group) {
      int64_t peer = channel.from == rank ? channel.to : channel.from;
      if (posted(peer, channel) < state.done[channel] + llvm::count(group, channel))
        return false;
    }
    for (const Channel &channel : group)
      ++state.done[channel];
    ++state.next;
    return true;
  }

  std::map<int64_t, Rank> ranks;
};

constexpr const char *kJob =
    "mesh @a = [dp=2, tp=3]\nmesh @b = [tp=3, dp=2] ranks [4, 5, 6, 7, 8, 9]\n"
    "mesh @c = [x=2] ranks [1, 8]\n"
    "tensor @r : f32[24]\nsource @r on @a\ntarget @r on @b\ntarget @r on @d\n"
    "mesh @d = [x=3] ranks [0, 20, 21]\n"
    "tensor @s : f32[24]\nsource @s on @a split [{dp}]\ntarget @s on @b split [{tp}]\n"
    "tensor @t : bf16[24]\nsource @t : f32 on @a split [{tp}]\ntarget @t on @b split [{dp}]\n"
    "tensor @u : f32[24]\nsource @u on @b split [{cyclic(dp, 3)}]\ntarget @u on @a split [{tp}]\n"
    "tensor @g : f32[24]\nsource @g on @a split [{tp}] partial<sum>{dp}\ntarget @g on @b\n"
    "tensor @h : f32[24]\nsource @h on @a partial<max>{tp}\ntarget @h on @c\n";

void lower(ParsedModule &parsed, int64_t bucketBytes, int64_t stagingBytes) {
  PassManager manager;
  buildDefaultPipeline(manager, *parsed, {stagingBytes, bucketBytes});
  PassContext context{parsed.diagnostics, std::nullopt};
  ASSERT_TRUE(succeeded(manager.run(*parsed, context)));
}

PassResult verify(ParsedModule &parsed) {
  parsed.diagnostics.setHandler([](const llvm::SMDiagnostic &) {});
  PassContext context{parsed.diagnostics, std::nullopt};
  return createVerifyPlanPass()->run(*parsed, context);
}

TEST(Waiting, VerifiedPlansFinish) {
  std::mt19937 random(3);
  for (int64_t bucketBytes : {4, 16, 64, 1 << 20}) {
    ParsedModule parsed(kJob);
    lower(parsed, bucketBytes, 1 << 20);
    ASSERT_NE(verify(parsed), PassResult::Failed);
    for (int round = 0; round < 20; ++round)
      EXPECT_TRUE(Simulation(*parsed).run(random)) << bucketBytes << " bytes a bucket";
  }
}

/// Exchanges two neighbouring windows of one rank, whose numbers keep ascending.
bool exchange(Program &program, size_t first) {
  if (first + 1 >= program.windows.size())
    return false;
  Window &left = program.windows[first], &right = program.windows[first + 1];
  std::rotate(program.buckets.begin() + left.firstBucket,
              program.buckets.begin() + right.firstBucket,
              program.buckets.begin() + right.firstBucket + right.numBuckets);
  std::swap(left.numBuckets, right.numBuckets);
  right.firstBucket = left.firstBucket + left.numBuckets;
  return true;
}

TEST(Waiting, ExchangedWindowsAreRefusedAndSomeStall) {
  std::mt19937 random(4);
  int refused = 0, stalled = 0;
  for (size_t rank = 0; rank < 12; ++rank)
    for (size_t window = 0; window < 8; ++window) {
      ParsedModule parsed(kJob);
      lower(parsed, 16, 1 << 20);
      if (rank >= parsed->programs.size() || !exchange(parsed->programs[rank], window))
        continue;
      EXPECT_EQ(verify(parsed), PassResult::Failed) << "program " << rank << " window " << window;
      ++refused;
      stalled += !Simulation(*parsed).run(random);
    }
  EXPECT_GT(refused, 50);
  EXPECT_GT(stalled, 10) << "the simulation must be able to see a circular wait";
}

} // namespace
} // namespace xfer
