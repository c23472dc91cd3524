//===- NcclSessionTest.cpp - Sessions on devices --------------------------===//
//
// What the conformance suite does not ask: streams, graphs, what a replay may
// call, communicators of broadcasts and the caller's own, faults that only a
// stand-in can make, and every call failing once. The stand-in watches all of it.
//===----------------------------------------------------------------------===//
#include "NcclJobs.h"
#include "nccl/BroadcastSets.h"
#include "nccl/NcclApi.h"
#include <atomic>
#include <chrono>

using namespace xfer;
using namespace xfer::test;
using runtime::CudaApi;
using runtime::CurrentDevice;
using runtime::NcclApi;

// Of the stand-in; the runtime itself captures nothing.
extern "C" {
int cudaStreamBeginCapture(void *stream, int mode);
int cudaStreamEndCapture(void *stream, void **graph);
int cudaGraphInstantiate(void **executable, void *graph, unsigned long long flags);
int cudaGraphLaunch(void *executable, void *stream);
int cudaGraphDestroy(void *graph);
int cudaGraphExecDestroy(void *executable);
int cudaStreamSynchronize(void *stream);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define COUNTS_ALLOCATIONS
static std::atomic<int64_t> numAllocations = 0;
extern "C" void *__libc_malloc(size_t size);
extern "C" void *malloc(size_t size) {
  ++numAllocations;
  return __libc_malloc(size);
}
#endif

namespace {

class NcclSession : public OnStandin {};

TEST_F(NcclSession, MovesEverythingOnAnyNumberOfRanks) {
  for (int64_t numRanks : {1, 2, 4, 7}) {
    Medley medley(numRanks, makePlace());
    medley.job->replay(3);
    medley.check();
  }
}

TEST_F(NcclSession, EveryPollingOfACommunicatorIsAwaited) {
  standin::setPolls(25);
  Medley medley(3, makePlace());
  medley.job->replay(2);
  medley.check();
}

TEST_F(NcclSession, SlowRanksChangeNothing) {
  standin::delay(1, 3);
  Medley medley(4, makePlace());
  medley.job->replay(2);
  medley.check();
}

TEST_F(NcclSession, BroadcastsBeyondTheLimitGoPointToPoint) {
  standin::resetCalls();
  Medley medley(4, makePlace());
  medley.job->replay();
  medley.check();
  // Ranks 1 and 3 broadcast to everybody: one set, one split of four ranks, one replay and a
  // byte to connect.
  EXPECT_EQ(standin::numCalls("ncclCommSplit"), 4);
  EXPECT_EQ(standin::numCalls("ncclBroadcast"), 4 * 3);
}

TEST_F(NcclSession, ReplayEnqueuesAndDoesNothingElse) {
  Medley medley(3, makePlace());
  Job &job = *medley.job;
  std::atomic<int> numReady = 0;
  const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
    void *stream = job.place->stream(rank);
    Outcome outcome = replayAndWait(session, -1);
    // All ranks together, as calls are counted for all.
    if (++numReady == 3)
      standin::resetCalls();
    while (standin::numCalls("cudaStreamCreateWithFlags") > 0)
      std::this_thread::yield();
    for (int i = 0; i < 5 && outcome.status == XFER_OK; ++i)
      outcome = Outcome::of(xfer_session_replay(session, stream));
    if (++numReady == 6) {
      for (const char *function :
           {"cudaMalloc", "cudaMallocHost", "cudaFree", "cudaFreeHost", "cudaStreamSynchronize",
            "cudaStreamCreateWithFlags", "cudaEventCreateWithFlags", "cudaEventQuery",
            "cudaMemcpyAsync", "ncclCommSplit", "ncclCommInitRankConfig", "ncclAllGather"})
        EXPECT_EQ(standin::numCalls(function), 0) << function;
    }
    while (numReady < 6)
      std::this_thread::yield();
    return outcome.status == XFER_OK ? Outcome::of(xfer_session_wait(session, -1)) : outcome;
  });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  medley.check();
}

#ifdef COUNTS_ALLOCATIONS
TEST_F(NcclSession, ReplayAllocatesNothing) {
  Medley medley(2, makePlace());
  Job &job = *medley.job;
  std::map<int64_t, xfer_session_t *> sessions = {{0, nullptr}, {1, nullptr}};
  job.onRanks({0, 1}, [&](int64_t rank) {
    Outcome outcome = job.open(rank, 20'000, &sessions[rank]);
    return outcome.status == XFER_OK ? job.bind(rank, sessions[rank]) : outcome;
  });
  void *stream = job.place->stream(0);
  standin::setNoOperation(true); // what is left is the runtime's own
  const int64_t before = numAllocations.load();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(xfer_session_replay(sessions[0], stream), XFER_OK);
  EXPECT_EQ(numAllocations.load() - before, 0);
  EXPECT_EQ(xfer_session_wait(sessions[0], -1), XFER_OK);
  standin::setNoOperation(false);
  job.onRanks({0, 1}, [&](int64_t rank) {
    xfer_session_destroy(sessions[rank]);
    return Outcome();
  });
}

#endif

TEST_F(NcclSession, ReplaysFollowTheirStreamAndEachOtherAcrossStreams) {
  Medley medley(2, makePlace());
  Job &job = *medley.job;
  const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
    runtime::CudaStream other = nullptr;
    const CurrentDevice current(*cuda, static_cast<int>(rank));
    EXPECT_EQ(cuda->StreamCreateWithFlags(&other, 1), 0);
    Outcome outcome;
    for (void *stream : {job.place->stream(rank), static_cast<void *>(other), (void *)nullptr})
      for (int i = 0; i < 2 && outcome.status == XFER_OK; ++i)
        outcome = Outcome::of(xfer_session_replay(session, stream));
    if (outcome.status == XFER_OK)
      outcome = Outcome::of(xfer_session_wait(session, -1));
    EXPECT_EQ(cuda->StreamDestroy(other), 0);
    return outcome;
  });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  medley.check();
}

TEST_F(NcclSession, GraphsReplayWhatWasCaptured) {
  Medley medley(3, makePlace());
  Job &job = *medley.job;
  std::map<int64_t, void *> graphs, executables;
  for (int64_t rank : job.ranks)
    graphs[rank] = executables[rank] = nullptr;
  std::map<int64_t, xfer_session_t *> sessions;
  for (int64_t rank : job.ranks)
    sessions[rank] = nullptr;
  auto expectOk = [&](const std::function<Outcome(int64_t)> &body) {
    for (const auto &[rank, outcome] : job.onRanks(job.ranks, body))
      EXPECT_EQ(outcome.status, XFER_OK) << rank << ": " << outcome.text;
  };
  expectOk([&](int64_t rank) {
    Outcome outcome = job.open(rank, 20'000, &sessions[rank]);
    return outcome.status == XFER_OK ? job.bind(rank, sessions[rank]) : outcome;
  });
  for (int64_t rank : job.ranks) {
    const CurrentDevice current(*cuda, static_cast<int>(rank));
    void *stream = job.place->stream(rank);
    ASSERT_EQ(cudaStreamBeginCapture(stream, 0), 0);
    EXPECT_EQ(xfer_session_replay(sessions[rank], stream), XFER_OK) << xfer_last_error();
    ASSERT_EQ(cudaStreamEndCapture(stream, &graphs[rank]), 0);
    ASSERT_EQ(cudaGraphInstantiate(&executables[rank], graphs[rank], 0), 0);
    EXPECT_EQ(xfer_session_wait(sessions[rank], 0), XFER_OK); // nothing of it runs yet
    EXPECT_EQ(xfer_session_write_timeline(sessions[rank], "/dev/null"), XFER_UNSUPPORTED);
  }
  for (int round = 1; round < 4; ++round) {
    medley.fill(round);
    expectOk([&](int64_t rank) {
      const CurrentDevice current(*cuda, static_cast<int>(rank));
      void *stream = job.place->stream(rank);
      if (round == 2) // one that is not captured, in between
        return Outcome::of(xfer_session_replay(sessions[rank], stream));
      EXPECT_EQ(cudaGraphLaunch(executables[rank], stream), 0);
      EXPECT_EQ(cudaStreamSynchronize(stream), 0);
      return Outcome();
    });
    expectOk([&](int64_t rank) { return Outcome::of(xfer_session_wait(sessions[rank], -1)); });
    medley.check();
  }
  for (int64_t rank : job.ranks) {
    EXPECT_EQ(cudaGraphExecDestroy(executables[rank]), 0);
    EXPECT_EQ(cudaGraphDestroy(graphs[rank]), 0);
  }
  expectOk([&](int64_t rank) {
    xfer_session_destroy(sessions[rank]);
    return Outcome();
  });
}

TEST_F(NcclSession, CallersCommunicatorIsSplitAndLeftAlone) {
  constexpr int kRanks = 3;
  Medley medley(kRanks, makePlace());
  Job &job = *medley.job;
  runtime::NcclUniqueId id;
  ASSERT_EQ(nccl->GetUniqueId(&id), 0);
  const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
    const CurrentDevice current(*cuda, static_cast<int>(rank));
    runtime::NcclConfig config;
    runtime::NcclComm comm = nullptr;
    EXPECT_EQ(nccl->CommInitRankConfig(&comm, kRanks, id, static_cast<int>(rank), &config), 0);
    xfer_nccl_options_t options = {};
    options.size = sizeof(options);
    options.comm = comm;
    xfer_group_t *group = nullptr;
    Outcome outcome = Outcome::of(xfer_group_create_nccl(&options, &group));
    for (int round = 0; round < 3 && outcome.status == XFER_OK; ++round) {
      xfer_session_t *session = nullptr;
      xfer_session_options_t sessionOptions = makeOptions(rank, group, 20'000);
      outcome = Outcome::of(xfer_session_create(job.plan, &sessionOptions, &session));
      if (outcome.status == XFER_OK)
        outcome = job.bind(rank, session);
      if (outcome.status == XFER_OK)
        outcome = replayAndWait(session);
      xfer_session_destroy(session);
    }
    xfer_group_destroy(group);
    EXPECT_EQ(nccl->CommDestroy(comm), 0);
    return outcome;
  });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << rank << ": " << outcome.text;
  medley.check();
}

TEST_F(NcclSession, CallersCommunicatorAgreesToo) {
  Job three(makeRing(3).build(), makePlace()), two(makeRing(2).build(), makePlace());
  runtime::NcclUniqueId id;
  ASSERT_EQ(nccl->GetUniqueId(&id), 0);
  const auto outcomes = two.onRanks({0, 1}, [&](int64_t rank) {
    const CurrentDevice current(*cuda, static_cast<int>(rank));
    runtime::NcclConfig config;
    runtime::NcclComm comm = nullptr;
    EXPECT_EQ(nccl->CommInitRankConfig(&comm, 2, id, static_cast<int>(rank), &config), 0);
    xfer_nccl_options_t options = {};
    options.size = sizeof(options);
    options.comm = comm;
    xfer_group_t *group = nullptr;
    EXPECT_EQ(xfer_group_create_nccl(&options, &group), XFER_OK);
    xfer_session_t *session = nullptr;
    xfer_session_options_t sessionOptions = makeOptions(rank, group, 20'000);
    const Outcome different = Outcome::of(
        xfer_session_create(rank == 0 ? two.plan : three.plan, &sessionOptions, &session));
    EXPECT_EQ(different.status, XFER_MISMATCH) << different.text;
    const Outcome outcome = Outcome::of(xfer_session_create(three.plan, &sessionOptions, &session));
    xfer_group_destroy(group);
    EXPECT_EQ(nccl->CommDestroy(comm), 0);
    return outcome;
  });
  for (const auto &[rank, outcome] : outcomes) {
    EXPECT_EQ(outcome.status, XFER_MISMATCH);
    EXPECT_TRUE(mentions(outcome, "the communicator has 2 ranks, but the plan 3")) << outcome.text;
  }
}

TEST_F(NcclSession, DroppedMessageEndsAtTheDeadlineAndSaysWhatMayBeTorn) {
  for (bool isInPlace : {false, true}) {
    Job job(makeExchange(isInPlace).build(), makePlace());
    const auto outcomes = withSessions(job, 500, [&](int64_t rank, xfer_session_t *session) {
      if (rank == 1)
        standin::dropAfter(1, 0);
      const Outcome outcome = replayAndWait(session);
      const char *const *names = nullptr;
      size_t count = 9;
      EXPECT_EQ(xfer_session_incomplete(session, &names, &count), XFER_OK);
      EXPECT_EQ(count, isInPlace ? 1u : 0u);
      EXPECT_EQ(xfer_session_write_timeline(session, "/dev/null"), XFER_OK); // as far as it came
      return outcome;
    });
    for (const auto &[rank, outcome] : outcomes) {
      EXPECT_TRUE(outcome.status == XFER_TIMEOUT || outcome.status == XFER_PEER_FAILED);
      EXPECT_TRUE(mentions(outcome, "did not take part in window 3")) << outcome.text;
      EXPECT_TRUE(mentions(outcome, isInPlace ? "partly written" : "no target was written"))
          << outcome.text;
      EXPECT_EQ(job.read<int32_t>(rank, "a")[8], static_cast<int32_t>(0xa5a5a5a5));
    }
    standin::heal();
    job.replay(); // the group serves a new session
  }
}

TEST_F(NcclSession, NoKernelWritesOnceTheSessionIsDead) {
  // The second of two windows is unpacked from what an abort leaves behind, unless it is stopped.
  PlanBuilder builder = makeExchange(false);
  builder.bucket({4,
                  fb::Transport::P2P,
                  {0},
                  0,
                  {1},
                  32,
                  {{0, builder.region(0, {{8, 1}}), builder.region(1, {{8, 2}})}},
                  1});
  Job job(builder.build(), makePlace());
  withSessions(job, 300, [&](int64_t rank, xfer_session_t *session) {
    if (rank == 0)
      standin::dropAfter(0, 1); // its first window goes through
    return replayAndWait(session);
  });
  EXPECT_EQ(job.read<int32_t>(1, "a")[1], static_cast<int32_t>(0xa5a5a5a5));
}

TEST_F(NcclSession, KilledRankIsNoticedByTheOthers) {
  for (bool isNoticed : {false, true}) {
    Job job(makeRing(3).build(), makePlace());
    const auto outcomes = withSessions(job, 700, [&](int64_t rank, xfer_session_t *session) {
      if (rank == 1) {
        standin::kill(1, isNoticed);
        return Outcome(); // never comes
      }
      return replayAndWait(session);
    });
    for (int64_t rank : {0, 2}) {
      EXPECT_TRUE(outcomes.at(rank).status == XFER_PEER_FAILED ||
                  outcomes.at(rank).status == XFER_TIMEOUT);
      EXPECT_TRUE(mentions(outcomes.at(rank), isNoticed ? "remote" : "rank 1 did not take part"))
          << outcomes.at(rank).text;
    }
    standin::heal();
  }
}

TEST_F(NcclSession, SeveralSilentRanksAreAllNamed) {
  Job job(makeRing(4).build(), makePlace());
  const auto outcomes = withSessions(job, 500, [&](int64_t rank, xfer_session_t *session) {
    return rank % 2 == 0 ? Outcome() : replayAndWait(session);
  });
  for (int64_t rank : {1, 3}) {
    EXPECT_EQ(outcomes.at(rank).status, XFER_TIMEOUT);
    EXPECT_TRUE(mentions(outcomes.at(rank), "rank 0 (bucket ")) << outcomes.at(rank).text;
    EXPECT_TRUE(mentions(outcomes.at(rank), ", rank 2 (bucket ")) << outcomes.at(rank).text;
    EXPECT_TRUE(mentions(outcomes.at(rank), ") did not take part in window 5"))
        << outcomes.at(rank).text;
    EXPECT_FALSE(mentions(outcomes.at(rank), "one of")) << outcomes.at(rank).text;
  }
}

TEST_F(NcclSession, EveryCallThatFailsEndsInAnErrorAndLeaksNothing) {
  // Each function fails at each of its calls in turn, in the life of a session.
  struct Fault {
    const char *function;
    int error;
    int64_t numCalls;
  };
  for (const Fault &fault : {Fault{"cudaMalloc", 2, 12},
                             Fault{"cudaMallocHost", 2, 6},
                             Fault{"cudaMemcpyAsync", 1, 10},
                             Fault{"cudaStreamCreateWithFlags", 1, 10},
                             Fault{"cudaEventCreateWithFlags", 1, 12},
                             Fault{"cudaEventRecord", 1, 12},
                             Fault{"cudaEventElapsedTime", 1, 2},
                             Fault{"cudaStreamWaitEvent", 1, 12},
                             Fault{"xfer_cuda_copy", 1, 6},
                             Fault{"xfer_cuda_hash", 1, 6},
                             Fault{"xfer_cuda_seal", 1, 4},
                             Fault{"xfer_cuda_verify", 1, 4},
                             Fault{"ncclCommInitRankConfig", 3, 2},
                             Fault{"ncclCommSplit", 3, 3},
                             Fault{"ncclSend", 3, 6},
                             Fault{"ncclRecv", 3, 6},
                             Fault{"ncclGroupEnd", 2, 6},
                             Fault{"ncclBroadcast", 3, 4},
                             Fault{"ncclAllGather", 3, 4},
                             Fault{"ncclCommGetAsyncError", 2, 12},
                             Fault{"cudaPointerGetAttributes", 1, 8}}) {
    for (int64_t nth = 1; nth <= fault.numCalls; nth += 1 + nth / 2) {
      Medley medley(3, makePlace());
      medley.job->checksums = std::string(fault.function).starts_with("xfer_cuda_");
      for (int64_t rank : medley.job->ranks)
        (void)medley.job->place->stream(rank);
      standin::failCall(fault.function, nth, fault.error);
      const auto outcomes = medley.job->onRanks(
          medley.job->ranks, [&](int64_t rank) { return medley.job->runRank(rank, 400); });
      standin::heal();
      for (const auto &[rank, outcome] : outcomes) {
        EXPECT_TRUE(outcome.status == XFER_OK || !outcome.text.empty());
        // Nobody's program is wrong: out of memory, or worth another session.
        EXPECT_TRUE(outcome.status == XFER_OK || outcome.status == XFER_OUT_OF_BUDGET ||
                    outcome.status >= XFER_MISMATCH)
            << fault.function << ": " << outcome.text;
      }
    }
    // A rank that stopped half-way leaves messages behind; nothing else may be out of order.
    for (const std::string &violation : standin::takeViolations())
      EXPECT_NE(violation.find("unmatched"), std::string::npos) << fault.function << violation;
    EXPECT_EQ(standin::describeAlive(), "") << fault.function;
  }
}

TEST_F(NcclSession, TensorsMustLieOnTheDevice) {
  Job job(makeRing(2).build(), makePlace());
  const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
    std::vector<int32_t> host(64);
    const int64_t shapes[] = {16, 8};
    xfer_binding_t bindings[] = {
        {"a", XFER_SOURCE, XFER_I32, 1, &shapes[0], nullptr, host.data()},
        {"a", XFER_TARGET, XFER_I32, 1, &shapes[1], nullptr, host.data() + 32}};
    const Outcome onHost = Outcome::of(xfer_session_bind(session, bindings, 2));
    EXPECT_EQ(onHost.status, XFER_INVALID_BINDING);
    EXPECT_TRUE(mentions(onHost, "source 'a' is not in device memory")) << onHost.text;
    void *foreign = job.place->allocate(1 - rank, 256);
    bindings[0].data = foreign;
    bindings[1].data = static_cast<char *>(foreign) + 128;
    const Outcome elsewhere = Outcome::of(xfer_session_bind(session, bindings, 2));
    EXPECT_EQ(elsewhere.status, XFER_INVALID_BINDING);
    EXPECT_TRUE(mentions(elsewhere, "is on device")) << elsewhere.text;
    job.place->release(foreign);
    return Outcome();
  });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
}

TEST_F(NcclSession, StagingBeyondTheBudgetIsRefused) {
  Job job(makeExchange(true).build(), makePlace());
  for (bool checksums : {false, true}) { // with them nothing arrives in place
    const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
      xfer_session_t *session = nullptr;
      xfer_session_options_t options = makeOptions(rank, job.place->group(rank), 500);
      options.checksums = checksums;
      options.staging_bytes = 64; // twice 32 bytes of tensor, but no checksums
      const Outcome outcome = Outcome::of(xfer_session_create(job.plan, &options, &session));
      xfer_session_destroy(session);
      return outcome;
    });
    for (const auto &[rank, outcome] : outcomes)
      EXPECT_EQ(outcome.status, checksums ? XFER_OUT_OF_BUDGET : XFER_OK) << outcome.text;
  }
}

TEST_F(NcclSession, OptionsMustSayWhereRanksMeet) {
  xfer_group_t *group = nullptr;
  xfer_nccl_options_t options = {};
  EXPECT_EQ(xfer_group_create_nccl(&options, &group), XFER_INVALID_ARGUMENT);
  options.size = sizeof(options);
  EXPECT_EQ(xfer_group_create_nccl(&options, &group), XFER_INVALID_ARGUMENT);
  EXPECT_STREQ(xfer_last_error(), "'options.store' is NULL");
  EXPECT_EQ(xfer_group_create_nccl(nullptr, &group), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(group, nullptr);
}

TEST(BroadcastSets, AreServedByBytesUpToTheLimit) {
  using namespace xfer::runtime;
  // Ranks 0-3; sets {0,1,2} (7), {1,2,3} (8), {0,3} is none of ours, 9 is stated by one rank alone.
  const SetRecord none = {0, 0, 0};
  const std::vector<SetRecord> records = {{7, 10, 3}, none,        none, // rank 0
                                          {7, 10, 3}, {8, 50, 3},  none, // rank 1
                                          {8, 50, 3}, {7, 10, 3},  none, // rank 2
                                          {8, 50, 3}, {9, 999, 2}, none};
  const std::vector<SplitRound> one = chooseSplits(records, 3, 1);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].hashes, (std::vector<uint64_t>{8}));
  const std::vector<SplitRound> two = chooseSplits(records, 3, 8);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].hashes, (std::vector<uint64_t>{7}));
  EXPECT_TRUE(chooseSplits(records, 3, 0).empty());
}

TEST(BroadcastSets, DisjointSetsShareASplit) {
  using namespace xfer::runtime;
  const std::vector<SetRecord> records = {{7, 1, 2}, {7, 1, 2}, {8, 1, 2}, {8, 1, 2}};
  const std::vector<SplitRound> rounds = chooseSplits(records, 1, 1);
  ASSERT_EQ(rounds.size(), 1u);
  EXPECT_EQ(rounds[0].hashes, (std::vector<uint64_t>{7, 8}));
}

} // namespace
