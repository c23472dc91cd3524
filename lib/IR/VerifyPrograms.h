//===- VerifyPrograms.h - What programs must satisfy ------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"

namespace xfer {

/// Verifies the programs of a module whose declarations are right:
/// - each rank has one at most, and its windows, buckets and chunks are well-formed.
LogicalResult verifyPrograms(const Module &module, Diagnostics &diagnostics);

} // namespace xfer
