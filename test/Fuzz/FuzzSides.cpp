//===- FuzzSides.cpp - Any bytes as sides on the command line -------------===//
//
// One line for each side, as `xfer-translate --train` takes them. They are refused
// with an error, or resolve to sizes that multiply to the ranks.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "xfer/Frontend/Job.h"

using namespace xfer::frontend;
using namespace xfer::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const auto [train, generation] = asText(data, size).split('\n');
  Case input;
  Job job;
  bool isRead = succeeded(parseSide(input.buffer(train), job.train, input.diagnostics)) &&
                (generation.empty() || succeeded(parseSide(input.buffer(generation), job.generation,
                                                           input.diagnostics))) &&
                succeeded(resolveJob(job, input.diagnostics));
  input.expectErrorIf(!isRead);
  for (const Side *side : {&job.train, &job.generation})
    if (isRead && side->isGiven() && (side->num_gpus.value < 1 || side->tp.value < 1))
      reject("a resolved side has ranks");
  return 0;
}
