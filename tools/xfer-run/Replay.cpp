//===- Replay.cpp - The ranks of a job at work ----------------------------===//
#include "ProcessReplayer.h"

namespace xfer::run {

std::unique_ptr<Replayer> Replayer::create(const Options &options, const Job &job,
                                           const LocalTensors &locals, Diagnostics &diagnostics) {
  if (options.backend == BackendKind::Gloo && !options.launcher)
    return ProcessReplayer::create(options, job, locals, diagnostics);

  if (options.backend == BackendKind::Nccl) {
    std::unique_ptr<DeviceMirror> mirror = DeviceMirror::create(job, locals, diagnostics);
    if (!mirror)
      return nullptr;
    auto replayer = std::make_unique<SessionReplayer>(job, locals, std::move(mirror));
    return succeeded(replayer->start(options, diagnostics)) ? std::move(replayer) : nullptr;
  }

  xfer_group_t *group = nullptr;
  std::vector<int64_t> ranks = job.ranks;
  if (options.launcher) {
    ranks = {job.ranks[options.launcher->rank]};
    group = createGlooGroup(options.storeDirectory, /*host=*/nullptr, diagnostics);
    if (!group)
      return nullptr;
  } else if (xfer_group_create_threads(&group) != XFER_OK) {
    (void)diagnostics.error({}, xfer_last_error());
    return nullptr;
  }
  auto replayer = std::make_unique<SessionReplayer>(job, locals, std::move(ranks), group);
  if (failed(replayer->start(options, diagnostics)))
    return nullptr;
  return replayer;
}

} // namespace xfer::run
