//===- Driver.h - From text to result ---------------------------*- C++ -*-===//
//
// What happens to one module, and to each of several in a split input.
//===----------------------------------------------------------------------===//
#pragma once
#include "CommandLineOptions.h"

namespace xfer {

class Driver {
public:
  Driver(const XferOptOptions &options, llvm::SourceMgr &sources)
      : options(options), sources(sources) {}

  /// Parses, verifies, transforms and writes what the buffers hold. Writes nothing of a module that
  /// fails; in a split input the other modules are still written.
  LogicalResult run(llvm::ArrayRef<unsigned> bufferIds, llvm::raw_ostream &os);

private:
  LogicalResult runSplit(unsigned bufferId, llvm::raw_ostream &os);
  LogicalResult runChecked(llvm::ArrayRef<unsigned> bufferIds, unsigned linesBefore,
                           llvm::raw_ostream &os);
  LogicalResult runModule(llvm::ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics,
                          llvm::raw_ostream &os);
  std::unique_ptr<Module> readText(llvm::ArrayRef<unsigned> bufferIds, std::string &pipeline,
                                   Diagnostics &diagnostics);
  std::unique_ptr<Module> readPlanFile(llvm::StringRef bytes, std::string &pipeline,
                                       Diagnostics &diagnostics);
  LogicalResult runPasses(PassManager &manager, Module &module, bool isLowered,
                          Diagnostics &diagnostics);
  LogicalResult emit(const Module &module, llvm::StringRef pipeline, Diagnostics &diagnostics,
                     llvm::raw_ostream &os);

  const XferOptOptions &options;
  llvm::SourceMgr &sources;
  Timing timing;
};

} // namespace xfer
