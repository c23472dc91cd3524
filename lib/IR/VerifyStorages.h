//===- VerifyStorages.h - What storages must satisfy ------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"

namespace xfer {

/// Verifies, for meshes and tensors that are right:
/// - each storage's shape, layout and views (StorageChecks.h), its casts and its reduction.
LogicalResult verifyStorages(const Module &module, Diagnostics &diagnostics);

/// Verifies, for storages that are right:
/// - no rank has two sources, or two targets, of one name.
LogicalResult verifyMemoryNames(const Module &module, Diagnostics &diagnostics);

} // namespace xfer
