//===- FuzzPipeline.cpp - Any bytes as a pipeline -------------------------===//
//
// The text is refused with an error, or the passes print a text that makes the same
// passes.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "xfer/Pass/PassRegistry.h"

using namespace xfer;
using namespace xfer::fuzz;

static bool read(Case &input, llvm::StringRef text, PassManager &manager) {
  const bool isRead =
      succeeded(PassRegistry::parsePipeline(input.buffer(text), manager, input.diagnostics));
  input.expectErrorIf(!isRead);
  return isRead;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Case input;
  PassManager manager;
  if (!read(input, asText(data, size), manager))
    return 0;
  const std::string text = manager.print();
  Case again;
  PassManager same;
  if (!read(again, text, same) || same.print() != text)
    reject("a printed pipeline reads as itself", again.said + text);
  return 0;
}
