//===- Fold.h - Reduces contributions ---------------------------*- C++ -*-===//
//
// The contributions of a bucket are folded in order in the source's type, then
// cast to the wire's: block by block, so that the running total stays near.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_FOLD_H
#define XFER_RUNTIME_FOLD_H

#include "Backend.h"
#include "Plan.h"

namespace xfer::runtime {

/// Reduces all contributions of a bucket into its wire buffer.
void foldBucket(const Program &program, const BucketStep &bucket,
                std::span<const Received> contributions, std::byte *wire);

} // namespace xfer::runtime

#endif
