//===- NcclSession.cpp - One rank's session on a device -------------------===//
//
// How a session is opened is in NcclSessionOpen.cpp, how it waits and ends in
// NcclSessionWatch.cpp.
//===----------------------------------------------------------------------===//
#include "NcclSession.h"
#include "../Bind.h"

namespace xfer::runtime {

NcclSession::NcclSession(const NcclParent &parent, const xfer_plan &plan, const Program &program,
                         int64_t timeout, const xfer_session_options_t &options)
    : parent(parent), plan(plan), program(program), timeout(timeout), budget(options.staging_bytes),
      epoch(options.epoch), wantsChecksums(options.checksums != 0),
      position(
          static_cast<int>(std::lower_bound(plan.ranks.begin(), plan.ranks.end(), program.rank) -
                           plan.ranks.begin())),
      numRanks(static_cast<int>(plan.ranks.size())), comms(parent.nccl),
      schedule(plan, program, options.staging_bytes, wantsChecksums), progress(program),
      isBound(program.bindings.empty()), timeline(program) {}

Status NcclSession::create(const NcclParent &parent, const xfer_plan &plan, const Program &program,
                           int64_t timeout, const xfer_session_options_t &options,
                           std::unique_ptr<xfer_session> &session) {
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  std::unique_ptr<NcclSession> made(new NcclSession(parent, plan, program, timeout, options));
  if (Status status = made->open(Deadline::in(timeout)); !status.isOk()) {
    made->end(status);
    return status;
  }
  session = std::move(made);
  return {};
}

NcclSession::~NcclSession() {
  const CurrentDevice device(parent.cuda, parent.device);
  if (lastFailure.isOk())
    (void)wait(-1);
  std::lock_guard lock(mutex);
  if (lastFailure.isOk() && board)
    board->tellLeave(replayer->numFinished());
  if (lastFailure.isOk() && !comms.close(Deadline::in(timeout)).isOk())
    comms.abort();
  replayer.reset();
}

Status NcclSession::bind(std::span<const xfer_binding_t> bindings) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  if (Status status = look(); !status.isOk())
    return status;
  if (!isIdle())
    return failure(XFER_INVALID_ARGUMENT, "cannot bind while a replay is in flight");
  if (Status status = board ? board->hearFailure() : Status(); !status.isOk()) {
    end(status);
    return lastFailure;
  }
  std::vector<std::byte *> found(program.bindings.size());
  if (Status status = bindTensors(program, bindings, found); !status.isOk())
    return status;
  if (Status status = checkMemory(found); !status.isOk())
    return status;
  if (Status status = replayer->bind(found, Deadline::in(timeout)); !status.isOk())
    return status;
  data.swap(found);
  isBound = true;
  return {};
}

/// Verifies that every tensor lies in memory of this session's device.
Status NcclSession::checkMemory(std::span<std::byte *const> found) const {
  for (size_t i = 0; i < found.size(); ++i) {
    const BindingSpec &spec = *program.bindings[i];
    if (spec.numBytes == 0)
      continue;
    CudaPointerAttributes attributes = {};
    if (Status status = parent.cuda.check(parent.cuda.PointerGetAttributes(&attributes, found[i]),
                                          "ask for a tensor's memory");
        !status.isOk())
      return status;
    const char *side = spec.side == XFER_SOURCE ? "source '" : "target '";
    if (attributes.type != kCudaMemoryTypeDevice && attributes.type != kCudaMemoryTypeManaged)
      return failure(XFER_INVALID_BINDING, side, *spec.name, "' is not in device memory");
    if (attributes.type == kCudaMemoryTypeDevice && attributes.device != parent.device)
      return failure(XFER_INVALID_BINDING, side, *spec.name, "' is on device ", attributes.device,
                     ", expected ", parent.device);
  }
  return {};
}

Status NcclSession::replay(void *stream) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  if (!isBound)
    return failure(XFER_INVALID_ARGUMENT, "bind tensors before replaying");
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  if (replayer->damage())
    return look();
  bool isCaptured = false;
  if (Status status =
          replayer->enqueue(static_cast<CudaStream>(stream), Deadline::in(timeout), isCaptured);
      !status.isOk()) {
    end(status);
    return lastFailure;
  }
  return {};
}

void NcclSession::abort() {
  comms.isAbortRequested.store(true);
  std::unique_lock lock(mutex);
  const CurrentDevice device(parent.cuda, parent.device);
  if (replayer)
    (void)look();
}

Status NcclSession::counters(xfer_counters_t &counters) const {
  std::lock_guard lock(mutex);
  counters = timeline.counters();
  return {};
}

Status NcclSession::writeTimeline(const char *path) const {
  std::lock_guard lock(mutex);
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  Timeline times = timeline;
  if (Status status = replayer->readTimes(times, Deadline::in(timeout)); !status.isOk())
    return status;
  return times.write(path);
}

} // namespace xfer::runtime
