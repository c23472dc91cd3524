//===- WrapperTest.cpp - The runtime from C++ -----------------------------===//
#include "PlanBuilder.h"
#include "xfer/runtime.hpp"
#include <gtest/gtest.h>

using namespace xfer;

namespace {

TEST(Wrapper, MovesATensor) {
  test::PlanBuilder builder({0});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  builder.source(0, a, fb::DType::I32, {4});
  builder.target(0, a, fb::DType::I32, {4});
  const uint32_t all = builder.region(0, {{4, 1}});
  builder.bucket({0, fb::Transport::Local, {0}, 0, {0}, 16, {{a, all, all}}});
  const std::vector<uint8_t> bytes = builder.build();

  Result<Plan> plan = Plan::load(bytes.data(), bytes.size());
  ASSERT_TRUE(plan) << plan.status().text();
  Result<Group> group = Group::threads();
  ASSERT_TRUE(group);
  xfer_session_options_t options = {};
  options.group = group->get();
  Result<Session> session = Session::create(*plan, options);
  ASSERT_TRUE(session) << session.status().text();
  std::vector<int32_t> from = {1, 2, 3, 4}, to(4);
  std::vector<xfer_binding_t> bindings;
  const auto wanted = plan->bindings(0);
  ASSERT_TRUE(wanted);
  for (const xfer_binding_info_t &each : *wanted)
    bindings.push_back({each.name, each.side, each.dtype, each.ndim, each.shape, nullptr,
                        each.side == XFER_SOURCE ? from.data() : to.data()});
  ASSERT_TRUE(session->bind(bindings));
  ASSERT_TRUE(session->replay());
  ASSERT_TRUE(session->wait());
  EXPECT_EQ(to, from);
  EXPECT_EQ(session->counters()->replays, 1);
  EXPECT_TRUE(session->incomplete().empty());
}

TEST(Wrapper, FailuresCarryTheirText) {
  const Result<Plan> plan = Plan::load("nonsense, but long enough", 25);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.status().code(), XFER_INVALID_PLAN);
  EXPECT_EQ(plan.status().text(), "not a plan: no file identifier 'XFER'");
  EXPECT_FALSE(plan.status().isWorthRetrying());
  const Result<Store> store = Store::directory("/dev/null/here");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.status().code(), XFER_INVALID_ARGUMENT);
  const Result<Group> group = Group::gloo({});
  ASSERT_FALSE(group);
}

} // namespace
