//===- Pipelines.h - The default pipeline -----------------------*- C++ -*-===//
#pragma once
#include "xfer/Pass/PassManager.h"

namespace xfer {

/// Sizes that the passes of one pipeline must agree on. Bytes; a rank's staging is split in two
/// halves so that one window is packed while another is on the wire.
struct PipelineOptions {
  int64_t stagingBytes = int64_t(128) << 20; ///< per rank
  int64_t bucketBytes = int64_t(4) << 20;    ///< or stagingBytes / (4 * peers)
  bool verifyPlan = true;                    ///< prove the result
};

/// Appends what is left of the default pipeline for a module at this stage of lowering; all of it
/// for declarations alone.
void buildDefaultPipeline(PassManager &manager, const Module &module,
                          const PipelineOptions &options = {});

} // namespace xfer
