//===- FuzzReadPlan.cpp - Any bytes as a plan to print --------------------===//
//
// The plan is refused with an error, or becomes a module that prints and reads as
// itself.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "Reseal.h"
#include "xfer/Plan/ReadPlan.h"

using namespace xfer::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Case input;
  std::string pipeline;
  auto module = xfer::readPlan(asText(data, size), pipeline, input.diagnostics);
  input.expectErrorIf(!module);
  if (module)
    printChecked(*module);
  return 0;
}
