//===- SessionTest.cpp - Options and bindings -----------------------------===//
//
// What a session refuses before it waits for anybody, and what the threads
// backend alone does.
//===----------------------------------------------------------------------===//
#include "Ring.h"

using namespace xfer;
using namespace xfer::test;

namespace {

TEST(Session, ManyMoreRanksThanCores) {
  Job job(makeRing(128).build());
  for (int64_t rank = 0; rank < 128; ++rank)
    job.fill<int32_t>(rank, "a", iota<int32_t>(16, static_cast<int32_t>(100 * rank)));
  job.replay(10);
  for (int32_t rank = 0; rank < 128; ++rank)
    EXPECT_EQ(job.read<int32_t>((rank + 1) % 128, "a")[3], 100 * rank + 6);
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

TEST(Session, StagingBeyondTheBudgetIsRefused) {
  Job job(makeRing(2).build());
  xfer_session_t *session = nullptr;
  xfer_session_options_t options = makeOptions(0, job.place->group(0), 50);
  options.staging_bytes = 31;
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_OUT_OF_BUDGET);
  EXPECT_STREQ(xfer_last_error(), "rank 0 stages 32 bytes, but only 31 are allowed");
  EXPECT_EQ(session, nullptr);
}

TEST(Session, WrongOptionsAreRefused) {
  Job job(makeRing(2).build());
  xfer_session_t *session = nullptr;
  xfer_session_options_t options = makeOptions(0, job.place->group(0), 50);
  EXPECT_EQ(xfer_session_create(nullptr, &options, &session), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_session_create(job.plan, nullptr, &session), XFER_INVALID_ARGUMENT);
  EXPECT_EQ(xfer_session_create(job.plan, &options, nullptr), XFER_INVALID_ARGUMENT);
  options.size = 4;
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  options = makeOptions(9, job.place->group(0), 50);
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  EXPECT_STREQ(xfer_last_error(), "plan has no rank 9");
  options = makeOptions(0, nullptr, 50);
  EXPECT_EQ(xfer_session_create(job.plan, &options, &session), XFER_INVALID_ARGUMENT);
  options = makeOptions(0, job.place->group(0), -1);
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
