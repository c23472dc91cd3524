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

/// Writes a byte pattern over every target, so that an element nobody writes is seen.
void poisonTargets(const LocalTensors &locals);

/// Checks every element of every target; reports the first that is wrong and how many are.
/// `checked` counts elements.
LogicalResult checkTargets(const LocalTensors &locals, const Values &values, int64_t &checked,
                           Diagnostics &diagnostics);

/// Checks that replicas of a source hold equal bytes, without which no expectation exists.
LogicalResult checkReplicas(const LocalTensors &locals, const Values &values,
                            Diagnostics &diagnostics);

} // namespace xfer::run
