//===- Replay.h - All ranks of a job in this process ------------*- C++ -*-===//
//
// One runtime session per rank over the threads backend, bound to the local
// tensors. Failures of several ranks are reported as the one that caused them.
//===----------------------------------------------------------------------===//
#pragma once
#include "Job.h"
#include "LocalTensors.h"

namespace xfer::run {

class Replayer {
public:
  /// Creates and binds every rank's session. `job` and `locals` must outlive this object.
  static std::unique_ptr<Replayer> create(const Options &options, const Job &job,
                                          const LocalTensors &locals, Diagnostics &diagnostics);
  ~Replayer();
  Replayer(const Replayer &) = delete;

  /// Replays once on all ranks; `seconds` is from the first to start to the last to finish.
  LogicalResult replay(double &seconds, Diagnostics &diagnostics);

private:
  /// What a rank's call returned; the text is the thread's, so it is kept here.
  struct Outcome {
    xfer_status_t status = XFER_OK;
    std::string text;
  };
  explicit Replayer(const Job &job) : job(job), sessions(job.ranks.size()) {}
  Outcome join(size_t index, const Options &options, llvm::ArrayRef<xfer_binding_t> bindings);
  LogicalResult report(llvm::StringRef action, llvm::ArrayRef<Outcome> outcomes,
                       Diagnostics &diagnostics) const;

  const Job &job;
  xfer_group_t *group = nullptr;
  std::vector<xfer_session_t *> sessions; ///< by index in Job::ranks
};

} // namespace xfer::run
