//===- ConformanceFailureTest.cpp - Agreement, deadlines, failures --------===//
//
// What can go wrong between ranks ends in an error on every one of them that
// says who and where, soon, and never in a hang: on every backend.
//===----------------------------------------------------------------------===//
#include "Ring.h"
#include <chrono>

using namespace xfer;
using namespace xfer::test;

namespace {

class Failure : public OnBackend {};
XFER_ON_EVERY_BACKEND(Failure);

TEST_P(Failure, GroupServesOneSessionAfterAnother) {
  Job job(makeRing(3).build(), makePlace());
  for (int round = 0; round < 20; ++round)
    job.replay();
}

TEST_P(Failure, MissingRankFailsAgreementByItsName) {
  Job job(makeRing(3).build(), makePlace());
  const auto outcomes = job.onRanks({0, 2}, [&](int64_t rank) { return job.runRank(rank, 500); });
  for (const auto &[rank, outcome] : outcomes) {
    EXPECT_EQ(outcome.status, XFER_TIMEOUT);
    EXPECT_TRUE(mentions(outcome, "ranks 1 did not join")) << outcome.text;
  }
  job.replay(); // the group can be used again
}

TEST_P(Failure, DigestsThatDifferAreNamedOnEveryRank) {
  PlanBuilder other = makeRing(4);
  other.plan.pipeline = "another";
  const auto place = makePlace();
  Job job(makeRing(4).build(), place), otherJob(other.build(), place);
  for (int round = 0; round < 10; ++round) {
    const auto outcomes = job.onRanks(job.ranks, [&](int64_t rank) {
      xfer_session_t *session = nullptr;
      xfer_session_options_t options = makeOptions(rank, job.place->group(rank), 20'000);
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

TEST_P(Failure, RankCountsThatDifferAreAMismatchAlsoForLateRanks) {
  const auto place = makePlace();
  Job small(makeRing(2).build(), place), large(makeRing(3).build(), place);
  const auto outcomes = large.onRanks(large.ranks, [&](int64_t rank) {
    xfer_session_t *session = nullptr;
    xfer_session_options_t options = makeOptions(rank, place->group(rank), 20'000);
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

TEST_P(Failure, ProgramsCompiledAloneMeetTheirPeers) {
  PlanBuilder alone[2] = {makeRing(2), makeRing(2)};
  alone[0].plan.programs.pop_back();
  alone[1].plan.programs.erase(alone[1].plan.programs.begin());
  const auto place = makePlace();
  Job jobs[2] = {Job(alone[0].build(), place), Job(alone[1].build(), place)};
  jobs[0].fill<int32_t>(0, "a", iota<int32_t>(16));
  jobs[1].fill<int32_t>(1, "a", iota<int32_t>(16, 100));
  xfer_session_t *session = nullptr;
  const Outcome wrong = jobs[0].open(1, 50, &session);
  EXPECT_EQ(wrong.status, XFER_INVALID_ARGUMENT);
  EXPECT_TRUE(mentions(wrong, "compiled for rank 0 alone")) << wrong.text;
  const auto outcomes =
      jobs[0].onRanks({0, 1}, [&](int64_t rank) { return jobs[rank].runRank(rank, 20'000); });
  for (const auto &[rank, outcome] : outcomes)
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
  EXPECT_EQ(jobs[1].read<int32_t>(1, "a")[1], 2);
  EXPECT_EQ(jobs[0].read<int32_t>(0, "a")[1], 102);
}

TEST_P(Failure, SilentPeerTimesOutWithWindowAndBucket) {
  Job job(makeRing(3).build(), makePlace());
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

TEST_P(Failure, DeadSessionRefusesReplays) {
  Job job(makeRing(2).build(), makePlace());
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

TEST_P(Failure, AbortReachesEveryRankPromptly) {
  Job job(makeRing(8).build(), makePlace());
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

TEST_P(Failure, DeadSessionsRefuseToBindAndToReplay) {
  Job job(makeRing(2).build(), makePlace());
  const auto outcomes = withSessions(job, 60'000, [&](int64_t rank, xfer_session_t *session) {
    if (rank == 1)
      xfer_session_abort(session);
    // The other rank hears of it in its own time.
    Outcome outcome = job.bind(rank, session);
    for (int i = 0; i < 1000 && outcome.status == XFER_OK; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      outcome = job.bind(rank, session);
    }
    EXPECT_EQ(replayAndWait(session).status, outcome.status);
    return outcome;
  });
  EXPECT_EQ(outcomes.at(1).status, XFER_ABORTED) << outcomes.at(1).text;
  EXPECT_EQ(outcomes.at(0).status, XFER_PEER_FAILED) << outcomes.at(0).text;
  EXPECT_TRUE(mentions(outcomes.at(0), "rank 1 aborted the session")) << outcomes.at(0).text;
}

TEST_P(Failure, PeerThatLeavesIsNoticed) {
  Job job(makeRing(2).build(), makePlace());
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

TEST_P(Failure, NewSessionsWorkAfterAFailureAlsoWithoutTheRankThatFailed) {
  const auto place = makePlace();
  Job job(makeRing(3).build(), place);
  withSessions(job, 20'000, [](int64_t rank, xfer_session_t *session) {
    if (rank == 1)
      xfer_session_abort(session);
    return replayAndWait(session);
  });
  job.epoch = 1;
  job.fill<int32_t>(0, "a", iota<int32_t>(16, 300));
  job.replay();
  EXPECT_EQ(job.read<int32_t>(1, "a")[2], 304);

  PlanBuilder rest({0, 2});
  const uint32_t a = rest.tensor("a", fb::DType::I32), all = rest.region(0, {{8, 1}});
  rest.source(0, a, fb::DType::I32, {8});
  rest.target(2, a, fb::DType::I32, {8});
  rest.bucket({0, fb::Transport::P2P, {0}, 0, {2}, 32, {{a, all, all}}});
  Job smaller(rest.build(), place);
  smaller.epoch = 2;
  smaller.fill<int32_t>(0, "a", iota<int32_t>(8, 50));
  smaller.replay();
  EXPECT_EQ(smaller.read<int32_t>(2, "a"), iota<int32_t>(8, 50));
}

TEST_P(Failure, EpochsThatDifferAreNamedOnEveryRank) {
  Job job(makeRing(3).build(), makePlace());
  for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
         xfer_session_options_t options = makeOptions(each, job.place->group(each), 20'000);
         options.epoch = each == 1 ? 7 : 9;
         xfer_session_t *session = nullptr;
         return Outcome::of(xfer_session_create(job.plan, &options, &session));
       })) {
    EXPECT_EQ(outcome.status, XFER_MISMATCH) << rank;
    EXPECT_TRUE(mentions(outcome, "epoch") && mentions(outcome, "7") && mentions(outcome, "9"))
        << outcome.text;
  }
}

TEST_P(Failure, WaitThatExpiresEndsTheSession) {
  Job job(makeRing(2).build(), makePlace());
  const auto outcomes = withSessions(job, 60'000, [](int64_t rank, xfer_session_t *session) {
    return rank == 0 ? replayAndWait(session, 50) : Outcome();
  });
  EXPECT_EQ(outcomes.at(0).status, XFER_TIMEOUT);
  EXPECT_TRUE(mentions(outcomes.at(0), "did not finish within 50 ms")) << outcomes.at(0).text;
}

TEST_P(Failure, UnexpectedMessageIsNamedNotUnpacked) {
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
  Job job(builder.build(), makePlace());
  const auto outcomes =
      job.onRanks(job.ranks, [&](int64_t rank) { return job.runRank(rank, 60'000); });
  // Where both compare their lists, the first to see it tells the other.
  if (outcomes.at(1).status == XFER_PEER_FAILED)
    EXPECT_EQ(outcomes.at(0).status, XFER_MISMATCH) << outcomes.at(0).text;
  else
    EXPECT_EQ(outcomes.at(1).status, XFER_MISMATCH) << outcomes.at(1).text;
  // NCCL's messages have no names: ranks compare a sum over all of them when they meet.
  if (std::string(GetParam()->name()) == "nccl")
    EXPECT_TRUE(mentions(outcomes.at(0), "disagree about the messages")) << outcomes.at(0).text;
  else
    EXPECT_TRUE(mentions(outcomes.at(1), "bucket 0") && mentions(outcomes.at(1), "bucket 7"))
        << outcomes.at(1).text;
  EXPECT_EQ(job.read<int32_t>(1, "a")[0], static_cast<int32_t>(0xa5a5a5a5));
}

} // namespace
