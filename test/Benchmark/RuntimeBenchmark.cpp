//===- RuntimeBenchmark.cpp - What replaying costs, as ratios -------------===//
//
// runtime-benchmark PLAN: replays a plan that `xfer-opt --emit=plan` wrote, with
// every rank a thread, and prints how its time relates to work that somebody must
// do anyway, measured in turn in the same run:
//   threads    to plain loops that copy or convert the same elements once
//   gloo       to Gloo alone, with the same messages and with one per chunk
// Without a plan: what one of a million tiny chunks costs. Targets are checked.
//===----------------------------------------------------------------------===//
#include "../Runtime/Job.h"
#include "Messages.h"
#include "RawGloo.h"
#include <barrier>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sys/resource.h>

using namespace xfer;
using namespace xfer::test;
using runtime::Envelope;
using runtime::LoopNest;

namespace {

/// Wall-clock and processor seconds of the whole process.
struct Times {
  double wall = 1e30, processor = 1e30;
};

double processorSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const timeval &user = usage.ru_utime, &system = usage.ru_stime;
  return static_cast<double>(user.tv_sec + system.tv_sec) +
         1e-6 * static_cast<double>(user.tv_usec + system.tv_usec);
}

/// Runs contestants in turn and keeps the best times of each: other load hits all alike.
std::vector<Times> race(int rounds, const std::vector<std::function<void()>> &contestants) {
  std::vector<Times> best(contestants.size());
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < contestants.size(); ++i) {
      const auto begin = std::chrono::steady_clock::now();
      const double processor = processorSeconds();
      contestants[i]();
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
      best[i].wall = std::min(best[i].wall, wall.count());
      best[i].processor = std::min(best[i].processor, processorSeconds() - processor);
    }
  return best;
}

/// "1.20 times as long as plain loops (80.0 ms), 1.10 times the processor time".
void print(const char *name, const Times &replay, const char *baseline, const Times &other) {
  std::printf("%s: %.1f ms, %.2f times as long as %s (%.1f ms); %.2f times the processor time\n",
              name, replay.wall * 1e3, replay.wall / other.wall, baseline, other.wall * 1e3,
              replay.processor / other.processor);
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

/// The elements of a nest, in order.
std::vector<int64_t> offsetsOf(const LoopNest &nest) {
  std::vector<int64_t> offsets = {nest.offset};
  for (const runtime::Loop &loop : nest.loops) {
    std::vector<int64_t> longer;
    longer.reserve(offsets.size() * static_cast<size_t>(loop.size));
    for (int64_t offset : offsets)
      for (int64_t i = 0; i < loop.size; ++i)
        longer.push_back(offset + i * loop.stride);
    offsets.swap(longer);
  }
  return offsets;
}

/// One chunk from one rank's memory to another's.
struct Move {
  const std::byte *from;
  std::byte *to;
  const LoopNest *source, *target;
  xfer_dtype_t fromType, toType;
};

/// Every chunk of a plan without reductions.
std::vector<Move> movesOf(Job &job) {
  std::vector<Move> moves;
  const xfer_plan &plan = *job.plan;
  for (const runtime::Program &sender : plan.programs)
    for (const runtime::BucketStep &bucket : sender.buckets) {
      if (bucket.isReduce)
        Contest::fail("the plan reduces; the benchmark's plain loops do not");
      if (bucket.sender != sender.rank)
        continue;
      for (int64_t destination : plan.destinationsOf(bucket).ranks) {
        const runtime::Program &receiver = *plan.findProgram(destination);
        for (const runtime::BucketStep &other : receiver.buckets) {
          if (other.sender != bucket.sender || other.ordinal != bucket.ordinal ||
              other.destinations != bucket.destinations || other.transport != bucket.transport)
            continue;
          for (int32_t i = 0; i < bucket.numChunks; ++i) {
            const runtime::ChunkStep &source = sender.chunksOf(bucket)[static_cast<size_t>(i)],
                                     &target = receiver.chunksOf(other)[static_cast<size_t>(i)];
            const auto &from = sender.binding(source.sourceBinding);
            const auto &to = receiver.binding(target.targetBinding);
            moves.push_back(
                {static_cast<const std::byte *>(job.dataOf(sender.rank, *from.name, XFER_SOURCE)),
                 static_cast<std::byte *>(job.dataOf(destination, *to.name, XFER_TARGET)),
                 &plan.nests[static_cast<size_t>(source.sourceNest)],
                 &plan.nests[static_cast<size_t>(target.targetNest)], from.dtype, to.dtype});
          }
        }
      }
    }
  return moves;
}

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

int64_t widthOf(xfer_dtype_t dtype) { return runtime::byteWidth(dtype); }

/// Compares every target element with its source, one at a time.
void check(const std::vector<Move> &moves) {
  for (const Move &move : moves) {
    const std::vector<int64_t> from = offsetsOf(*move.source), to = offsetsOf(*move.target);
    const auto copy = runtime::copyFunction(move.fromType, move.toType);
    for (size_t i = 0; i < from.size(); ++i) {
      std::byte expected[8];
      copy(move.from + from[i] * widthOf(move.fromType), 2, expected, 2,
           1); // the plain element loop
      if (std::memcmp(expected, move.to + to[i] * widthOf(move.toType),
                      static_cast<size_t>(widthOf(move.toType))) != 0)
        Contest::fail("a target element is wrong");
    }
  }
}

__attribute__((noinline)) void convertPlainly(const uint32_t *from, uint16_t *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<uint16_t>((from[i] + 0x7fff + ((from[i] >> 16) & 1)) >> 16);
}

/// Moves as many elements as the plan does, each once, between the plan's own buffers.
void movePlainly(const std::vector<Move> &moves) {
  const unsigned numThreads = std::thread::hardware_concurrency();
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < numThreads; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < moves.size(); i += numThreads) {
        const Move &move = moves[i];
        const int64_t count = move.source->numElements;
        const std::byte *from = move.from + move.source->offset * widthOf(move.fromType);
        std::byte *to = move.to + move.target->offset * widthOf(move.toType);
        // Dense, from where the chunk begins; a strided chunk reaches at least as far.
        if (move.fromType == move.toType)
          std::memcpy(to, from, static_cast<size_t>(count * widthOf(move.toType)));
        else
          convertPlainly(reinterpret_cast<const uint32_t *>(from), reinterpret_cast<uint16_t *>(to),
                         count);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

void raceThreads(const std::vector<uint8_t> &bytes, int rounds) {
  Contest contest(bytes, makeThreadsPlace());
  fillSources(contest.job);
  const std::vector<Move> moves = movesOf(contest.job);
  contest.replay();
  check(moves);
  const std::vector<Times> times =
      race(rounds, {[&] { contest.replay(); }, [&] { movePlainly(moves); }});
  print("threads", times[0], "plain loops", times[1]);
}

void raceGloo(const std::vector<uint8_t> &bytes, int rounds) {
  const Backend *gloo = nullptr;
  for (const Backend *backend : backends())
    gloo = std::string(backend->name()) == "gloo" ? backend : gloo;
  Contest contest(bytes, gloo->makePlace());
  fillSources(contest.job);
  contest.replay();
  check(movesOf(contest.job));
  for (bool perChunk : {false, true}) {
    RawGloo raw(*contest.job.plan, perChunk);
    const std::vector<Times> times = race(rounds, {[&] { contest.replay(); }, [&] { raw.run(); }});
    print("gloo", times[0], perChunk ? "Gloo alone, a message per chunk" : "Gloo alone", times[1]);
  }
  double pack = 0, wait = 0, unpack = 0, all = 0;
  for (xfer_session_t *session : contest.sessions) {
    xfer_counters_t counters = {};
    (void)xfer_session_get_counters(session, &counters);
    pack += static_cast<double>(counters.pack_ns);
    wait += static_cast<double>(counters.wait_ns);
    unpack += static_cast<double>(counters.unpack_ns);
    all += static_cast<double>(counters.replay_ns);
  }
  std::printf("gloo: of the ranks' time %.0f%% packs, %.0f%% waits, %.0f%% unpacks\n",
              100 * pack / all, 100 * wait / all, 100 * unpack / all);
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
  contest.replay();
  check(movesOf(contest.job));
  const double seconds = race(10, {[&] { contest.replay(); }})[0].wall;
  std::printf("tiny chunks: %.1f ns for each of %lld, packed and unpacked\n",
              seconds * 1e9 / kChunks, static_cast<long long>(kChunks));
}

} // namespace

int main(int argc, char **argv) {
  raceTinyChunks();
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    raceThreads(bytes, 7);
    raceGloo(bytes, 5);
  }
}
