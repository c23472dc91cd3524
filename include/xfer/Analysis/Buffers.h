//===- Buffers.h - What buckets take, and their order -----------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"

namespace xfer {

/// For sizes, which are not negative: the result, or the largest int64_t if that is less.
int64_t addSaturating(int64_t left, int64_t right);
int64_t multiplySaturating(int64_t left, int64_t right);

/// Bytes that the busiest rank of a transfer holds for one element: the wire's, and for a
/// reduction every contribution in the source's element type.
int64_t bufferBytesPerElement(const Tensor &tensor, const Endpoints &ends);

/// Bytes of staging, saturating, that a bucket takes on the program's rank while it is in flight.
/// None for one contiguous chunk without a cast, which is sent from, or received into, the tensor
/// itself.
int64_t stagedBytes(const Module &module, const Program &program, const Bucket &bucket);

/// The order of buckets in a window, the same on every rank: by sender, destinations, contributors.
bool comesBefore(const Module &module, const Bucket &left, const Bucket &right);

} // namespace xfer
