//===- Driver.cpp - From text to result -----------------------------------===//
//
// Split, parse or read a plan, verify, run passes, emit; and around it the
// diagnostics that a test expects.
//===----------------------------------------------------------------------===//
#include "Driver.h"
#include "ExpectedDiagnostics.h"
#include "SplitInput.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Plan/ReadPlan.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "xfer/runtime.h"

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
  if (isPlan(whole->getBuffer()))
    return Diagnostics(sources).error({}, "'--split-input-file' divides text, but '" +
                                              whole->getBufferIdentifier() + "' is a plan");
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

/// Parses and verifies text. `pipeline` becomes what the pipeline of its plan begins with.
std::unique_ptr<Module> Driver::readText(ArrayRef<unsigned> bufferIds, std::string &pipeline,
                                         Diagnostics &diagnostics) {
  Timing *clock = options.timing ? &timing : nullptr;
  std::unique_ptr<Module> module;
  {
    Timing::Scope scope(clock, "parse");
    module = parseModule(bufferIds, diagnostics);
  }
  if (!module)
    return nullptr;
  Timing::Scope scope(clock, "verify");
  if (failed(verifyModule(*module, diagnostics)))
    return nullptr;
  if (options.emit == EmitKind::Plan)
    pipeline = startOfPipeline(*module);
  return module;
}

/// Reads a plan that the runtime would load. Passes are added to its own pipeline; without any, the
/// plan that is emitted agrees with the one that was read.
std::unique_ptr<Module> Driver::readPlanFile(llvm::StringRef bytes, std::string &pipeline,
                                             Diagnostics &diagnostics) {
  Timing::Scope scope(options.timing ? &timing : nullptr, "read plan");
  xfer_plan_t *loaded = nullptr;
  if (xfer_plan_load(bytes.data(), bytes.size(), &loaded) != XFER_OK) {
    (void)diagnostics.error({}, llvm::Twine("cannot load the plan: ") + xfer_last_error());
    return nullptr;
  }
  xfer_plan_destroy(loaded);
  return readPlan(bytes, pipeline, diagnostics);
}

/// Verifies that a plan is the only input. `plan` becomes its bytes.
static LogicalResult findPlan(ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics,
                              std::optional<llvm::StringRef> &plan) {
  for (unsigned id : bufferIds) {
    const llvm::MemoryBuffer *buffer = diagnostics.sourceMgr().getMemoryBuffer(id);
    if (!isPlan(buffer->getBuffer()))
      continue;
    if (bufferIds.size() > 1)
      return diagnostics.error({}, "'" + buffer->getBufferIdentifier() +
                                       "' is a plan, which must be the only input");
    plan = buffer->getBuffer();
  }
  return success();
}

LogicalResult Driver::runModule(ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics,
                                llvm::raw_ostream &os) {
  std::optional<llvm::StringRef> plan;
  if (failed(findPlan(bufferIds, diagnostics, plan)))
    return failure();
  std::string pipelineStart;
  std::unique_ptr<Module> module = plan ? readPlanFile(*plan, pipelineStart, diagnostics)
                                        : readText(bufferIds, pipelineStart, diagnostics);
  if (!module)
    return failure();
  PassManagerOptions managerOptions = options.passManager;
  managerOptions.timing = options.timing ? &timing : nullptr;
  PassManager manager(managerOptions);
  LogicalResult result = runPasses(manager, *module, /*isLowered=*/plan.has_value(), diagnostics);
  if (options.printPipeline)
    llvm::errs() << manager.print() << '\n';
  if (options.statistics)
    manager.printStatistics(llvm::errs());
  if (failed(result))
    return failure();
  return emit(*module, continuePipeline(pipelineStart, manager.printWithoutChecks()), diagnostics,
              os);
}

/// `isLowered`: the default pipeline has run.
LogicalResult Driver::runPasses(PassManager &manager, Module &module, bool isLowered,
                                Diagnostics &diagnostics) {
  auto hasRank = [&](const Mesh &mesh) { return llvm::is_contained(mesh.ranks, *options.rank); };
  if (options.rank && llvm::none_of(module.meshes, hasRank))
    return diagnostics.error(SMLoc::getFromPointer(options.rankText.data()),
                             "no mesh has rank " + llvm::Twine(*options.rank));
  if (options.rank && !module.programs.empty()) { // of a job that was lowered as a whole
    llvm::erase_if(module.programs,
                   [&](const Program &program) { return program.rank != *options.rank; });
    if (module.programs.empty())
      return diagnostics.error(SMLoc::getFromPointer(options.rankText.data()),
                               "the input has programs, but none of rank " +
                                   llvm::Twine(*options.rank) + ": it was lowered for another");
  }
  PassContext context{diagnostics, options.rank};
  for (const PipelineStep &step : options.steps)
    if (failed(step(manager, module)) || failed(manager.run(module, context)))
      return failure();
  if (options.emit == EmitKind::Ir || isLowered)
    return success();
  buildDefaultPipeline(manager, module, {.verifyPlan = !options.noVerifyPlan});
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
