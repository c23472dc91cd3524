//===- CommandLineOptions.h - What xfer-opt is asked to do ------*- C++ -*-===//
#pragma once
#include "common/CommandLine.h"
#include "xfer/Pass/PassManager.h"
#include "xfer/Transforms/Pipelines.h"

namespace xfer {

/// Something the command line adds to the pipeline; may look at what the module has become.
using PipelineStep = std::function<LogicalResult(PassManager &manager, const Module &module)>;

enum class EmitKind { Ir, Plan };

struct XferOptOptions {
  std::vector<llvm::StringRef> inputs; ///< parts of the `<command line>` buffer, as is `rankText`
  std::string output = "-";
  std::vector<PipelineStep> steps; ///< in the order of the command line
  PassManagerOptions passManager;
  EmitKind emit = EmitKind::Ir;
  std::optional<int64_t> rank;
  llvm::StringRef rankText;
  bool noVerifyPlan = false; ///< in the default pipeline
  bool splitInputFile = false;
  bool verifyDiagnostics = false;
  bool printPipeline = false;
  bool statistics = false;
  bool timing = false;
};

/// Reads argv, reporting everything that is wrong with options and pipelines before any input is
/// read. `options` must stay where it is.
CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, XferOptOptions &options,
                                      Diagnostics &diagnostics);

} // namespace xfer
