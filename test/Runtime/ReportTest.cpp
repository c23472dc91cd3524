//===- ReportTest.cpp - What a session says about its replays -------------===//
//
// Epochs, checksums, targets torn by a failure. What every backend says is in
// ConformanceReportTest.cpp.
//===----------------------------------------------------------------------===//
#include "Job.h"
#include "threads/ThreadsGroup.h"

using namespace xfer;
using namespace xfer::test;

namespace {

/// Rank 0 sends `a` in two windows, the second strided on both sides, and `b` in the second.
PlanBuilder makePlan() {
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32), b = builder.tensor("b", fb::DType::I32);
  builder.source(0, a, fb::DType::I32, {8});
  builder.source(0, b, fb::DType::I32, {4});
  builder.targetStorage(1, "a", fb::DType::I32, {8});
  builder.targetStorage(1, "b.weight", fb::DType::I32, {4});
  builder.targetStorage(1, "zeros", fb::DType::I32, {2});
  const uint32_t even = builder.region(0, {{4, 2}}), odd = builder.region(1, {{4, 2}}),
                 four = builder.region(0, {{4, 1}});
  builder.zeros(1, "zeros", builder.region(0, {{2, 1}}));
  builder.bucket({0, fb::Transport::P2P, {0}, 0, {1}, 16, {{a, even, even}}});
  builder.bucket({1,
                  fb::Transport::P2P,
                  {0},
                  0,
                  {1},
                  32,
                  {{a, odd, odd}, {b, four, four, 16, "", "b.weight"}},
                  1});
  return builder;
}

/// The threads backend, except that what arrives in one window has a bit flipped.
class FaultyGroup final : public xfer_group {
public:
  explicit FaultyGroup(int64_t window) : window(window) {}
  bool needsBuffers() const override { return false; }
  runtime::Status join(const runtime::Agreement &agreement, const runtime::Deadline &deadline,
                       std::unique_ptr<runtime::Connection> &connection) override;

private:
  class FaultyConnection;
  const int64_t window;
  runtime::ThreadsGroup threads;
};

class FaultyGroup::FaultyConnection final : public runtime::Connection {
public:
  using Status = runtime::Status;
  Status send(size_t slot, const std::byte *data, uint64_t checksum) override {
    return inner->send(slot, data, checksum);
  }
  Status settle(size_t first, size_t count, const runtime::Deadline &deadline) override {
    return inner->settle(first, count, deadline);
  }
  Status expect(size_t slot, std::byte *buffer) override { return inner->expect(slot, buffer); }
  Status receive(size_t slot, const runtime::Deadline &deadline,
                 runtime::Received &received) override {
    Status status = inner->receive(slot, deadline, received);
    if (status.isOk() && receives[slot].window == window) {
      copy.assign(received.data, received.data + receives[slot].bytes);
      copy[5] ^= std::byte{4};
      received.data = copy.data();
    }
    return status;
  }
  void release(const runtime::Received &received) override { inner->release(received); }
  Status finish(const runtime::Deadline &deadline) override { return inner->finish(deadline); }
  void fail(const Status &cause) override { inner->fail(cause); }
  Status failure() const override { return inner->failure(); }
  void withdraw() override { inner->withdraw(); }

  std::unique_ptr<runtime::Connection> inner;
  std::span<const runtime::Envelope> receives;
  int64_t window = 0;
  std::vector<std::byte> copy;
};

runtime::Status FaultyGroup::join(const runtime::Agreement &agreement,
                                  const runtime::Deadline &deadline,
                                  std::unique_ptr<runtime::Connection> &connection) {
  auto faulty = std::make_unique<FaultyConnection>();
  faulty->receives = agreement.receives;
  faulty->window = window;
  runtime::Status status = threads.join(agreement, deadline, faulty->inner);
  connection = std::move(faulty);
  return status;
}

class FaultyPlace final : public Place {
public:
  explicit FaultyPlace(int64_t window) : faulty(window) {}
  xfer_group_t *group(int64_t) override { return &faulty; }

private:
  FaultyGroup faulty;
};

std::string contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos ? part : text;
}

TEST(Report, ChecksumsAreAgreed) {
  Job job(makePlan().build());
  for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
         xfer_session_options_t options = makeOptions(each, job.place->group(each), 20'000);
         options.checksums = each == 0;
         xfer_session_t *session = nullptr;
         return Outcome::of(xfer_session_create(job.plan, &options, &session));
       }))
    EXPECT_EQ(outcome.status, XFER_MISMATCH) << outcome.text;
}

TEST(Report, OlderOptionsHaveNoEpoch) {
  Job job(makePlan().build());
  job.fill<int32_t>(0, "a", iota<int32_t>(8));
  for (const auto &[rank, outcome] : job.onRanks(job.ranks, [&](int64_t each) {
         xfer_session_options_t options = makeOptions(each, job.place->group(each), 20'000);
         if (each == 0) {
           options.size = offsetof(xfer_session_options_t, epoch);
           options.epoch = 99; // beyond what the caller has
         }
         xfer_session_t *session = nullptr;
         const Outcome outcome = Outcome::of(xfer_session_create(job.plan, &options, &session));
         xfer_session_destroy(session);
         return outcome;
       }))
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
}

struct Failed {
  Outcome outcome;
  std::vector<std::string> incomplete;
};

/// Replays on a group that damages a window; what rank 1 says.
Failed replayDamaged(int64_t window, bool checksums) {
  Job job(makePlan().build(), std::make_shared<FaultyPlace>(window));
  job.checksums = checksums;
  Failed failed;
  job.onRanks(job.ranks, [&](int64_t rank) {
    xfer_session_t *session = nullptr;
    Outcome outcome = job.open(rank, 20'000, &session);
    EXPECT_EQ(outcome.status, XFER_OK) << outcome.text;
    EXPECT_EQ(job.bind(rank, session).status, XFER_OK);
    EXPECT_EQ(xfer_session_replay(session, nullptr), XFER_OK);
    outcome = Outcome::of(xfer_session_wait(session, -1));
    if (rank == 1) {
      failed.outcome = outcome;
      const char *const *names = nullptr;
      size_t count = 0;
      EXPECT_EQ(xfer_session_incomplete(session, &names, &count), XFER_OK);
      failed.incomplete.assign(names, names + count);
    }
    xfer_session_destroy(session);
    return outcome;
  });
  return failed;
}

TEST(Report, DamageIsFoundByChecksumsBeforeItIsUnpacked) {
  const Failed first = replayDamaged(0, true);
  EXPECT_EQ(first.outcome.status, XFER_MISMATCH);
  const std::string start = "rank 1: the delivery of window 0, bucket 0 with ends and chunks ",
                    end = "; it holds tensor 'a' at offset 0 sizes [4] strides [2] of target 'a'; "
                          "targets were partly written"; // the zeros are
  EXPECT_EQ(first.outcome.text.substr(0, start.size()), start);
  EXPECT_EQ(contains(first.outcome.text, end), end);
  EXPECT_EQ(first.incomplete, std::vector<std::string>());

  const Failed second = replayDamaged(1, true);
  EXPECT_EQ(second.outcome.status, XFER_MISMATCH);
  const std::string both = "tensor 'b' at offset 0 sizes [4] strides [1] of target 'b.weight'";
  EXPECT_EQ(contains(second.outcome.text, both), both);
  EXPECT_EQ(second.incomplete, std::vector<std::string>{"a"}); // b.weight is as it was
}

TEST(Report, DamageInALongChunkIsNamedAlone) {
  constexpr int64_t kLong = 100'000;
  PlanBuilder builder({0, 1});
  const uint32_t a = builder.tensor("a", fb::DType::I32), b = builder.tensor("b", fb::DType::I32);
  const uint32_t all = builder.region(0, {{kLong, 1}}), even = builder.region(0, {{4, 2}});
  builder.source(0, a, fb::DType::I32, {kLong});
  builder.source(0, b, fb::DType::I32, {8});
  builder.target(1, a, fb::DType::I32, {kLong});
  builder.target(1, b, fb::DType::I32, {8});
  builder.bucket({0,
                  fb::Transport::P2P,
                  {0},
                  0,
                  {1},
                  4 * kLong + 16,
                  {{a, all, all}, {b, even, even, 4 * kLong}}});
  Job job(builder.build(), std::make_shared<FaultyPlace>(0));
  job.checksums = 1;
  const auto outcomes =
      job.onRanks(job.ranks, [&](int64_t rank) { return job.runRank(rank, 20'000); });
  EXPECT_EQ(outcomes.at(1).status, XFER_MISMATCH);
  const std::string part = ", 400000 bytes at 0 from rank 0 has checksum",
                    end = "it holds tensor 'a' at offset 0 sizes "
                          "[100000] strides [1] of target 'a'; no target was written";
  EXPECT_EQ(contains(outcomes.at(1).text, part), part);
  EXPECT_EQ(contains(outcomes.at(1).text, end), end);
}

TEST(Report, DamageIsNotFoundWithoutChecksums) {
  EXPECT_EQ(replayDamaged(1, false).outcome.status, XFER_OK);
}

} // namespace
