//===- PlanPipeline.cpp - How a plan says what made it --------------------===//
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Text/Printer.h"
#include "xfer/plan_digest.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"

using llvm::StringRef;

namespace xfer {

/// Before the hash of lowered text.
static constexpr llvm::StringRef kTextWord = "text-";

std::string startOfPipeline(const Module &module) {
  if (module.level == Level::Declarations)
    return "";
  std::string text;
  llvm::raw_string_ostream stream(text);
  printModule(module, stream);
  return llvm::formatv("{0}{1:x-16}", kTextWord, XXH3_64bits(text.data(), text.size())).str();
}

std::string continuePipeline(std::string start, llvm::StringRef passes) {
  if (!start.empty() && !passes.empty())
    start += ',';
  return start += passes;
}

static int64_t valueOf(const Pass &pass, StringRef name) {
  int64_t value = 0;
  for (const OptionBase *option : pass.options())
    if (option->name == name)
      (void)StringRef(option->print()).getAsInteger(10, value);
  return value;
}

WindowLimits promisedLimits(StringRef pipeline) {
  if (pipeline.starts_with(kTextWord))
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
      limits = limits.with({valueOf(*pass, "staging-bytes"), valueOf(*pass, "max-operations")});
  return limits;
}

} // namespace xfer
