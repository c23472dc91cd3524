//===- RuntimeBenchmark.cpp - What replaying costs, as ratios -------------===//
//
// runtime-benchmark PLAN: replays a plan that `xfer-opt --emit=plan` wrote, with
// every rank a thread, and prints how its time relates to work that somebody must
// do anyway, measured in turn in the same run:
//   threads    to plain loops that copy or convert the same elements once
//   gloo       to Gloo alone with the same messages, to that and plain loops for what
//              the plan packs, and to a message per tensor as one writes it by hand
// Without a plan: what one of a million tiny chunks costs. Targets are checked.
//===----------------------------------------------------------------------===//
#include "PlainLoops.h"
#include "Race.h"
#include "TensorByTensor.h"
#include <cstdio>
#include <fstream>
#include <iterator>

using namespace xfer;
using namespace xfer::test;

namespace {

/// "1.20 times as long as plain loops, 80.0 ms; 1.10 times the processor time".
void compare(const Race &race, const char *baseline, const std::vector<size_t> &others) {
  double wall = 0;
  for (size_t other : others)
    wall += race.wall(other);
  std::printf("  %.2f times as long as %s, %.1f ms; %.2f times the processor time\n",
              race.ratio(0, others), baseline, wall * 1e3, race.processorRatio(0, others));
}

/// Sessions of all ranks, replayed at once.
class Contest {
public:
  Contest(const std::vector<uint8_t> &bytes, std::shared_ptr<Place> place)
      : job(bytes, std::move(place)), sessions(job.ranks.size()) {
    for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
           xfer_session_t *&session = sessions[indexOf(each)];
           const Outcome opened = job.open(each, 60'000, &session);
           return opened.status == XFER_OK ? job.bind(each, session) : opened;
         }))
      if (outcome.status != XFER_OK)
        fail(outcome.text);
    for (const runtime::Program &program : job.plan->programs)
      for (const runtime::BucketStep &bucket : program.buckets)
        if (bucket.isReduce)
          fail("the plan reduces, which nothing here is compared with");
  }
  ~Contest() {
    job.onRanks(job.ranks, [&](int64_t rank) {
      xfer_session_destroy(sessions[indexOf(rank)]);
      return Outcome();
    });
  }
  void replay() {
    for (xfer_session_t *session : sessions)
      if (xfer_session_replay(session, nullptr) != XFER_OK)
        fail(xfer_last_error());
    for (xfer_session_t *session : sessions)
      if (xfer_session_wait(session, -1) != XFER_OK)
        fail(xfer_last_error());
  }
  [[noreturn]] static void fail(const std::string &text) {
    std::fprintf(stderr, "error: %s\n", text.c_str());
    std::exit(1);
  }
  size_t indexOf(int64_t rank) const {
    return static_cast<size_t>(std::lower_bound(job.ranks.begin(), job.ranks.end(), rank) -
                               job.ranks.begin());
  }

  Job job;
  std::vector<xfer_session_t *> sessions;
};

void fillSources(Job &job) {
  uint32_t state = 1;
  for (int64_t rank : job.ranks)
    for (const xfer_binding_info_t &binding : job.bindingsOf(rank))
      if (binding.side == XFER_SOURCE) {
        auto *floats = static_cast<float *>(job.dataOf(rank, binding.name, XFER_SOURCE));
        for (int64_t i = 0; i < binding.bytes / 4; ++i)
          floats[i] =
              static_cast<float>(static_cast<int32_t>(state = state * 1664525 + 1013904223));
      }
}

/// Whether `transfer` writes every target element as its source says.
void check(Job &job, const std::function<void()> &transfer) {
  for (int64_t rank : job.ranks)
    for (const xfer_binding_info_t &binding : job.bindingsOf(rank))
      if (binding.side == XFER_TARGET)
        std::memset(job.dataOf(rank, binding.name, XFER_TARGET), 0xa5,
                    static_cast<size_t>(binding.bytes));
  transfer();
  if (!areRight(movesOf(job)))
    Contest::fail("a target element is wrong");
}

void raceThreads(const std::vector<uint8_t> &bytes, int rounds) {
  Contest contest(bytes, makeThreadsPlace());
  fillSources(contest.job);
  check(contest.job, [&] { contest.replay(); });
  const PlainLoops plain = PlainLoops::ofMoves(movesOf(contest.job));
  const Race race(rounds, {[&] { contest.replay(); }, [&] { plain.run(); }});
  std::printf("threads: %.1f ms\n", race.wall(0) * 1e3);
  compare(race, "plain loops", {1});
}

void raceGloo(const std::vector<uint8_t> &bytes, int rounds) {
  const Backend *gloo = nullptr;
  for (const Backend *backend : backends())
    gloo = std::string(backend->name()) == "gloo" ? backend : gloo;
  Contest contest(bytes, gloo->makePlace());
  fillSources(contest.job);
  check(contest.job, [&] { contest.replay(); });
  SameMessages messages(*contest.job.plan);
  const PlainLoops plain = PlainLoops::besideWire(contest.job);
  TensorByTensor byHand(contest.job);
  check(contest.job, [&] { byHand.run(); });
  const Race race(rounds, {[&] { contest.replay(); }, [&] { messages.run(); }, [&] { plain.run(); },
                           [&] { byHand.run(); }});
  std::printf("gloo: %.1f ms\n", race.wall(0) * 1e3);
  compare(race, "the same messages over Gloo alone", {1});
  compare(race, "those and plain loops for what must be packed", {1, 2});
  compare(race, "a message per tensor, packed by hand", {3});
  double pack = 0, wait = 0, unpack = 0, all = 0;
  for (xfer_session_t *session : contest.sessions) {
    xfer_counters_t counters = {};
    (void)xfer_session_get_counters(session, &counters);
    pack += static_cast<double>(counters.pack_ns);
    wait += static_cast<double>(counters.wait_ns);
    unpack += static_cast<double>(counters.unpack_ns);
    all += static_cast<double>(counters.replay_ns);
  }
  std::printf("  of the ranks' time %.0f%% packs, %.0f%% waits, %.0f%% unpacks\n", 100 * pack / all,
              100 * wait / all, 100 * unpack / all);
}

/// Two ranks, a million chunks of two elements each way round, in buckets of a thousand.
void raceTinyChunks() {
  constexpr int64_t kChunks = 1'000'000, kPerBucket = 1000;
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::F32);
  builder.source(0, a, fb::DType::F32, {3 * kChunks});
  builder.target(1, a, fb::DType::F32, {3 * kChunks});
  for (int64_t first = 0; first < kChunks; first += kPerBucket) {
    BucketText bucket = {first / kPerBucket, fb::Transport::P2P, {0}, 0, {1}, 8 * kPerBucket, {},
                         first / kPerBucket};
    for (int64_t i = 0; i < kPerBucket; ++i) {
      const uint32_t region = builder.region(3 * (first + i), {{2, 1}});
      bucket.chunks.push_back({a, region, region, 8 * i});
    }
    builder.bucket(bucket);
  }
  Contest contest(builder.build(), makeThreadsPlace());
  fillSources(contest.job);
  check(contest.job, [&] { contest.replay(); });
  const double seconds = Race(11, {[&] { contest.replay(); }}).wall(0);
  std::printf("tiny chunks: %.1f ns for each of %lld, packed and unpacked\n",
              seconds * 1e9 / kChunks, static_cast<long long>(kChunks));
}

} // namespace

int main(int argc, char **argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0); // what was measured is seen also if the rest is cut off
  raceTinyChunks();
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    raceThreads(bytes, 9);
    raceGloo(bytes, 9);
  }
}
