//===- WrapperTest.cpp - The runtime from C++ -----------------------------===//
#include "Backends.h"
#include "PlanBuilder.h"
#include "xfer/runtime.hpp"
#include <gtest/gtest.h>

using namespace xfer;

namespace {

std::vector<uint8_t> makePlan() {
  test::PlanBuilder builder({0});
  const uint32_t a = builder.tensor("a", fb::DType::I32);
  builder.source(0, a, fb::DType::I32, {4});
  builder.target(0, a, fb::DType::I32, {4});
  const uint32_t all = builder.region(0, {{4, 1}});
  builder.bucket({0, fb::Transport::Local, {0}, 0, {0}, 16, {{a, all, all}}});
  return builder.build();
}

/// Replays that plan in a group, with tensors at a place of its backend.
void moveATensor(const Result<Group> &group, test::Place &place) {
  const std::vector<uint8_t> bytes = makePlan();
  Result<Plan> plan = Plan::load(bytes.data(), bytes.size());
  ASSERT_TRUE(plan) << plan.status().text();
  ASSERT_TRUE(group) << group.status().text();
  xfer_session_options_t options = {};
  options.group = group->get();
  Result<Session> session = Session::create(*plan, options);
  ASSERT_TRUE(session) << session.status().text();
  const std::vector<int32_t> values = {1, 2, 3, 4};
  std::vector<int32_t> moved(4);
  void *from = place.allocate(0, 16), *to = place.allocate(0, 16);
  place.write(from, values.data(), 16);
  std::vector<xfer_binding_t> bindings;
  const auto wanted = plan->bindings(0);
  ASSERT_TRUE(wanted);
  for (const xfer_binding_info_t &each : *wanted)
    bindings.push_back({each.name, each.side, each.dtype, each.ndim, each.shape, nullptr,
                        each.side == XFER_SOURCE ? from : to});
  ASSERT_TRUE(session->bind(bindings));
  ASSERT_TRUE(session->replay());
  ASSERT_TRUE(session->wait());
  place.read(moved.data(), to, 16);
  place.release(from);
  place.release(to);
  EXPECT_EQ(moved, values);
  EXPECT_EQ(session->counters()->replays, 1);
  EXPECT_TRUE(session->incomplete().empty());
}

TEST(Wrapper, MovesATensor) { moveATensor(Group::threads(), *test::makeThreadsPlace()); }

TEST(Wrapper, MovesATensorOnADevice) {
  const std::string directory = testing::TempDir() + "xfer-wrapper-test-store";
  const Result<Store> store = Store::directory(directory.c_str());
  ASSERT_TRUE(store) << store.status().text();
  xfer_nccl_options_t options = {};
  options.store = store->get();
  const std::shared_ptr<test::Place> place = test::ncclBackend().makePlace();
  place->addRanks({0});
  moveATensor(Group::nccl(options), *place);
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
  for (const Result<Group> &group : {Group::gloo({}), Group::nccl({})})
    ASSERT_FALSE(group);
}

} // namespace
