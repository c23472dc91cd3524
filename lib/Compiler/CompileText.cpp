//===- CompileText.cpp - From texts to plan bytes -------------------------===//
//
// Parse, verify, run the passes asked for and what is left of the default
// pipeline, emit.
//===----------------------------------------------------------------------===//
#include "CompileText.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Text/Parser.h"

namespace xfer {

/// Verifies that some mesh has the rank; of a job that was lowered before, keeps its program alone.
static LogicalResult keepRank(Module &module, int64_t rank, Diagnostics &diagnostics) {
  if (llvm::none_of(module.meshes,
                    [&](const Mesh &mesh) { return llvm::is_contained(mesh.ranks, rank); }))
    return diagnostics.error({}, "no mesh has rank " + llvm::Twine(rank));
  llvm::erase_if(module.programs, [&](const Program &program) { return program.rank != rank; });
  return success();
}

LogicalResult compileText(llvm::ArrayRef<unsigned> bufferIds, const CompileOptions &options,
                          std::vector<uint8_t> &plan, Diagnostics &diagnostics) {
  llvm::SourceMgr &sources = diagnostics.sourceMgr();
  unsigned pipelineId = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(options.pipeline, "<pipeline>"), llvm::SMLoc());
  PassManager manager;
  if (failed(PassRegistry::parsePipeline(sources.getMemoryBuffer(pipelineId)->getBuffer(), manager,
                                         diagnostics)))
    return failure();

  std::unique_ptr<Module> module = parseModule(bufferIds, diagnostics);
  if (!module || failed(verifyModule(*module, diagnostics)))
    return failure();
  const std::string start = startOfPipeline(*module);
  if (options.rank && failed(keepRank(*module, *options.rank, diagnostics)))
    return failure();

  PassContext context{diagnostics, options.rank};
  if (failed(manager.run(*module, context)))
    return failure();
  buildDefaultPipeline(manager, *module, options.sizes);
  if (failed(manager.run(*module, context)))
    return failure();
  return emitPlan(*module, continuePipeline(start, manager.printWithoutChecks()), plan,
                  diagnostics);
}

} // namespace xfer
