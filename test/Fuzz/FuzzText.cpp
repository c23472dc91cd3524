//===- FuzzText.cpp - Any bytes as xfer text ------------------------------===//
//
// The text is refused with an error, or verifies and prints a text that reads and
// prints as itself.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"

using namespace xfer::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Case input;
  if (auto module = readText(input, asText(data, size)))
    printChecked(*module);
  return 0;
}
