//===- PassManager.cpp - Runs passes in order -----------------------------===//
//
// What happens around a pass: time, dump, verify, name the one that failed.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/PassManager.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

namespace xfer {

std::string PassManager::print() const {
  return llvm::join(llvm::map_range(passes, [](auto &pass) { return pass->print(); }), ",");
}

std::string PassManager::printWithoutChecks() const {
  auto changing = llvm::make_filter_range(passes, [](auto &pass) { return !pass->isCheck(); });
  return llvm::join(llvm::map_range(changing, [](auto &pass) { return pass->print(); }), ",");
}

LogicalResult PassManager::run(Module &module, PassContext &context) {
  while (numRun < passes.size())
    if (failed(runOne(*passes[numRun++], module, context)))
      return failure();
  return success();
}

LogicalResult PassManager::runOne(Pass &pass, Module &module, PassContext &context) {
  PassResult result;
  {
    Timing::Scope scope(options.timing, pass.name());
    result = pass.run(module, context);
  }
  if (result == PassResult::Failed) {
    context.diagnostics.note(llvm::SMLoc(), "pass '" + pass.name() + "' failed");
    return failure();
  }
  bool changed = result == PassResult::Changed;
  if (options.printAfterAll || (options.printAfterChange && changed)) {
    llvm::errs() << "// -----// after " << pass.print() << " //----- //\n";
    printModule(module, llvm::errs());
  }
  if (!options.verifyEach || !changed)
    return success();
  Timing::Scope scope(options.timing, "verify-each");
  if (succeeded(verifyModule(module, context.diagnostics)))
    return success();
  context.diagnostics.note(llvm::SMLoc(),
                           "pass '" + pass.name() + "' left a module that does not verify");
  return failure();
}

void PassManager::printStatistics(llvm::raw_ostream &os) const {
  for (const std::unique_ptr<Pass> &pass : passes) {
    os << pass->name() << '\n';
    for (const Statistic *statistic : pass->statistics())
      os << llvm::format("%12lld ", static_cast<long long>(statistic->value)) << statistic->name
         << " - " << statistic->description << '\n';
  }
}

} // namespace xfer
