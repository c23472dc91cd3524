//===- Verifier.h - What every module must satisfy --------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"

namespace xfer {

/// Checks what a module says about itself, without looking at what moves where: declarations
/// (design of a layout, sizes within 63 bits, casts and reductions allowed), and the structure of
/// lowered operations. Whether the plan is right is verify-plan's question. Linear in the module.
LogicalResult verifyModule(const Module &module, Diagnostics &diagnostics);

/// The declarations alone.
LogicalResult verifyDeclarations(const Module &module, Diagnostics &diagnostics);

} // namespace xfer
