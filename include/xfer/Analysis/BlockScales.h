//===- BlockScales.h - Do scales follow their weight's cuts -----*- C++ -*-===//
#pragma once
#include "xfer/Analysis/Ownership.h"
#include "xfer/IR/Diagnostics.h"

namespace xfer {

/// Verifies, for every tensor that scales another one by blocks:
/// - wherever the weight has sources or targets, the scales have as many on the same mesh;
/// - on every rank each interval of the weight begins at a block and ends at one, or at the end of
///   its index;
/// - the rank holds the scales of exactly these blocks.
/// A weight whose indices are flattened into one cut dimension is refused.
LogicalResult verifyBlockScales(const Module &module, OwnershipCache &ownerships,
                                Diagnostics &diagnostics);

} // namespace xfer
