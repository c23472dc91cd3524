//===- PromisedLimits.h - What a pipeline says of windows -------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"

namespace xfer {

/// The limits that `schedule-windows` was given in a plan's pipeline; none if it did not run, or
/// if the text is not of this compiler's passes.
WindowLimits promisedLimits(llvm::StringRef pipeline);

} // namespace xfer
