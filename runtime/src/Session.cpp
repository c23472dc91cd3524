//===- Session.cpp - One rank's standing with the others ------------------===//
//
// The worker sleeps until a replay is requested, runs it, and says so. A failed
// replay ends the session: requests after it are refused with the same error.
//===----------------------------------------------------------------------===//
#include "Session.h"
#include "Bind.h"
#include <cfenv>

using namespace xfer::runtime;

namespace {
constexpr int64_t kDefaultTimeoutMilliseconds = 60'000;
}

Status xfer_session::create(const xfer_plan &plan, const xfer_session_options_t &options,
                            std::unique_ptr<xfer_session> &session) {
  if (!options.group)
    return xfer::runtime::failure(XFER_INVALID_ARGUMENT, "'options.group' is NULL");
  if (options.timeout_ms < 0 || options.staging_bytes < 0)
    return xfer::runtime::failure(XFER_INVALID_ARGUMENT, "options have timeout ",
                                  options.timeout_ms, " ms and ", options.staging_bytes,
                                  " staging bytes, expected 0 or more");
  const Program *program = plan.findProgram(options.rank);
  if (!program && plan.programs.size() == 1)
    return xfer::runtime::failure(XFER_INVALID_ARGUMENT, "plan was compiled for rank ",
                                  plan.programs[0].rank, " alone, it has no program for rank ",
                                  options.rank);
  if (!program)
    return xfer::runtime::failure(XFER_INVALID_ARGUMENT, "plan has no rank ", options.rank);
  const int64_t staged =
      options.group->needsBuffers() ? program->exchangeBytes : program->stagingBytes;
  if (options.staging_bytes > 0 && staged > options.staging_bytes)
    return xfer::runtime::failure(XFER_OUT_OF_BUDGET, "rank ", options.rank, " stages ", staged,
                                  " bytes, but only ", options.staging_bytes, " are allowed");

  const int64_t timeout = options.timeout_ms > 0 ? options.timeout_ms : kDefaultTimeoutMilliseconds;
  return options.group->openSession(plan, *program, timeout, options, session);
}

Status xfer_group::openSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                               const xfer_session_options_t &options,
                               std::unique_ptr<xfer_session> &session) {
  return HostSession::create(*this, plan, program, timeout, options, session);
}

namespace xfer::runtime {

Status HostSession::create(xfer_group &group, const xfer_plan &plan, const Program &program,
                           int64_t timeout, const xfer_session_options_t &options,
                           std::unique_ptr<xfer_session> &session) {
  const bool checksums = options.checksums != 0;
  std::unique_ptr<HostSession> made(
      new HostSession(plan, program, timeout, checksums, group.needsBuffers()));
  const Messages &messages = made->replayer.messages;
  const Agreement agreement = {program.rank, plan.digest, plan.version,   options.epoch,
                               checksums,    plan.ranks,  messages.sends, messages.receives};
  std::unique_ptr<Connection> connection;
  if (Status status = group.join(agreement, Deadline::in(timeout), connection); !status.isOk())
    return status;
  made->replayer.open(std::move(connection));
  made->worker = std::thread(&HostSession::work, made.get());
  session = std::move(made);
  return {};
}

HostSession::HostSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                         bool checksums, bool needsBuffers)
    : replayer(plan, program, timeout, checksums, needsBuffers), isBound(program.bindings.empty()) {
}

HostSession::~HostSession() {
  if (!worker.joinable())
    return;
  {
    std::lock_guard lock(mutex);
    isStopping = true;
    changed.notify_all();
  }
  worker.join();
}

Status HostSession::bind(std::span<const xfer_binding_t> bindings) {
  std::lock_guard lock(mutex);
  if (numFinished < numRequested)
    return failure(XFER_INVALID_ARGUMENT, "cannot bind while a replay is in flight");
  if (Status status = ending(); !status.isOk())
    return status;
  const Status status = bindTensors(replayer.program, bindings, replayer.memory.tensors);
  isBound |= status.isOk();
  return status;
}

Status HostSession::ending() const {
  return lastFailure.isOk() ? replayer.connection->failure() : lastFailure;
}

Status HostSession::replay(void *stream) {
  if (stream)
    return failure(XFER_INVALID_ARGUMENT, "'stream' must be NULL without a device");
  std::lock_guard lock(mutex);
  if (Status status = ending(); !status.isOk())
    return status;
  if (!isBound)
    return failure(XFER_INVALID_ARGUMENT, "bind tensors before replaying");
  ++numRequested;
  changed.notify_all();
  return {};
}

Status HostSession::wait(int64_t timeoutMilliseconds) {
  std::unique_lock lock(mutex);
  auto isDone = [&] { return numFinished == numRequested; };
  if (timeoutMilliseconds >= 0 &&
      !changed.wait_until(lock, Deadline::in(timeoutMilliseconds).time, isDone))
    replayer.connection->fail(
        failure(XFER_TIMEOUT, "replay did not finish within ", timeoutMilliseconds, " ms"));
  changed.wait(lock, isDone);
  return lastFailure;
}

std::span<const char *const> HostSession::incomplete() const { return incompleteNames; }

Status HostSession::counters(xfer_counters_t &counters) const {
  counters = replayer.timeline.counters();
  return {};
}

Status HostSession::writeTimeline(const char *path) const { return replayer.timeline.write(path); }

void HostSession::abort() {
  replayer.connection->fail(
      failure(XFER_ABORTED, "rank ", replayer.program.rank, " aborted the session"));
}

void HostSession::work() {
  // Casts rely on rounding to nearest and on subnormals, whatever the creating thread had set.
  std::fesetenv(FE_DFL_ENV);
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return isStopping || numFinished < numRequested; });
    if (numFinished == numRequested)
      return;
    lock.unlock();
    Status status = replayer.run();
    lock.lock();
    ++numFinished;
    if (!status.isOk()) {
      lastFailure = std::move(status);
      incompleteNames = replayer.progress.incomplete();
      numFinished = numRequested;
    }
    changed.notify_all();
  }
}

} // namespace xfer::runtime
