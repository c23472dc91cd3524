//===- NcclChecksumTest.cpp - Damage on the wire between devices ----------===//
//
// The stand-in flips a bit of one message. Its receiver must name it and write
// nothing of it, or of anything after it, to a target; and the others must not
// take what that rank still sends for right.
//===----------------------------------------------------------------------===//
#include "NcclJobs.h"
#include <atomic>

using namespace xfer;
using namespace xfer::test;

namespace {

class NcclChecksum : public OnStandin {};

TEST_F(NcclChecksum, MovesEverythingOnAnyNumberOfRanks) {
  for (int64_t numRanks : {1, 2, 4, 7}) {
    Medley medley(numRanks, makePlace());
    medley.job->checksums = 1;
    medley.job->replay(3);
    medley.check();
  }
}

TEST_F(NcclChecksum, DamageIsNamedAndItsTargetIsAsItWas) {
  for (bool isInPlace : {true, false}) { // where it would be without checksums
    Job job(makeExchange(isInPlace).build(), makePlace());
    job.checksums = 1;
    for (int64_t rank : job.ranks)
      job.fill<int32_t>(rank, "a", iota<int32_t>(8));
    const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
      if (rank == 1)
        standin::damage(1, 1);
      const Outcome outcome = replayAndWait(session);
      if (rank == 0) // has all it needs of the first replay, but not of another
        return outcome.status == XFER_OK ? replayAndWait(session) : outcome;
      const char *const *names = nullptr;
      size_t count = 9;
      EXPECT_EQ(xfer_session_incomplete(session, &names, &count), XFER_OK);
      EXPECT_EQ(count, 0u);
      return outcome;
    });
    const Outcome &found = outcomes.at(1);
    EXPECT_EQ(found.status, XFER_MISMATCH);
    EXPECT_EQ(found.text.find("rank 1: the delivery of window 3, bucket 0 with ends and chunks "), 0u)
        << found.text;
    EXPECT_TRUE(mentions(found, ", 32 bytes at 0 from rank 0 has checksum 0x")) << found.text;
    EXPECT_TRUE(mentions(found, isInPlace ? "it holds tensor 'a' at offset 0 sizes [8] strides [1] "
                                            "of target 'a'; no target was written"
                                          : "it holds tensor 'a' at offset 0 sizes [8] strides [2] "
                                            "of target 'a'; no target was written"))
        << found.text;
    EXPECT_EQ(job.read<int32_t>(1, "a"),
              std::vector<int32_t>(16, static_cast<int32_t>(0xa5a5a5a5)));
    EXPECT_EQ(outcomes.at(0).status, XFER_PEER_FAILED);
    EXPECT_TRUE(mentions(outcomes.at(0), "rank 1 ")) << outcomes.at(0).text;
    (void)standin::takeViolations();
  }
}

TEST_F(NcclChecksum, DamageIsNotFoundWithoutChecksums) {
  Job job(makeExchange(false).build(), makePlace());
  for (int64_t rank : job.ranks)
    job.fill<int32_t>(rank, "a", iota<int32_t>(8));
  standin::damage(1, 2); // the first is a byte that connects
  job.replay();
  EXPECT_NE(job.read<int32_t>(1, "a")[4], 2);
}

TEST_F(NcclChecksum, RankThatHasFoundDamageSaysSoInWhatItSends) {
  Job job(makeExchange(false).build(), makePlace());
  job.checksums = 1;
  std::atomic<bool> isEnqueued = false, hasFailed = false;
  const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
    if (rank == 1)
      standin::damage(1, 1);
    while (rank == 0 && !isEnqueued) // rank 1 must not know of any damage yet
      std::this_thread::yield();
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(xfer_session_replay(session, nullptr), XFER_OK);
    isEnqueued = true;
    while (rank == 1 && !hasFailed) // its host has not looked yet
      std::this_thread::yield();
    const Outcome outcome = Outcome::of(xfer_session_wait(session, -1));
    hasFailed = true;
    return outcome;
  });
  EXPECT_EQ(outcomes.at(0).status, XFER_PEER_FAILED);
  EXPECT_TRUE(mentions(outcomes.at(0), "rank 1 had failed when it sent the delivery of window 3"))
      << outcomes.at(0).text;
  EXPECT_EQ(outcomes.at(1).status, XFER_MISMATCH) << outcomes.at(1).text;
}

TEST_F(NcclChecksum, ReplayAfterDamageSaysSo) {
  Job job(makeExchange(false).build(), makePlace());
  job.checksums = 1;
  const auto outcomes = withSessions(job, 20'000, [&](int64_t rank, xfer_session_t *session) {
    if (rank == 1)
      standin::damage(1, 1);
    Outcome outcome;
    while (outcome.status == XFER_OK) { // rank 1 never waits
      outcome =
          rank == 0 ? replayAndWait(session) : Outcome::of(xfer_session_replay(session, nullptr));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return outcome;
  });
  EXPECT_EQ(outcomes.at(1).status, XFER_MISMATCH) << outcomes.at(1).text;
  EXPECT_EQ(outcomes.at(0).status, XFER_PEER_FAILED) << outcomes.at(0).text;
}

TEST_F(NcclChecksum, NoDamagedMessageOfAnyKindReachesATarget) {
  // Point to point, by broadcast, contributions and totals, to every rank.
  for (int64_t victim : {0, 1, 2})
    for (int64_t nth = 1;; ++nth) {
      Medley medley(3, makePlace());
      medley.job->checksums = 1;
      const auto outcomes =
          withSessions(*medley.job, 20'000, [&](int64_t rank, xfer_session_t *session) {
            if (rank == victim)
              standin::damage(static_cast<int>(victim), nth);
            return replayAndWait(session);
          });
      medley.checkNothingIsWrong();
      standin::heal();
      (void)standin::takeViolations(); // of messages that have no receiver any more
      const Outcome &found = outcomes.at(victim);
      if (found.status == XFER_OK) { // there is no nth message
        EXPECT_GT(nth, 2);
        break;
      }
      EXPECT_EQ(found.status, XFER_MISMATCH) << found.text;
      EXPECT_TRUE(mentions(found, "it holds tensor '")) << found.text;
      for (const auto &[rank, outcome] : outcomes)
        EXPECT_TRUE(rank == victim || outcome.status == XFER_OK ||
                    outcome.status == XFER_PEER_FAILED)
            << outcome.text;
    }
}

} // namespace
