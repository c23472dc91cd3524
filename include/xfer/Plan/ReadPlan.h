//===- ReadPlan.h - Plan file to module -------------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include <memory>
#include <string>

namespace xfer {

/// True if the bytes have a plan's file identifier.
bool isPlan(llvm::StringRef bytes);

/// Rebuilds the module that emitPlan was given: its text is the same. `pipeline` becomes the plan's
/// own. The bytes may be hostile: offsets, hashes, numbers and everything that verifyModule checks
/// are errors. Whether the plan is right is verify-plan's question, also whether it keeps the
/// limits that its pipeline states, which become Module::promised. Null after an error. The
/// declarations become a buffer `<plan>` of the diagnostics' sources, which must outlive the
/// module.
std::unique_ptr<Module> readPlan(llvm::StringRef bytes, std::string &pipeline,
                                 Diagnostics &diagnostics);

} // namespace xfer
