//===- Fuzz.h - What the fuzzers of the compiler share ----------*- C++ -*-===//
//
// A fuzzer is a file with LLVMFuzzerTestOneInput(). It hands bytes to one reader
// and calls reject() when a promise is broken; the sanitizers see the rest.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace xfer::fuzz {

/// Ends the process, so that libFuzzer keeps the input: `promise` was broken, as `evidence` shows.
[[noreturn]] inline void reject(llvm::StringRef promise, llvm::StringRef evidence = "") {
  llvm::errs() << "broken promise: " << promise << "\n" << evidence << "\n";
  std::abort();
}

inline llvm::StringRef asText(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// Source buffers of one input and what was said about them. Diagnostics are printed, because
/// printing them reads the text too.
class Case {
public:
  Case() : diagnostics(sources) {
    diagnostics.setHandler([this](const llvm::SMDiagnostic &diagnostic) {
      llvm::raw_string_ostream os(said);
      printDiagnostic(diagnostic, os);
    });
  }
  unsigned add(llvm::StringRef text) {
    return sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "input"),
                                      llvm::SMLoc());
  }
  llvm::StringRef buffer(llvm::StringRef text) {
    return sources.getMemoryBuffer(add(text))->getBuffer();
  }
  /// Failing is allowed, but never without an error, and no error is said of what succeeded.
  void expectErrorIf(bool hasFailed) {
    if (hasFailed != (diagnostics.errorCount() > 0))
      reject(hasFailed ? "what fails says why" : "what succeeds says no error", said);
  }

  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  std::string said;
};

/// Parses and verifies; null if the text was refused.
std::unique_ptr<Module> readText(Case &input, llvm::StringRef text);

/// The canonical text, which must read as itself.
std::string printChecked(const Module &module);

} // namespace xfer::fuzz
