//===- PlanPlaces.h - How verify-plan names operations ----------*- C++ -*-===//
//
// A plan that was read from a file has no lines to point at, so that every error
// says in words which operation of which rank it is about.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include <string>

namespace xfer {

/// `bucket 3 p2p 0 -> [4] in window 7 of rank 0`; `bucket` is one of the program's.
std::string describe(const Module &module, const Program &program, const Bucket &bucket);
/// `[0:4] of '@w' in bucket 3 p2p 0 -> [4] in window 7 of rank 0`; `chunk` is one of the program's,
/// in a bucket.
std::string describe(const Module &module, const Program &program, const ProgramChunk &chunk);
/// `offset 0 sizes [4] strides [1]`, as it stands in the text.
std::string describe(const StridedRegion &region);

} // namespace xfer
