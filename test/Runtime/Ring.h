//===- Ring.h - A small job for tests of sessions ---------------*- C++ -*-===//
//
// Every rank sends one message to the next. Whatever a test does to one of them,
// others wait for it.
//===----------------------------------------------------------------------===//
#pragma once
#include "Job.h"

namespace xfer::test {

/// Ring of one message from each rank to the next.
inline PlanBuilder makeRing(int64_t numRanks, int64_t count = 8) {
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

inline bool mentions(const Outcome &outcome, const std::string &text) {
  return outcome.text.find(text) != std::string::npos;
}

/// Opens and binds every rank, then runs `body` on each with its session.
inline std::map<int64_t, Outcome>
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

inline Outcome replayAndWait(xfer_session_t *session, int64_t timeout = -1) {
  xfer_status_t status = xfer_session_replay(session, nullptr);
  if (status == XFER_OK)
    status = xfer_session_wait(session, timeout);
  return Outcome::of(status);
}

} // namespace xfer::test
