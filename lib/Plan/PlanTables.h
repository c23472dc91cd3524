//===- PlanTables.h - What the plan's schema leaves to code -----*- C++ -*-===//
#pragma once
#include "xfer/plan_generated.h"

namespace xfer {

/// A binding or a region that a chunk does not have.
constexpr uint32_t kAbsent = 0xffffffff;

/// Elements of a vector that may be absent.
template <typename T> size_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

} // namespace xfer
