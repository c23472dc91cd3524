//===- PassManager.h - Runs passes in order ---------------------*- C++ -*-===//
//
// Owns a pipeline of passes; runs, verifies, times, counts and dumps them.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Pass/Pass.h"
#include "xfer/Pass/Timing.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer {

struct PassManagerOptions {
  bool verifyEach = true; ///< verifyModule after each pass that changed something
  bool printAfterAll = false;
  bool printAfterChange = false;
  Timing *timing = nullptr; ///< borrowed; gets a row per pass and one for verification
};

class PassManager {
public:
  explicit PassManager(PassManagerOptions options = {}) : options(options) {}
  void add(std::unique_ptr<Pass> pass) { passes.push_back(std::move(pass)); }
  llvm::ArrayRef<std::unique_ptr<Pass>> pipeline() const { return passes; }
  /// The pipeline as text that parsePipeline reads: `build-routes,cut-chunks{max-bytes=64}`.
  std::string print() const;
  /// The same without checks: what ranks must agree on, whether each of them checks or not.
  std::string printWithoutChecks() const;

  /// Runs the passes added since the last run, in order, until one fails; the passes that follow
  /// may so depend on what the module became. A note names the pass that failed. Dumps
  /// (`// -----// after NAME //----- //`) go to llvm::errs().
  LogicalResult run(Module &module, PassContext &context);

  /// Every counter of every pass, zeros included, in pipeline order.
  void printStatistics(llvm::raw_ostream &os) const;

private:
  LogicalResult runOne(Pass &pass, Module &module, PassContext &context);

  PassManagerOptions options;
  std::vector<std::unique_ptr<Pass>> passes;
  size_t numRun = 0; ///< passes before this index have run
};

} // namespace xfer
