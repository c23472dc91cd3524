//===- Pipelines.cpp - The default pipeline -------------------------------===//
#include "xfer/Transforms/Pipelines.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Transforms/Levels.h"

namespace xfer {
namespace {

/// Sizes that fit a rank's staging: two windows, each with `peers` buckets out and in.
struct Sizes {
  int64_t bucketBytes, peers;
  explicit Sizes(const PipelineOptions &options) {
    constexpr int64_t kWorthwhile = int64_t(256) << 10;
    peers = 8;
    while (peers > 1 && options.stagingBytes / (4 * peers) < kWorthwhile)
      peers /= 2;
    bucketBytes =
        std::max<int64_t>(1, std::min(options.bucketBytes, options.stagingBytes / (4 * peers)));
  }
};

/// How far the module has been lowered: the first pass that may have work left.
enum class Stage {
  BuildRoutes,
  SelectSources,
  AssignTransport,
  LegalizeSelfCopy,
  ScheduleWindows,
  VerifyPlan
};

Stage stageOf(const Module &module) {
  switch (module.level) {
  case Level::Declarations:
    return Stage::BuildRoutes;
  case Level::Routes:
    return Stage::SelectSources;
  case Level::Chunks:
    return Stage::AssignTransport;
  case Level::Programs:
    break;
  }
  Stage stage = Stage::VerifyPlan;
  for (const Program &program : module.programs) {
    if (program.chunks.empty() || !program.windows.empty())
      continue;
    if (program.buckets.empty())
      return Stage::LegalizeSelfCopy;
    stage = Stage::ScheduleWindows;
  }
  return stage;
}

} // namespace

void buildDefaultPipeline(PassManager &manager, const Module &module,
                          const PipelineOptions &options) {
  Sizes sizes(options);
  Stage stage = stageOf(module);
  struct Setting {
    llvm::StringRef option;
    int64_t value;
  };
  auto add = [&](Stage last, llvm::StringRef flag, llvm::ArrayRef<Setting> settings = {}) {
    if (stage > last)
      return;
    std::unique_ptr<Pass> pass = PassRegistry::create(flag);
    for (const Setting &setting : settings)
      pass->set(setting.option, setting.value);
    manager.add(std::move(pass));
  };
  // What moves, from whom.
  add(Stage::BuildRoutes, "build-routes");
  add(Stage::SelectSources, "select-sources");
  add(Stage::SelectSources, "type-routes");
  // Which bytes, and how.
  add(Stage::SelectSources, "cut-chunks", {{"max-bytes", sizes.bucketBytes}});
  add(Stage::AssignTransport, "assign-transport");
  // What each rank does.
  add(Stage::AssignTransport, "split-roles");
  add(Stage::LegalizeSelfCopy, "legalize-self-copy");
  // In which messages, and when.
  add(Stage::LegalizeSelfCopy, "form-buckets", {{"max-bytes", sizes.bucketBytes}});
  add(Stage::ScheduleWindows, "schedule-windows",
      {{"peers", sizes.peers},
       {"staging-bytes", options.stagingBytes},
       {"max-operations", defaultMaxOperations(module)}});
  if (options.verifyPlan)
    add(Stage::VerifyPlan, "verify-plan", {{"staging-bytes", options.stagingBytes}});
}

} // namespace xfer
