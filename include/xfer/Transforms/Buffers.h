//===- Buffers.h - Bytes that chunks and buckets need -----------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"

namespace xfer {

/// The target of `tensor` that `rank` holds. For a tensor of one target, that one.
const Side *targetSide(const Module &module, const Tensor &tensor, int64_t rank);

/// Bytes that the busiest rank of a transfer holds for one element: the wire's, and for a
/// reduction every contribution in the source's element type.
int64_t bufferBytesPerElement(const Tensor &tensor, const Endpoints &ends);

/// Bytes of staging that a bucket takes on the program's rank while it is in flight. None for one
/// contiguous chunk without a cast, which is sent from, or received into, the tensor itself.
int64_t stagedBytes(const Module &module, const Program &program, const Bucket &bucket);

/// Messages that the program's rank sends and receives for a bucket.
int64_t numOperations(const Module &module, const Program &program, const Bucket &bucket);

} // namespace xfer
