//===- PlanSize.h - How large a plan file becomes ---------------*- C++ -*-===//
#pragma once
#include "Bindings.h"

namespace xfer {

/// Bytes that the plan file of a module in windows takes at most; rounded up generously, so that a
/// plan of more than a file can hold is refused before memory is spent on it.
int64_t estimatePlanBytes(const Module &module, Bindings &all);

} // namespace xfer
