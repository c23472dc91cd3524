//===- ProcessReplayer.h - A process for each rank --------------*- C++ -*-===//
//
// Starts the ranks of a job as children, which share the local tensors with this
// process and exchange them over Gloo. This process tells them when to replay and
// hears from each how it went; a child that dies or falls silent is a failure of
// its rank. No child outlives this process.
//===----------------------------------------------------------------------===//
#pragma once
#include "SessionReplayer.h"
#include <sys/types.h>

namespace xfer::run {

class ProcessReplayer final : public Replayer {
public:
  /// Starts every rank. `locals` must lie in shared memory.
  static std::unique_ptr<ProcessReplayer> create(const Options &options, const Job &job,
                                                 const LocalTensors &locals,
                                                 Diagnostics &diagnostics);
  ~ProcessReplayer() override;
  ProcessReplayer(const ProcessReplayer &) = delete;
  LogicalResult replay(double &seconds, Diagnostics &diagnostics) override;

private:
  struct Child {
    int64_t rank = 0;
    pid_t process = -1;
    int commands = -1, results = -1; ///< this process's ends of pipes
    bool isWaitedFor = false;        ///< its result is still to come
    Outcome outcome;
  };
  ProcessReplayer(const Options &options, const Job &job) : options(options), job(job) {}
  LogicalResult startChild(const LocalTensors &locals, const std::string &store, Child &child,
                           Diagnostics &diagnostics);
  [[noreturn]] void runChild(const LocalTensors &locals, const std::string &store, int64_t rank,
                             int commands, int results) const;
  LogicalResult collect(llvm::StringRef action, Diagnostics &diagnostics);
  void readResult(Child &child);
  void stop(Child &child, int64_t graceMilliseconds);

  const Options &options;
  const Job &job;
  std::vector<Child> children;
};

/// The group of a process's rank, which meets others in `directory`; reports why there is none.
xfer_group_t *createGlooGroup(const std::string &directory, const char *host,
                              Diagnostics &diagnostics);

} // namespace xfer::run
