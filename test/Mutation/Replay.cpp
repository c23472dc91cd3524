//===- Replay.cpp - What a damaged plan does ------------------------------===//
#include "Replay.h"
#include "xfer-run/Check.h"
#include "xfer-run/ElementMath.h"
#include "xfer-run/Padding.h"
#include <thread>

using xfer::run::LocalTensor;

namespace xfer::mutation {

World::World(const Module &module, Diagnostics &diagnostics) : locals(module), pattern(module) {
  if (succeeded(locals.allocate(diagnostics)))
    run::fillSources(locals, pattern);
}

namespace {

constexpr int64_t kTimeoutMilliseconds = 1000;

struct Rank {
  int64_t number = 0;
  xfer_session_t *session = nullptr;
  xfer_status_t status = XFER_OK;
  std::string text;
  void take(xfer_status_t result) {
    status = result;
    text = result == XFER_OK ? "" : xfer_last_error();
  }
};

std::vector<xfer_binding_t> bindingsOf(const World &world, int64_t rank) {
  std::vector<xfer_binding_t> bindings;
  for (const LocalTensor &local : world.memory().all())
    if (local.rank == rank)
      bindings.push_back({local.memory->name.data(),
                          local.memory->isSource ? XFER_SOURCE : XFER_TARGET,
                          run::toRuntime(local.memory->dtype), local.shape.size(),
                          local.shape.data(), nullptr, local.data});
  return bindings;
}

/// Opens and binds; a rank that cannot lets the others fail by their deadline.
void start(const World &world, xfer_group_t *group, const xfer_plan_t *plan, Rank &rank) {
  xfer_session_options_t options = {};
  options.size = sizeof(options);
  options.rank = rank.number;
  options.group = group;
  options.timeout_ms = kTimeoutMilliseconds;
  rank.take(xfer_session_create(plan, &options, &rank.session));
  if (rank.status != XFER_OK)
    return;
  const std::vector<xfer_binding_t> bindings = bindingsOf(world, rank.number);
  rank.take(xfer_session_bind(rank.session, bindings.data(), bindings.size()));
}

void replayOne(Rank &rank) {
  rank.take(xfer_session_replay(rank.session, nullptr));
  if (rank.status == XFER_OK)
    rank.take(xfer_session_wait(rank.session, 10 * kTimeoutMilliseconds));
}

template <typename Work> void onAll(std::vector<Rank> &ranks, Work work) {
  std::vector<std::jthread> threads;
  for (Rank &rank : ranks)
    threads.emplace_back([&] { work(rank); });
}

const Rank *firstFailure(const std::vector<Rank> &ranks) {
  for (const Rank &rank : ranks)
    if (rank.status != XFER_OK)
      return &rank;
  return nullptr;
}

ReplayResult checkTargets(const World &world) {
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  ReplayResult result;
  diagnostics.setHandler([&](const llvm::SMDiagnostic &diagnostic) {
    if (result.text.empty())
      result.text = diagnostic.getMessage().str();
  });
  run::Checked checked;
  if (failed(run::checkTargets(world.memory(), world.values(), run::kPoison, checked, diagnostics)))
    result.ending = Ending::WrongValues;
  return result;
}

} // namespace

ReplayResult replay(const World &world, const std::function<xfer_plan_t *(int64_t rank)> &planOf) {
  run::prepareTargets(world.memory(), run::kPoison);
  xfer_group_t *group = nullptr;
  if (xfer_group_create_threads(&group) != XFER_OK)
    return {Ending::Refused, xfer_last_error()};
  std::vector<Rank> ranks;
  for (int64_t number : world.memory().ranks())
    ranks.push_back({number, nullptr, XFER_OK, {}});
  onAll(ranks, [&](Rank &rank) { start(world, group, planOf(rank.number), rank); });
  const Rank *failure = firstFailure(ranks);
  ReplayResult result;
  if (failure) {
    result = {Ending::Refused, failure->text};
  } else {
    onAll(ranks, replayOne);
    failure = firstFailure(ranks);
    result = failure ? ReplayResult{Ending::Failed, failure->text} : checkTargets(world);
  }
  onAll(ranks, [](Rank &rank) { xfer_session_destroy(rank.session); });
  xfer_group_destroy(group);
  return result;
}

} // namespace xfer::mutation
