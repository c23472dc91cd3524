//===- WaitingTest.cpp - Verified plans finish, circular waits are refused --===//
//
// Runs plans in WaitingSimulation: those that verify-plan accepts finish, whoever is
// delayed; planted circular waits are refused, and seen to stall.
//===----------------------------------------------------------------------===//
#include "../Analysis/ParseForTest.h"
#include "WaitingSimulation.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Transforms/Passes.h"
#include <random>

namespace xfer {
namespace {

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

/// Lowers to windows of `peers` senders and destination sets. Broadcasts are made of whatever has
/// `broadcastTo` destinations; 0: of nothing.
void lower(ParsedModule &parsed, int64_t bucketBytes, int64_t broadcastTo, int64_t peers) {
  std::string bytes = std::to_string(bucketBytes);
  std::string text = "build-routes,select-sources,type-routes,cut-chunks{max-bytes=" + bytes +
                     "},assign-transport{broadcast-min-bytes=1 broadcast-min-destinations=" +
                     std::to_string(broadcastTo) +
                     "},split-roles,legalize-self-copy,form-buckets{max-bytes=" + bytes +
                     "},schedule-windows{peers=" + std::to_string(peers) + "}";
  PassManager manager;
  ASSERT_TRUE(succeeded(PassRegistry::parsePipeline(text, manager, parsed.diagnostics)));
  PassContext context{parsed.diagnostics, std::nullopt};
  ASSERT_TRUE(succeeded(manager.run(*parsed, context)));
}

PassResult verify(ParsedModule &parsed) {
  parsed.diagnostics.setHandler([](const llvm::SMDiagnostic &) {});
  PassContext context{parsed.diagnostics, std::nullopt};
  return createVerifyPlanPass()->run(*parsed, context);
}

using Event = Simulation::Event;

Simulation::Scheduler randomly(std::mt19937 &random) {
  return [&random](const std::vector<Event> &events) { return random() % events.size(); };
}

/// Always the event that `isBefore` puts first: some ranks run as far as they can, others are
/// delayed as long as anything else can happen.
template <typename Before> Simulation::Scheduler always(Before isBefore) {
  return [isBefore](const std::vector<Event> &events) {
    return std::min_element(events.begin(), events.end(), isBefore) - events.begin();
  };
}

/// Random orders, and the worst: the rank that is ahead runs on, or everyone waits for the one
/// behind; launches come before completions, or after; each rank in turn is delayed.
std::vector<Simulation::Scheduler> schedulers(const Module &module, std::mt19937 &random) {
  std::vector<Simulation::Scheduler> result(5, randomly(random));
  result.push_back(always([](const Event &a, const Event &b) { return a.numDone > b.numDone; }));
  result.push_back(always([](const Event &a, const Event &b) { return a.numDone < b.numDone; }));
  result.push_back(
      always([](const Event &a, const Event &b) { return a.completes < b.completes; }));
  result.push_back(
      always([](const Event &a, const Event &b) { return a.completes > b.completes; }));
  for (const Program &program : module.programs)
    result.push_back(always([delayed = program.rank](const Event &a, const Event &b) {
      return (a.rank == delayed) < (b.rank == delayed);
    }));
  return result;
}

TEST(Waiting, VerifiedPlansFinish) {
  std::mt19937 random(3);
  for (int64_t broadcastTo : {0, 2})
    for (int64_t bucketBytes : {4, 16, 64, 1 << 20}) {
      ParsedModule parsed(kJob);
      lower(parsed, bucketBytes, broadcastTo, /*peers=*/bucketBytes == 16 ? 1 : 4);
      ASSERT_NE(verify(parsed), PassResult::Failed);
      for (size_t inFlight : {1, 2, 3})
        for (const Simulation::Scheduler &scheduler : schedulers(*parsed, random))
          EXPECT_TRUE(Simulation(*parsed, inFlight).run(scheduler))
              << bucketBytes << " bytes a bucket, " << inFlight << " launches in flight";
    }
}

/// Exchanges two neighbouring windows of one rank, whose numbers keep ascending.
bool exchangeWindows(Program &program, size_t first) {
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

/// Puts off the first bucket of a window of one rank until its last window.
bool postpone(Program &program, size_t number) {
  if (number + 1 >= program.windows.size() || program.windows[number].numBuckets < 2)
    return false;
  auto first = program.buckets.begin() + program.windows[number].firstBucket;
  std::rotate(first, first + 1, program.buckets.end());
  --program.windows[number].numBuckets;
  ++program.windows.back().numBuckets;
  for (size_t w = number + 1; w < program.windows.size(); ++w)
    --program.windows[w].firstBucket;
  return true;
}

/// Exchanges the first two broadcasts of a window of one rank.
bool exchangeBroadcasts(Program &program, size_t number) {
  if (number >= program.windows.size())
    return false;
  const Window &window = program.windows[number];
  std::vector<Bucket *> broadcasts;
  for (Bucket &bucket :
       llvm::MutableArrayRef(program.buckets).slice(window.firstBucket, window.numBuckets))
    if (bucket.transport == Transport::Broadcast)
      broadcasts.push_back(&bucket);
  if (broadcasts.size() < 2)
    return false;
  std::swap(*broadcasts[0], *broadcasts[1]);
  return true;
}

struct Planted {
  const char *name;
  bool (*damage)(Program &program, size_t window);
  int64_t broadcastTo;
  int leastStalls;
};

class PlantedWaits : public testing::TestWithParam<Planted> {};

/// Every plan with a planted wait is refused. Not each must stall: some waits are no circle.
TEST_P(PlantedWaits, AreRefusedAndSomeStall) {
  std::mt19937 random(4);
  int refused = 0, stalled = 0;
  for (size_t rank = 0; rank < 12; ++rank)
    for (size_t window = 0; window < 8; ++window) {
      ParsedModule parsed(kJob);
      lower(parsed, 16, GetParam().broadcastTo, /*peers=*/4);
      if (rank >= parsed->programs.size() || !GetParam().damage(parsed->programs[rank], window))
        continue;
      EXPECT_EQ(verify(parsed), PassResult::Failed) << "program " << rank << " window " << window;
      ++refused;
      stalled += !Simulation(*parsed, /*inFlight=*/1).run(randomly(random));
    }
  EXPECT_GE(refused, stalled);
  EXPECT_GE(stalled, GetParam().leastStalls)
      << "of " << refused << ": the simulation must see a circular wait";
}

INSTANTIATE_TEST_SUITE_P(Waiting, PlantedWaits,
                         testing::Values(Planted{"windows", exchangeWindows, 0, 10},
                                         Planted{"postponed", postpone, 0, 3},
                                         Planted{"broadcasts", exchangeBroadcasts, 2, 2}),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace xfer
