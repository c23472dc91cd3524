//===- PlanPipeline.h - How a plan says what made it ------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"
#include <string>

namespace xfer {

/// What the pipeline of a plan begins with, for a module as it was read: nothing for declarations.
/// For lowered text a word that names its content, since the passes that made it are not known;
/// ranks that begin with different lowered texts do not agree.
std::string startOfPipeline(const Module &module);

/// `start` and `passes` with a comma between them, if neither is empty.
std::string continuePipeline(std::string start, llvm::StringRef passes);

/// The limits that `schedule-windows` was given in a plan's pipeline; none if it did not run, or
/// if the text is not of this compiler's passes.
WindowLimits promisedLimits(llvm::StringRef pipeline);

} // namespace xfer
