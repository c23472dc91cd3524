//===- PassManager.h - Runs passes in order ---------------------*- C++ -*-===//
//
// Owns a pipeline of passes; runs, verifies, times, counts and dumps them.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Pass/Pass.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer {

struct PassManagerOptions {
  bool verifyEach = true;
  bool printAfterAll = false;
  bool printAfterChange = false;
  bool timing = false;
};

class PassManager {
public:
  explicit PassManager(PassManagerOptions options = {}) : options(options) {}
  void add(std::unique_ptr<Pass> pass) { passes.push_back(std::move(pass)); }
  llvm::ArrayRef<std::unique_ptr<Pass>> pipeline() const { return passes; }
  /// The pipeline as text that parsePipeline reads: `build-routes,cut-chunks{max-bytes=64}`.
  std::string print() const;

  /// Runs every pass in order until one fails. Dumps (`// -----// after NAME //----- //`) go to
  /// llvm::errs().
  LogicalResult run(Module &module, PassContext &context);

  void printTiming(llvm::raw_ostream &os) const;
  /// Every counter of every pass, zeros included, in pipeline order.
  void printStatistics(llvm::raw_ostream &os) const;

private:
  PassManagerOptions options;
  std::vector<std::unique_ptr<Pass>> passes;
  std::vector<double> seconds; ///< by pass, of the last run
};

} // namespace xfer
