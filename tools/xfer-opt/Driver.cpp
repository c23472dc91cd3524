//===- Driver.cpp - From text to result -----------------------------------===//
//
// Split, parse, verify, run passes, emit; and around it the diagnostics that a
// test expects.
//===----------------------------------------------------------------------===//
#include "Driver.h"
#include "ExpectedDiagnostics.h"
#include "SplitInput.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"

using llvm::ArrayRef;
using llvm::SMDiagnostic;
using llvm::SMLoc;

namespace xfer {

LogicalResult Driver::run(ArrayRef<unsigned> bufferIds, llvm::raw_ostream &os) {
  LogicalResult result = options.splitInputFile ? runSplit(bufferIds.front(), os)
                                                : runChecked(bufferIds, /*linesBefore=*/0, os);
  if (options.timing)
    timing.print(llvm::errs());
  return result;
}

LogicalResult Driver::runSplit(unsigned bufferId, llvm::raw_ostream &os) {
  const llvm::MemoryBuffer *whole = sources.getMemoryBuffer(bufferId);
  bool allSucceeded = true;
  bool isFirst = true;
  for (const Piece &piece : splitInput(whole->getBuffer())) {
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(piece.text, whole->getBufferIdentifier()), SMLoc());
    if (!isFirst)
      os << kSplitMarker << '\n';
    isFirst = false;
    allSucceeded &= succeeded(runChecked(id, piece.linesBefore, os));
  }
  return success(allSucceeded);
}

/// Prints a diagnostic of a piece with its line in the whole file.
static void printInWholeFile(const SMDiagnostic &diagnostic, ArrayRef<unsigned> bufferIds,
                             unsigned linesBefore) {
  SMLoc loc = diagnostic.getLoc();
  if (!linesBefore || !loc.isValid() ||
      bufferIds.front() != diagnostic.getSourceMgr()->FindBufferContainingLoc(loc))
    return printDiagnostic(diagnostic, llvm::errs());
  SMDiagnostic moved(*diagnostic.getSourceMgr(), loc, diagnostic.getFilename(),
                     diagnostic.getLineNo() + linesBefore, diagnostic.getColumnNo(),
                     diagnostic.getKind(), diagnostic.getMessage(), diagnostic.getLineContents(),
                     diagnostic.getRanges());
  printDiagnostic(moved, llvm::errs());
}

LogicalResult Driver::runChecked(ArrayRef<unsigned> bufferIds, unsigned linesBefore,
                                 llvm::raw_ostream &os) {
  auto print = [&](const SMDiagnostic &diagnostic) {
    printInWholeFile(diagnostic, bufferIds, linesBefore);
  };
  Diagnostics diagnostics(sources);
  diagnostics.setHandler(print);
  if (!options.verifyDiagnostics)
    return runModule(bufferIds, diagnostics, os);
  ExpectedDiagnostics expected(sources, bufferIds, print);
  diagnostics.setHandler([&](const SMDiagnostic &diagnostic) { expected.take(diagnostic); });
  LogicalResult result = runModule(bufferIds, diagnostics, os);
  if (failed(result) && diagnostics.errorCount() == 0)
    return failure();
  return expected.finish();
}

LogicalResult Driver::runModule(ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics,
                                llvm::raw_ostream &os) {
  Timing *clock = options.timing ? &timing : nullptr;
  std::unique_ptr<Module> module;
  {
    Timing::Scope scope(clock, "parse");
    module = parseModule(bufferIds, diagnostics);
  }
  if (!module)
    return failure();
  {
    Timing::Scope scope(clock, "verify");
    if (failed(verifyModule(*module, diagnostics)))
      return failure();
  }
  std::string pipelineStart = options.emit == EmitKind::Plan ? startOfPipeline(*module) : "";
  PassManagerOptions managerOptions = options.passManager;
  managerOptions.timing = clock;
  PassManager manager(managerOptions);
  LogicalResult result = runPasses(manager, *module, diagnostics);
  if (options.printPipeline)
    llvm::errs() << manager.print() << '\n';
  if (options.statistics)
    manager.printStatistics(llvm::errs());
  return failed(result) ? result : emit(*module, pipelineStart + manager.print(), diagnostics, os);
}

LogicalResult Driver::runPasses(PassManager &manager, Module &module, Diagnostics &diagnostics) {
  auto hasRank = [&](const Mesh &mesh) { return llvm::is_contained(mesh.ranks, *options.rank); };
  if (options.rank && llvm::none_of(module.meshes, hasRank))
    return diagnostics.error(SMLoc::getFromPointer(options.rankText.data()),
                             "no mesh has rank " + llvm::Twine(*options.rank));
  if (options.rank) // of a job that was lowered as a whole
    llvm::erase_if(module.programs,
                   [&](const Program &program) { return program.rank != *options.rank; });
  PassContext context{diagnostics, options.rank};
  for (const PipelineStep &step : options.steps)
    if (failed(step(manager, module)) || failed(manager.run(module, context)))
      return failure();
  if (options.emit == EmitKind::Ir)
    return success();
  buildDefaultPipeline(manager, module);
  return manager.run(module, context);
}

LogicalResult Driver::emit(const Module &module, llvm::StringRef pipeline, Diagnostics &diagnostics,
                           llvm::raw_ostream &os) {
  Timing::Scope scope(options.timing ? &timing : nullptr, "emit");
  if (options.emit == EmitKind::Ir) {
    printModule(module, os);
    return success();
  }
  std::vector<uint8_t> plan;
  if (failed(emitPlan(module, pipeline, plan, diagnostics)))
    return failure();
  os.write(reinterpret_cast<const char *>(plan.data()), plan.size());
  return success();
}

} // namespace xfer
