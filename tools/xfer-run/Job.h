//===- Job.h - From input files to a plan -----------------------*- C++ -*-===//
//
// Gets the two things a run needs, whatever it was given: declarations, which
// say what is right, and a loaded plan, which is what gets replayed.
//===----------------------------------------------------------------------===//
#pragma once
#include "Options.h"
#include "xfer/IR/Module.h"
#include "xfer/runtime.h"
#include <memory>

namespace xfer::run {

struct DestroyPlan {
  void operator()(xfer_plan_t *plan) const { xfer_plan_destroy(plan); }
};
using PlanHandle = std::unique_ptr<xfer_plan_t, DestroyPlan>;

struct Job {
  std::unique_ptr<Module> declarations; ///< every tensor has a source and targets
  std::vector<uint8_t> planBytes;
  PlanHandle plan;
  std::vector<int64_t> ranks; ///< ascending
  int64_t stagingBytes = 0;   ///< of all ranks together
};

/// The most ranks that xfer-run runs in one process.
inline constexpr int64_t kMaxRanks = 1024;

/// Reads, compiles and loads; fails if the plan is not for all ranks or needs too much staging.
LogicalResult prepareJob(const Options &options, Job &job, Diagnostics &diagnostics);

} // namespace xfer::run
