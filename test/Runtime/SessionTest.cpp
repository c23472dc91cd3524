//===- SessionTest.cpp - Agreement, binding, deadlines, failures ----------===//
//
// What can go wrong between ranks ends in an error on every one of them that
// says who and where, soon, and never in a hang.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include <chrono>

using namespace xfer;
using namespace xfer::test;

namespace {

/// Ring of one message from each rank to the next.
PlanBuilder makeRing(int64_t numRanks, int64_t count = 8) {
  PlanBuilder builder(iota<int64_t>(static_cast<size_t>(numRanks)));
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  const uint32_t all = builder.region(0, {{count, 1}}), even = builder.region(0, {{count, 2}});
  for (int64_t rank = 0; rank < numRanks; ++rank) {
    builder.source(rank, a, fb::DType::I32, {2 * count});
    builder.target(rank, a, fb::DType::I32, {count});
  }
  for (int64_t rank = 0; rank < numRanks; ++rank)
    builder.bucket({5,
                    fb::Transport::P2P,
                    {rank},
                    rank,
                    {(rank + 1) % numRanks},
                    4 * count,
                    {{a, even, all}}});
  return builder;
}

bool mentions(const Outcome &outcome, const std::string &text) {
  return outcome.text.find(text) != std::string::npos;
}

TEST(Session, ManyMoreRanksThanCores) {
  Job job(makeRing(128).build());
  for (int64_t rank = 0; rank < 128; ++rank)
    job.fill<int32_t>(rank, "a", iota<int32_t>(16, static_cast<int32_t>(100 * rank)));
  job.replay(10);
  for (int32_t rank = 0; rank < 128; ++rank)
    EXPECT_EQ(job.read<int32_t>((rank + 1) % 128, "a")[3], 100 * rank + 6);
}

TEST(Session, GroupServesOneSessionAfterAnother) {
  Job job(makeRing(3).build());
  for (int round = 0; round < 20; ++round)
    job.replay();
}

TEST(Session, MissingRankFailsAgreementByItsName) {
  Job job(makeRing(3).build());
  const auto outcomes = job.onRanks({0, 2}, [&](int64_t rank) { return job.runRank(rank, 500); });
  for (const auto &[rank, outcome] : outcomes) {
    EXPECT_EQ(outcome.status, XFER_TIMEOUT);
    EXPECT_TRUE(mentions(outcome, "ranks 1 did not join")) << outcome.text;
  }
  job.replay(); // the group can be used again
}

TEST(Session, DigestsThatDifferAreNamedOnEveryRank) {
  PlanBuilder other = makeRing(4);
  other.plan.pipeline = "another";
  Job job(makeRing(4).build()), otherJob(other.build());
  for (int round = 0; round < 10; ++round) {
    const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
      xfer_session_t *session = nullptr;
      xfer_session_options_t options = makeOptions(rank, job.group, 20'000);
      return Outcome::of(
          xfer_session_create(rank == 2 ? otherJob.plan : job.plan, &options, &session));
    });
    char digests[2][19];
    int i = 0;
    for (const Job *each : {&job, &otherJob}) {
      xfer_plan_info_t info = {};
      ASSERT_EQ(xfer_plan_get_info(each->plan, &info), XFER_OK);
      std::snprintf(digests[i++], 19, "0x%016llx", static_cast<unsigned long long>(info.digest));
    }
    for (const auto &[rank, outcome] : outcomes) {
      EXPECT_EQ(outcome.status, XFER_MISMATCH) << rank;
      EXPECT_TRUE(mentions(outcome, digests[0]) && mentions(outcome, digests[1])) << outcome.text;
    }
  }
  job.replay();
}

TEST(Session, RankCountsThatDifferAreAMismatchAlsoForLateRanks) {
  Job small(makeRing(2).build()), large(makeRing(3).build());
  const auto outcomes = large.onRanks(large.ranks, [&](int64_t rank) {
    xfer_session_t *session = nullptr;
    xfer_session_options_t options = makeOptions(rank, small.group, 20'000);
    if (rank == 2) // after the others have failed, though only the large plan knows it
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return Outcome::of(
        xfer_session_create(rank == 0 ? small.plan : large.plan, &options, &session));
  });
  for (const auto &[rank, outcome] : outcomes) {
    EXPECT_EQ(outcome.status, XFER_MISMATCH) << rank;
    EXPECT_TRUE(mentions(outcome, "for 2") && mentions(outcome, "for 3")) << outcome.text;
  }
}

TEST(Session, RankThatJoinsTwiceIsRefused) {
  Job job(makeRing(2).build());
  std::thread first([&] { EXPECT_EQ(job.runRank(0, 2000).status, XFER_TIMEOUT); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Outcome outcome = job.runRank(0, 2000);
  EXPECT_EQ(outcome.status, XFER_INVALID_ARGUMENT);
  EXPECT_TRUE(mentions(outcome, "rank 0 has joined twice")) << outcome.text;
  first.join();
}

TEST(Session, ProgramsCompiledAloneMeetTheirPeers) {
  PlanBuilder alone[2] = {makeRing(2), makeRing(2)};
  alone[0].plan.programs.pop_back();
  alone[1].plan.programs.erase(alone[1].plan.programs.begin());
  Job jobs[2] = {Job(alone[0].build()), Job(alone[1].build())};
  jobs[0].fill<int32_t>(0, "a", iota<int32_t>(16));
  jobs[1].fill<int32_t>(1, "a", iota<int32_t>(16, 100));
  xfer_session_t *session = nullptr;
  const Outcome wrong = jobs[0].open(1, 50, &session);
  EXPECT_EQ(wrong.status, XFER_INVALID_ARGUMENT);
  EXPECT_TRUE(mentions(wrong, "compiled for rank 0 alone")) << wrong.text;
  std::swap(jobs[0].group, jobs[1].group);
  xfer_group_t *own = jobs[0].group;
  jobs[0].group = jobs[1].group;
  const auto outcomes =
      jobs[0].onRanks({0, 1}, [&](int64_t rank) { return jobs[rank].runRank(rank, 20'000); });
  jobs[0].group = own;
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  EXPECT_EQ(jobs[1].read<int32_t>(1, "a")[1], 2);
  EXPECT_EQ(jobs[0].read<int32_t>(0, "a")[1], 102);
}

/// Opens and binds every rank, then runs `body` on each with its session.
std::map<int64_t, Outcome>
withSessions(Job &job, int64_t timeout,
             const std::function<Outcome(int64_t, xfer_session_t *)> &body) {
  std::map<int64_t, xfer_session_t *> sessions;
  for (int64_t rank : job.ranks)
    sessions[rank] = nullptr;
  for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
         const Outcome opened = job.open(each, timeout, &sessions[each]);
         return opened.status == XFER_OK ? job.bind(each, sessions[each]) : opened;
       }))
    EXPECT_EQ(outcome.status, XFER_OK) << rank << ": " << outcome.text;
  auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) { return body(rank, sessions[rank]); });
  for (const auto &[rank, session] : sessions)
    xfer_session_destroy(session);
  return outcomes;
}

Outcome replayAndWait(xfer_session_t *session, int64_t timeout = -1) {
  xfer_status_t status = xfer_session_replay(session, nullptr);
  if (status == XFER_OK)
    status = xfer_session_wait(session, timeout);
  return Outcome::of(status);
}

TEST(Session, SilentPeerTimesOutWithWindowAndBucket) {
  Job job(makeRing(3).build());
  const auto outcomes = withSessions(job, 500, [](int64_t rank, xfer_session_t *session) {
    return rank == 1 ? Outcome() : replayAndWait(session);
  });
  EXPECT_EQ(outcomes.at(1).status, XFER_OK);
  // Rank 2 misses rank 1's message; rank 0 may time out on its own or hear of it.
  EXPECT_TRUE(outcomes.at(2).status == XFER_TIMEOUT || outcomes.at(2).status == XFER_PEER_FAILED);
  EXPECT_TRUE(outcomes.at(0).status == XFER_TIMEOUT || outcomes.at(0).status == XFER_PEER_FAILED);
  for (int64_t rank : {0, 2}) {
    EXPECT_TRUE(mentions(outcomes.at(rank), "rank 1 did not")) << outcomes.at(rank).text;
    EXPECT_TRUE(mentions(outcomes.at(rank), "window 5, bucket 0")) << outcomes.at(rank).text;
    EXPECT_TRUE(mentions(outcomes.at(rank), "written")) << outcomes.at(rank).text;
  }
}

TEST(Session, DeadSessionRefusesReplays) {
  Job job(makeRing(2).build());
  withSessions(job, 20'000, [](int64_t rank, xfer_session_t *session) {
    if (rank == 0)
      xfer_session_abort(session);
    while (xfer_session_replay(session, nullptr) == XFER_OK)
      if (xfer_session_wait(session, -1) != XFER_OK)
        break;
    EXPECT_EQ(xfer_session_replay(session, nullptr), rank == 0 ? XFER_ABORTED : XFER_PEER_FAILED);
    EXPECT_NE(std::string(xfer_last_error()).find("rank 0 aborted"), std::string::npos);
    return Outcome();
  });
}

TEST(Session, AbortReachesEveryRankPromptly) {
  Job job(makeRing(8).build());
  const auto start = std::chrono::steady_clock::now();
  const auto outcomes = withSessions(job, 60'000, [](int64_t rank, xfer_session_t *session) {
    if (rank != 3)
      return replayAndWait(session);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    xfer_session_abort(session);
    return replayAndWait(session);
  });
  for (const auto &[rank, outcome] : outcomes) {
    if (outcome.status == XFER_OK)
      continue; // a rank whose neighbours are not rank 3 may have finished
    EXPECT_EQ(outcome.status, rank == 3 ? XFER_ABORTED : XFER_PEER_FAILED) << outcome.text;
    EXPECT_TRUE(mentions(outcome, "rank 3 aborted the session")) << outcome.text;
  }
  EXPECT_EQ(outcomes.at(3).status, XFER_ABORTED);
  EXPECT_EQ(outcomes.at(4).status, XFER_PEER_FAILED); // waits for rank 3
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(Session, PeerThatLeavesIsNoticed) {
  Job job(makeRing(2).build());
  std::map<int64_t, xfer_session_t *> sessions = {{0, nullptr}, {1, nullptr}};
  const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
    Outcome outcome = job.open(rank, 60'000, &sessions[rank]);
    if (outcome.status == XFER_OK)
      outcome = job.bind(rank, sessions[rank]);
    if (rank == 0 && outcome.status == XFER_OK)
      outcome = replayAndWait(sessions[rank]);
    xfer_session_destroy(sessions[rank]);
    return outcome;
  });
  EXPECT_EQ(outcomes.at(0).status, XFER_PEER_FAILED);
  EXPECT_TRUE(mentions(outcomes.at(0), "rank 1 left")) << outcomes.at(0).text;
}

TEST(Session, WaitThatExpiresEndsTheSession) {
  Job job(makeRing(2).build());
  const auto outcomes = withSessions(job, 60'000, [](int64_t rank, xfer_session_t *session) {
    return rank == 0 ? replayAndWait(session, 50) : Outcome();
  });
  EXPECT_EQ(outcomes.at(0).status, XFER_TIMEOUT);
  EXPECT_TRUE(mentions(outcomes.at(0), "did not finish within 50 ms")) << outcomes.at(0).text;
}

TEST(Session, UnexpectedMessageIsNamedNotUnpacked) {
  PlanBuilder builder = makeRing(2);
  fb::Bucket &bucket = builder.program(1).buckets[0]; // 0 -> [1], as the receiver sees it
  bucket = {7,
            bucket.sender(),
            bucket.bytes(),
            bucket.contributors(),
            bucket.destinations(),
            bucket.first_chunk(),
            bucket.num_chunks(),
            bucket.transport()};
  Job job(builder.build());
  const auto outcomes =
      job.onRanks(job.ranks, [&](int64_t rank) { return job.runRank(rank, 60'000); });
  EXPECT_EQ(outcomes.at(1).status, XFER_MISMATCH) << outcomes.at(1).text;
  EXPECT_TRUE(mentions(outcomes.at(1), "bucket 0") && mentions(outcomes.at(1), "bucket 7"))
      << outcomes.at(1).text;
  EXPECT_TRUE(mentions(outcomes.at(1), "no target was written")) << outcomes.at(1).text;
}

TEST(Session, StagingBeyondTheBudgetIsRefused) {
  Job job(makeRing(2).build());
  xfer_session_t *session = nullptr;
  xfer_session_options_t options = makeOptions(0, job.group, 50);
  options.staging_bytes = 31;
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_OUT_OF_BUDGET);
  EXPECT_STREQ(xfer_last_error(), "rank 0 stages 32 bytes, but only 31 are allowed");
  EXPECT_EQ(session, nullptr);
}

TEST(Session, WrongOptionsAreRefused) {
  Job job(makeRing(2).build());
  xfer_session_t *session = nullptr;
  xfer_session_options_t options = makeOptions(0, job.group, 50);
  EXPECT_EQ(xfer_session_create(nullptr, &options, &session), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_session_create(job.plan, nullptr, &session), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_session_create(job.plan, &options, nullptr), XFER_INVALID_ARGUMENT);
  options.size = 4;
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  options = makeOptions(9, job.group, 50);
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  EXPECT_STREQ(xfer_last_error(), "plan has no rank 9");
  options = makeOptions(0, nullptr, 50);
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  options = makeOptions(0, job.group, -1);
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  xfer_session_destroy(nullptr);
  xfer_group_destroy(nullptr);
}

TEST(Session, BindingsMustBeThePrograms) {
  PlanBuilder builder({0});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  builder.source(0, a, fb::DType::I32, {2, 4});
  builder.target(0, a, fb::DType::I32, {8});
  const uint32_t all = builder.region(0, {{8, 1}});
  builder.bucket({0, fb::Transport::Local, {0}, 0, {0}, 32, {{a, all, all}}});
  Job job(builder.build());
  xfer_session_t *session = nullptr;
  ASSERT_EQ(job.open(0, 1000, &session).status, XFER_OK);
  EXPECT_EQ(xfer_session_replay(session, nullptr), XFER_INVALID_ARGUMENT);

  std::vector<int32_t> memory(24);
  const int64_t matrix[] = {2, 4}, vector[] = {8}, dense[] = {4, 1}, columns[] = {1, 2};
  const xfer_binding_t source = {"a", XFER_SOURCE, XFER_I32, 2, matrix, dense, memory.data()};
  const xfer_binding_t target = {"a", XFER_TARGET, XFER_I32, 1, vector, nullptr, &memory[8]};
  auto expectRefused = [&](std::vector<xfer_binding_t> bindings, const std::string &text) {
    EXPECT_EQ(xfer_session_bind(session, bindings.data(), bindings.size()), XFER_INVALID_BINDING);
    EXPECT_NE(std::string(xfer_last_error()).find(text), std::string::npos) << xfer_last_error();
  };
  auto changed = [](xfer_binding_t binding, auto change) {
    change(binding);
    return binding;
  };
  expectRefused({source}, "must bind target 'a'");
  expectRefused({source, target, source}, "no source 'a', or it is bound twice");
  expectRefused({source, target, changed(source, [](auto &b) { b.name = "b"; })}, "no source 'b'");
  expectRefused({changed(source, [](auto &b) { b.name = nullptr; }), target}, "no name");
  expectRefused({changed(source, [](auto &b) { b.dtype = XFER_F32; }), target},
                "is of f32, expected i32");
  expectRefused({changed(source, [](auto &b) { std::memset(&b.dtype, 99, 1); }), target},
                "is of an unknown type");
  expectRefused({source, changed(target, [&](auto &b) { b.ndim = 2, b.shape = matrix; })},
                "target 'a' has shape [2, 4], expected [8]");
  expectRefused({changed(source, [](auto &b) { b.shape = nullptr; }), target}, "no shape");
  expectRefused({changed(source, [&](auto &b) { b.strides = columns; }), target},
                "stride 2 in dimension 1, expected 1");
  expectRefused({changed(source, [](auto &b) { b.data = nullptr; }), target}, "has no data");
  expectRefused(
      {changed(source, [](auto &b) { b.data = static_cast<char *>(b.data) + 2; }), target},
      "not aligned to 4");
  expectRefused({source, changed(target, [&](auto &b) { b.data = &memory[7]; })},
                "target 'a' overlaps source 'a'");
  EXPECT_EQ(xfer_session_replay(session, nullptr), XFER_INVALID_ARGUMENT); // still nothing bound

  const xfer_binding_t both[] = {target, source}; // in any order
  ASSERT_EQ(xfer_session_bind(session, both, 2), XFER_OK) << xfer_last_error();
  memory[5] = 77;
  int device = 0;
  EXPECT_EQ(xfer_session_replay(session, &device), XFER_INVALID_ARGUMENT);
  ASSERT_EQ(replayAndWait(session).status, XFER_OK);
  EXPECT_EQ(memory[13], 77);

  expectRefused({source}, "must bind target 'a'"); // the earlier bindings stay
  const xfer_binding_t moved[] = {source, changed(target, [&](auto &b) { b.data = &memory[16]; })};
  ASSERT_EQ(replayAndWait(session).status, XFER_OK);
  ASSERT_EQ(xfer_session_bind(session, moved, 2), XFER_OK);
  ASSERT_EQ(replayAndWait(session).status, XFER_OK);
  EXPECT_EQ(memory[21], 77);
  xfer_session_destroy(session);
}

} // namespace
