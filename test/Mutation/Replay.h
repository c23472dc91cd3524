//===- Replay.h - What a damaged plan does ----------------------*- C++ -*-===//
//
// Replays plans on the threads backend, where every source holds a function of
// tensor and global index and every target poison, and compares every target
// element with what the declarations say.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer-run/LocalTensors.h"
#include "xfer-run/Values.h"
#include "xfer/runtime.h"
#include <string>

namespace xfer::mutation {

/// The memory of every rank of a job, from its declarations.
class World {
public:
  /// `module` has been verified and must outlive this.
  World(const Module &module, Diagnostics &diagnostics);
  const run::LocalTensors &memory() const { return locals; }
  const run::Values &values() const { return pattern; }

private:
  run::LocalTensors locals;
  run::PatternValues pattern;
};

enum class Ending {
  Right,       ///< every target element is as declared
  Refused,     ///< a session did not open or bind: nothing moved
  Failed,      ///< a replay ended with an error
  WrongValues, ///< all ranks said that it went well
};
struct ReplayResult {
  Ending ending = Ending::Right;
  std::string text; ///< the first rank's error, or the first wrong element
};

/// Replays once; `planOf(rank)` is the plan that a rank has loaded. No wait takes longer than a
/// second.
ReplayResult replay(const World &world, const std::function<xfer_plan_t *(int64_t rank)> &planOf);

} // namespace xfer::mutation
