//===- SessionReplayer.h - Ranks of this process ----------------*- C++ -*-===//
//
// One runtime session per rank, bound to the local tensors. Failures of several
// ranks are reported as the one that caused them.
//===----------------------------------------------------------------------===//
#pragma once
#include "DeviceMirror.h"
#include "Replay.h"

namespace xfer::run {

/// What a rank's call returned; the text is the thread's, so it is kept here.
struct Outcome {
  xfer_status_t status = XFER_OK;
  std::string text;
};

class SessionReplayer final : public Replayer {
public:
  /// `group` joins `ranks` with each other and with those elsewhere; this object destroys it.
  SessionReplayer(const Job &job, const LocalTensors &locals, std::vector<int64_t> ranks,
                  xfer_group_t *group)
      : job(job), locals(locals), ranks(std::move(ranks)), group(group),
        sessions(this->ranks.size()) {}
  /// All ranks, each on a device.
  SessionReplayer(const Job &job, const LocalTensors &locals, std::unique_ptr<DeviceMirror> mirror)
      : job(job), locals(locals), ranks(job.ranks), group(nullptr), mirror(std::move(mirror)),
        sessions(ranks.size()) {}
  ~SessionReplayer() override;
  SessionReplayer(const SessionReplayer &) = delete;

  /// Creates and binds every rank's session.
  LogicalResult start(const Options &options, Diagnostics &diagnostics);
  LogicalResult replay(double &seconds, Diagnostics &diagnostics) override;

  /// The same for the only rank of this process, without a report.
  Outcome startAlone(const Options &options);
  Outcome replayAlone();

private:
  std::vector<std::vector<xfer_binding_t>> makeBindings() const;
  Outcome join(size_t index, const Options &options, llvm::ArrayRef<xfer_binding_t> bindings);
  LogicalResult report(llvm::StringRef action, llvm::ArrayRef<Outcome> outcomes,
                       Diagnostics &diagnostics) const;

  const Job &job;
  const LocalTensors &locals;
  const std::vector<int64_t> ranks;           ///< ascending
  xfer_group_t *const group;                  ///< null if the mirror has them
  const std::unique_ptr<DeviceMirror> mirror; ///< null if sessions bind host memory
  std::vector<xfer_session_t *> sessions;     ///< by index in `ranks`
};

} // namespace xfer::run
