//===- PromisedLimits.cpp - What a pipeline says of windows ---------------===//
#include "PromisedLimits.h"
#include "xfer/Pass/PassRegistry.h"
#include "llvm/Support/SourceMgr.h"

using llvm::StringRef;

namespace xfer {

static int64_t valueOf(const Pass &pass, StringRef name) {
  int64_t value = 0;
  for (const OptionBase *option : pass.options())
    if (option->name == name)
      (void)StringRef(option->print()).getAsInteger(10, value);
  return value;
}

WindowLimits promisedLimits(StringRef pipeline) {
  if (pipeline.starts_with("text-")) // made from lowered text: see startOfPipeline()
    pipeline = pipeline.split(',').second;
  llvm::SourceMgr sources;
  Diagnostics silent(sources);
  silent.setHandler([](const llvm::SMDiagnostic &) {});
  unsigned id = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(pipeline, "<pipeline>"), llvm::SMLoc());
  PassManager manager;
  WindowLimits limits;
  if (failed(
          PassRegistry::parsePipeline(sources.getMemoryBuffer(id)->getBuffer(), manager, silent)))
    return limits;
  for (const std::unique_ptr<Pass> &pass : manager.pipeline())
    if (pass->name() == "schedule-windows")
      limits = {valueOf(*pass, "staging-bytes"), valueOf(*pass, "max-operations")};
  return limits;
}

} // namespace xfer
