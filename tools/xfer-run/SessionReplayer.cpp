//===- SessionReplayer.cpp - Ranks of this process ------------------------===//
#include "SessionReplayer.h"
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

/// The bindings of every rank, by index in `ranks`, which ascend.
std::vector<std::vector<xfer_binding_t>> SessionReplayer::makeBindings() const {
  std::vector<std::vector<xfer_binding_t>> bindings(ranks.size());
  for (const LocalTensor &local : locals.all()) {
    auto index = static_cast<size_t>(llvm::lower_bound(ranks, local.rank) - ranks.begin());
    if (index == ranks.size() || ranks[index] != local.rank)
      continue;
    xfer_binding_t &binding = bindings[index].emplace_back();
    binding.name = local.memory->name.data(); // saved names end in a zero
    binding.side = local.memory->isSource ? XFER_SOURCE : XFER_TARGET;
    binding.dtype = toRuntime(local.memory->dtype);
    binding.ndim = local.shape.size();
    binding.shape = local.shape.data();
    binding.strides = nullptr;
    binding.data = mirror ? mirror->dataOf(local) : local.data;
  }
  return bindings;
}

Outcome SessionReplayer::join(size_t index, const Options &options,
                              ArrayRef<xfer_binding_t> bindings) {
  xfer_session_options_t session = {};
  session.size = sizeof session;
  session.rank = ranks[index];
  session.group = mirror ? mirror->group(index) : group;
  session.timeout_ms = options.deadlineSeconds * 1000;
  xfer_status_t status = xfer_session_create(job.plan.get(), &session, &sessions[index]);
  if (status == XFER_OK)
    status = xfer_session_bind(sessions[index], bindings.data(), bindings.size());
  return {status, status == XFER_OK ? "" : xfer_last_error()};
}

/// Reports the failure that explains the others: one that is not about a peer, if there is any.
LogicalResult SessionReplayer::report(llvm::StringRef action, ArrayRef<Outcome> outcomes,
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
  return diagnostics.error({}, "rank " + Twine(ranks[worst]) + " cannot " + action + ": " +
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

LogicalResult SessionReplayer::start(const Options &options, Diagnostics &diagnostics) {
  std::vector<std::vector<xfer_binding_t>> bindings = makeBindings();
  std::vector<Outcome> outcomes(ranks.size());
  if (std::string error =
          onEveryRank(ranks.size(), [&](size_t i) { outcomes[i] = join(i, options, bindings[i]); });
      !error.empty())
    return diagnostics.error({}, "cannot start a thread for each of " + Twine(ranks.size()) +
                                     " ranks: " + error);
  return report("start", outcomes, diagnostics);
}

Outcome SessionReplayer::startAlone(const Options &options) {
  return join(0, options, makeBindings()[0]);
}

Outcome SessionReplayer::replayAlone() {
  xfer_status_t status = xfer_session_replay(sessions[0], nullptr);
  if (status == XFER_OK)
    status = xfer_session_wait(sessions[0], -1);
  return {status, status == XFER_OK ? "" : xfer_last_error()};
}

SessionReplayer::~SessionReplayer() {
  for (xfer_session_t *session : sessions)
    xfer_session_destroy(session);
  xfer_group_destroy(group);
}

LogicalResult SessionReplayer::replay(double &seconds, Diagnostics &diagnostics) {
  std::vector<Outcome> outcomes(sessions.size());
  if (mirror && failed(mirror->upload(diagnostics)))
    return failure();
  auto begin = std::chrono::steady_clock::now();
  for (size_t i = 0; i < sessions.size(); ++i) {
    outcomes[i].status = xfer_session_replay(sessions[i], mirror ? mirror->stream(i) : nullptr);
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
  if (failed(report("replay", outcomes, diagnostics)))
    return failure();
  return mirror ? mirror->download(diagnostics) : success();
}

} // namespace xfer::run
