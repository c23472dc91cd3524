//===- PlanPipeline.cpp - How a plan says what made it --------------------===//
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Text/Printer.h"
#include "xfer/plan_digest.h"
#include "llvm/Support/FormatVariadic.h"

namespace xfer {

std::string startOfPipeline(const Module &module) {
  if (module.level == Level::Declarations)
    return "";
  std::string text;
  llvm::raw_string_ostream stream(text);
  printModule(module, stream);
  return llvm::formatv("text-{0:x-16}", XXH3_64bits(text.data(), text.size())).str();
}

std::string continuePipeline(std::string start, llvm::StringRef passes) {
  if (!start.empty() && !passes.empty())
    start += ',';
  return start += passes;
}

} // namespace xfer
