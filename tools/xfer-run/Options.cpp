//===- Options.cpp - What the command line asks for -----------------------===//
#include "Options.h"
#include "DeviceMirror.h"
#include "xfer/runtime.h"
#include <cstdlib>

namespace xfer::run {

static constexpr llvm::StringLiteral kOverview =
    R"(xfer-run: moves tensors as declared

usage: xfer-run [options] IN...

IN is xfer text (several files are one text, `-` is standard input) or a plan
that `xfer-opt --emit=plan` wrote. Sources are filled with a pattern unless
--inputs gives their values. Files hold a tensor for each memory of a rank: a
storage, or a tensor's own.
)";

/// Reads a variable that a launcher sets; nullopt if it is not there.
static LogicalResult readVariable(const char *name, std::optional<int64_t> &value,
                                  Diagnostics &diagnostics) {
  const char *text = std::getenv(name);
  int64_t number = 0;
  if (!text)
    return success();
  if (llvm::StringRef(text).getAsInteger(10, number) || number < 0)
    return diagnostics.error({}, llvm::Twine(name) + " is '" + text +
                                     "' in the environment, expected a number");
  value = number;
  return success();
}

/// Verifies that options about processes fit each other, and reads the launcher's variables.
static LogicalResult checkProcesses(Options &options, Diagnostics &diagnostics) {
  if (options.backend != BackendKind::Gloo) {
    if (options.numProcesses || !options.storeDirectory.empty())
      return diagnostics.error({}, "--nproc and --store are for --backend=gloo");
    return success();
  }
  xfer_gloo_options_t probe = {}; // names no store, which is an error only where there is Gloo
  probe.size = sizeof probe;
  xfer_group_t *group = nullptr;
  if (xfer_group_create_gloo(&probe, &group) == XFER_UNSUPPORTED)
    return diagnostics.error({}, xfer_last_error());
  std::optional<int64_t> rank, worldSize;
  if (options.numProcesses)
    return success(); // whoever started this, it starts the ranks
  if (failed(readVariable("RANK", rank, diagnostics)) ||
      failed(readVariable("WORLD_SIZE", worldSize, diagnostics)))
    return failure();
  if (!rank || !worldSize)
    return success();
  if (*rank >= *worldSize)
    return diagnostics.error({}, "RANK is " + llvm::Twine(*rank) + " and WORLD_SIZE " +
                                     llvm::Twine(*worldSize) + " in the environment");
  if (options.storeDirectory.empty())
    return diagnostics.error({}, "RANK and WORLD_SIZE are set, so this process runs one rank: say "
                                 "with --store where the ranks meet, or with --nproc that it "
                                 "starts them");
  options.launcher = {*rank, *worldSize};
  return success();
}

CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, Options &options,
                                      Diagnostics &diagnostics) {
  constexpr int64_t kMaxDeadlineSeconds = int64_t(365) * 24 * 3600;
  size_t backend = 0;
  CommandLine line("xfer-run", kOverview, diagnostics);
  // An empty name is a mistake, of an unset shell variable say, and not the same as no option.
  auto path = [&](llvm::StringRef name, llvm::StringRef valueName, llvm::StringRef help,
                  std::string &out) {
    line.custom(name, CommandLine::Value::Required, valueName, help,
                [&diagnostics, &out](llvm::StringRef value) {
                  out = value.str();
                  return value.empty()
                             ? diagnostics.error(llvm::SMLoc::getFromPointer(value.data()),
                                                 "expected a name, got ''")
                             : success();
                });
  };
  line.section("data");
  path("inputs", "DIR", "read the sources from DIR/rank<r>.safetensors", options.inputDirectory);
  path("outputs", "DIR", "write the targets to DIR/rank<r>.safetensors; a pad holds 0",
       options.outputDirectory);
  line.flag("verify", "check every target element after every replay", options.verify);
  line.section("replay");
  line.choice("backend", "NAME", "how bytes cross ranks: threads (default), gloo, nccl",
              kBackendNames, [&](size_t index) { backend = index; });
  line.integer("repeat", "N", "replay N times (default 1)", 1, options.repeat);
  line.integer("deadline", "SECONDS", "give up on a rank after this long (default 60)", 1,
               options.deadlineSeconds);
  line.integer("nproc", "N", "gloo: start N processes here, one per rank (default: all ranks)", 1,
               options.numProcesses);
  path("store", "DIR", "gloo: meet in DIR, which all processes share", options.storeDirectory);
  line.section("plan");
  line.text("pass-pipeline", "TEXT", "run these passes, then what is left of the default pipeline",
            options.pipeline);
  line.flag("no-verify-plan", "do not prove the plan before it runs", options.noVerifyPlan);
  line.integer("staging-bytes", "N", "staging of all ranks together (default 268435456)", 1,
               options.stagingBytes);
  line.section("report");
  path("json", "FILE", "write what was measured and counted; `-` is standard output",
       options.jsonFile);

  CommandLine::Outcome outcome = line.parse(argc, argv);
  options.deadlineSeconds = std::min(options.deadlineSeconds, kMaxDeadlineSeconds);
  options.backend = static_cast<BackendKind>(backend);
  options.inputs.assign(line.inputs().begin(), line.inputs().end());
  if (outcome != CommandLine::Outcome::Run)
    return outcome;
  if (options.backend == BackendKind::Nccl && failed(DeviceMirror::checkDevices(diagnostics)))
    return CommandLine::Outcome::Failed;
  return succeeded(checkProcesses(options, diagnostics)) ? outcome : CommandLine::Outcome::Failed;
}

} // namespace xfer::run
