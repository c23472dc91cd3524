//===- PlanTables.h - What the plan's schema leaves to code -----*- C++ -*-===//
#pragma once
#include "xfer/plan_generated.h"
#include "xfer/plan_vectors.h"

namespace xfer {

/// A binding or a region that a chunk does not have.
constexpr uint32_t kAbsent = 0xffffffff;

using fb::sizeOf;

} // namespace xfer
