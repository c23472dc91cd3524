//===- Replay.h - The ranks of a job at work --------------------*- C++ -*-===//
//
// Replays a plan on all ranks that this process answers for. They are threads of
// it, processes that it starts, or under a launcher the one rank that it is.
//===----------------------------------------------------------------------===//
#pragma once
#include "Job.h"
#include "LocalTensors.h"

namespace xfer::run {

class Replayer {
public:
  /// Starts the ranks. `job` and `locals` must outlive this object.
  static std::unique_ptr<Replayer> create(const Options &options, const Job &job,
                                          const LocalTensors &locals, Diagnostics &diagnostics);
  virtual ~Replayer() = default;

  /// Replays once; `seconds` is from the first rank to start to the last to finish.
  virtual LogicalResult replay(double &seconds, Diagnostics &diagnostics) = 0;
};

} // namespace xfer::run
