//===- WrongCallsTest.cpp - Calls that no caller should make --------------===//
//
// Each is answered with a status and a text that names the parameter; none
// crashes, and none changes anything.
//===----------------------------------------------------------------------===//
#include "Ring.h"

using namespace xfer;
using namespace xfer::test;

namespace {

void expectRefused(xfer_status_t status, const char *text) {
  EXPECT_EQ(status, XFER_INVALID_ARGUMENT);
  EXPECT_STREQ(xfer_last_error(), text);
}

TEST(WrongCalls, NullIsNamedInEveryFunctionOfAPlan) {
  Job job(makeRing(2).build());
  xfer_plan_info_t info;
  xfer_program_info_t program;
  xfer_binding_info_t binding;
  expectRefused(xfer_plan_get_info(nullptr, &info), "'plan' is NULL");
  expectRefused(xfer_plan_get_info(job.plan, nullptr), "'out_info' is NULL");
  expectRefused(xfer_plan_get_program(nullptr, 0, &program), "'plan' is NULL");
  expectRefused(xfer_plan_get_program(job.plan, 0, nullptr), "'out_info' is NULL");
  expectRefused(xfer_plan_get_program(job.plan, 7, &program), "plan has no program for rank 7");
  expectRefused(xfer_plan_get_binding(nullptr, 0, 0, &binding), "'plan' is NULL");
  expectRefused(xfer_plan_get_binding(job.plan, 0, 0, nullptr), "'out_info' is NULL");
  expectRefused(xfer_plan_get_binding(job.plan, 0, 2, &binding),
                "rank 0 has no binding 2, expected less than 2");
}

TEST(WrongCalls, NullIsNamedInEveryFunctionOfASession) {
  PlanBuilder builder({0}); // a rank that meets nobody
  Job job(builder.build());
  xfer_session_t *session = nullptr;
  ASSERT_EQ(job.open(0, 1000, &session).status, XFER_OK);
  const char *const *names = nullptr;
  size_t count = 0;
  xfer_counters_t counters;
  expectRefused(xfer_session_bind(nullptr, nullptr, 0), "'session' is NULL");
  expectRefused(xfer_session_bind(session, nullptr, 1), "'bindings' is NULL");
  expectRefused(xfer_session_replay(nullptr, nullptr), "'session' is NULL");
  expectRefused(xfer_session_wait(nullptr, 0), "'session' is NULL");
  expectRefused(xfer_session_incomplete(nullptr, &names, &count), "'session' is NULL");
  expectRefused(xfer_session_incomplete(session, nullptr, &count), "'out_names' is NULL");
  expectRefused(xfer_session_incomplete(session, &names, nullptr), "'out_count' is NULL");
  expectRefused(xfer_session_get_counters(nullptr, &counters), "'session' is NULL");
  expectRefused(xfer_session_get_counters(session, nullptr), "'out_counters' is NULL");
  expectRefused(xfer_session_write_timeline(nullptr, "x"), "'session' is NULL");
  expectRefused(xfer_session_write_timeline(session, nullptr), "'path' is NULL");
  xfer_session_abort(nullptr);
  EXPECT_EQ(replayAndWait(session).status, XFER_OK); // none of these ended it
  xfer_session_destroy(session);
}

TEST(WrongCalls, NullIsNamedInEveryFunctionOfGroupsAndStores) {
  xfer_group_t *group = nullptr;
  xfer_store_t *store = nullptr;
  expectRefused(xfer_group_create_threads(nullptr), "'out_group' is NULL");
  expectRefused(xfer_store_create_directory(nullptr, &store), "'path' is NULL");
  expectRefused(xfer_store_create_directory("x", nullptr), "'out_store' is NULL");
  xfer_store_destroy(nullptr);

  xfer_gloo_options_t options = {};
  if (xfer_group_create_gloo(nullptr, &group) == XFER_UNSUPPORTED)
    GTEST_SKIP() << xfer_last_error();
  expectRefused(xfer_group_create_gloo(nullptr, &group), "'options' is NULL");
  expectRefused(xfer_group_create_gloo(&options, nullptr), "'out_group' is NULL");
  expectRefused(xfer_group_create_gloo(&options, &group),
                "options have size 0, expected at least 40");
  options.size = sizeof(options);
  expectRefused(xfer_group_create_gloo(&options, &group), "'options.store' is NULL");
  xfer_store_t empty = {};
  empty.size = sizeof(empty);
  options.store = &empty;
  expectRefused(xfer_group_create_gloo(&options, &group),
                "'options.store' has size 40, expected 40, or lacks a callback");
  EXPECT_EQ(group, nullptr);
}

TEST(WrongCalls, BindingWaitsForTheReplay) {
  Job job(makeRing(2).build());
  withSessions(job, 300, [&](int64_t rank, xfer_session_t *session) {
    if (rank == 1)
      return Outcome(); // so that rank 0's replay lasts until its deadline
    EXPECT_EQ(xfer_session_replay(session, nullptr), XFER_OK);
    const Outcome outcome = job.bind(rank, session);
    EXPECT_EQ(outcome.status, XFER_INVALID_ARGUMENT);
    EXPECT_EQ(outcome.text, "cannot bind while a replay is in flight");
    EXPECT_EQ(xfer_session_wait(session, -1), XFER_TIMEOUT);
    return Outcome();
  });
}

TEST(WrongCalls, StatusesHaveNames) {
  const std::map<xfer_status_t, std::string> names = {
      {XFER_OK, "ok"},
      {XFER_INVALID_ARGUMENT, "invalid argument"},
      {XFER_INVALID_PLAN, "invalid plan"},
      {XFER_INVALID_BINDING, "invalid binding"},
      {XFER_OUT_OF_BUDGET, "out of budget"},
      {XFER_UNSUPPORTED, "unsupported"},
      {XFER_MISMATCH, "mismatch"},
      {XFER_TIMEOUT, "timeout"},
      {XFER_PEER_FAILED, "peer failed"},
      {XFER_ABORTED, "aborted"},
      {XFER_BACKEND_FAILED, "backend failed"},
  };
  for (const auto &[status, name] : names)
    EXPECT_EQ(xfer_status_name(status), name);
  EXPECT_STREQ(xfer_status_name(static_cast<xfer_status_t>(99)), "unknown status");
}

} // namespace
