//===- ElementCopyAvx2.h - Hot casts with AVX2 and F16C ---------*- C++ -*-===//
//
// For ElementCopy.cpp alone: what this processor does faster than the portable
// loops.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_ELEMENTCOPYAVX2_H
#define XFER_RUNTIME_ELEMENTCOPYAVX2_H

#include "Elements.h"

namespace xfer::runtime {

/// Casts as many elements of two dense rows as fill whole vectors, and returns how many.
using VectorCast = int64_t (*)(const std::byte *from, std::byte *to, int64_t count);

/// nullptr if this processor or this pair of types has none.
VectorCast vectorCast(xfer_dtype_t from, xfer_dtype_t to);

} // namespace xfer::runtime

#endif
