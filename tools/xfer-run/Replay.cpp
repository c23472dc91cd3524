//===- Replay.cpp - All ranks of a job in this process --------------------===//
#include "Replay.h"
#include "ElementMath.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <chrono>
#include <latch>
#include <system_error>
#include <thread>

using llvm::ArrayRef;
using llvm::Twine;

namespace xfer::run {

/// The bindings of every rank, by index in Job::ranks.
static std::vector<std::vector<xfer_binding_t>> makeBindings(const Job &job,
                                                             const LocalTensors &locals) {
  std::vector<std::vector<xfer_binding_t>> bindings(job.ranks.size());
  for (const LocalTensor &local : locals.all()) {
    size_t index = llvm::lower_bound(job.ranks, local.rank) - job.ranks.begin();
    xfer_binding_t &binding = bindings[index].emplace_back();
    binding.name = local.memory->name.data(); // saved names end in a zero
    binding.side = local.memory->isSource ? XFER_SOURCE : XFER_TARGET;
    binding.dtype = toRuntime(local.memory->dtype);
    binding.ndim = local.shape.size();
    binding.shape = local.shape.data();
    binding.strides = nullptr;
    binding.data = local.data;
  }
  return bindings;
}

Replayer::Outcome Replayer::join(size_t index, const Options &options,
                                 ArrayRef<xfer_binding_t> bindings) {
  xfer_session_options_t session = {};
  session.size = sizeof session;
  session.rank = job.ranks[index];
  session.group = group;
  session.timeout_ms = options.timeoutSeconds * 1000;
  xfer_status_t status = xfer_session_create(job.plan.get(), &session, &sessions[index]);
  if (status == XFER_OK)
    status = xfer_session_bind(sessions[index], bindings.data(), bindings.size());
  return {status, status == XFER_OK ? "" : xfer_last_error()};
}

/// Reports the failure that explains the others: one that is not about a peer, if there is any.
LogicalResult Replayer::report(llvm::StringRef action, ArrayRef<Outcome> outcomes,
                               Diagnostics &diagnostics) const {
  auto severity = [](const Outcome &outcome) {
    switch (outcome.status) {
    case XFER_OK:
      return 0;
    case XFER_ABORTED:
      return 1;
    case XFER_PEER_FAILED:
      return 2;
    case XFER_TIMEOUT:
      return 3;
    default:
      return 4;
    }
  };
  size_t worst = 0;
  for (size_t i = 1; i < outcomes.size(); ++i)
    if (severity(outcomes[i]) > severity(outcomes[worst]))
      worst = i;
  if (outcomes.empty() || outcomes[worst].status == XFER_OK)
    return success();
  return diagnostics.error({}, "rank " + Twine(job.ranks[worst]) + " cannot " + action + ": " +
                                   outcomes[worst].text);
}

/// Runs `work` for every rank at once, each on a thread of its own: they wait for each other. If
/// not all threads can be had, none does any work, and the reason is returned.
static std::string onEveryRank(size_t numRanks, llvm::function_ref<void(size_t)> work) {
  std::string error;
  std::latch decided(1);
  std::vector<std::jthread> threads;
  try {
    for (size_t i = 0; i < numRanks; ++i)
      threads.emplace_back([&, i] {
        decided.wait();
        if (error.empty())
          work(i);
      });
  } catch (const std::system_error &failure) {
    error = failure.what();
  }
  decided.count_down();
  threads.clear(); // joins before `error` goes
  return error;
}

std::unique_ptr<Replayer> Replayer::create(const Options &options, const Job &job,
                                           const LocalTensors &locals, Diagnostics &diagnostics) {
  std::unique_ptr<Replayer> replayer(new Replayer(job));
  if (xfer_group_create_threads(&replayer->group) != XFER_OK) {
    (void)diagnostics.error({}, xfer_last_error());
    return nullptr;
  }
  std::vector<std::vector<xfer_binding_t>> bindings = makeBindings(job, locals);
  std::vector<Outcome> outcomes(job.ranks.size());
  if (std::string error =
          onEveryRank(job.ranks.size(),
                      [&](size_t i) { outcomes[i] = replayer->join(i, options, bindings[i]); });
      !error.empty()) {
    (void)diagnostics.error({}, "cannot start a thread for each of " + Twine(job.ranks.size()) +
                                    " ranks: " + error);
    return nullptr;
  }
  if (failed(replayer->report("start", outcomes, diagnostics)))
    return nullptr;
  return replayer;
}

Replayer::~Replayer() {
  for (xfer_session_t *session : sessions)
    xfer_session_destroy(session);
  xfer_group_destroy(group);
}

LogicalResult Replayer::replay(double &seconds, Diagnostics &diagnostics) {
  std::vector<Outcome> outcomes(sessions.size());
  auto begin = std::chrono::steady_clock::now();
  for (size_t i = 0; i < sessions.size(); ++i) {
    outcomes[i].status = xfer_session_replay(sessions[i], nullptr);
    if (outcomes[i].status == XFER_OK)
      continue;
    outcomes[i].text = xfer_last_error();
    xfer_session_abort(sessions[i]);
  }
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (outcomes[i].status != XFER_OK)
      continue;
    // Every wait inside the replay has its own deadline.
    outcomes[i].status = xfer_session_wait(sessions[i], -1);
    if (outcomes[i].status != XFER_OK)
      outcomes[i].text = xfer_last_error();
  }
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report("replay", outcomes, diagnostics);
}

} // namespace xfer::run
