//===- Check.h - Is every target element right ------------------*- C++ -*-===//
//
// Compares the target buffers with what the declarations say they hold:
// contributions folded in mesh order in the source's element type, cast to the
// tensor's, then to the target's. Looks at the declarations and the values
// alone, never at a plan.
//===----------------------------------------------------------------------===//
#pragma once
#include "Values.h"
#include <string>

namespace xfer::run {

/// What was looked at.
struct Checked {
  int64_t elements = 0; ///< of targets, that a tensor lies in
  int64_t padding = 0;  ///< of targets, that none does
};

/// Checks every element of every target, padding too, which must be as prepareTargets left it or
/// zero; reports the first that is wrong and how many are. Every element of a target is one of the
/// two kinds, else that is the error.
LogicalResult checkTargets(const LocalTensors &locals, const Values &values,
                           unsigned char paddingByte, Checked &checked, Diagnostics &diagnostics);

/// Checks that replicas of a source hold equal bytes, without which no expectation exists.
LogicalResult checkReplicas(const LocalTensors &locals, const Values &values,
                            Diagnostics &diagnostics);

} // namespace xfer::run
