//===- EmitPlan.h - Module to plan file -------------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include <cstdint>
#include <vector>

namespace xfer {

/// Serializes the programs of a fully lowered module into the format of runtime/schema/plan.fbs.
/// `pipeline` is startOfPipeline() and the text of the passes that ran, without checks; with the
/// canonical declarations and the compiler's version it makes the agreement digest. Deterministic:
/// equal modules, equal bytes. Reports an error if the module is not in windows.
LogicalResult emitPlan(const Module &module, llvm::StringRef pipeline, std::vector<uint8_t> &out,
                       Diagnostics &diagnostics);

} // namespace xfer
