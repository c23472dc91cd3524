//===- Fuzz.cpp - What the fuzzers of the compiler share ------------------===//
#include "Fuzz.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"

namespace xfer::fuzz {

std::unique_ptr<Module> readText(Case &input, llvm::StringRef text) {
  std::unique_ptr<Module> module = parseModule(input.add(text), input.diagnostics);
  if (module && failed(verifyModule(*module, input.diagnostics)))
    module.reset();
  input.expectErrorIf(!module);
  return module;
}

static std::string print(const Module &module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printModule(module, os);
  return text;
}

std::string printChecked(const Module &module) {
  const std::string text = print(module);
  Case again;
  std::unique_ptr<Module> same = readText(again, text);
  if (!same)
    reject("printed text is accepted", again.said + text);
  if (print(*same) != text)
    reject("printed text prints itself", text);
  return text;
}

} // namespace xfer::fuzz
