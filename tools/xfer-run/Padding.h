//===- Padding.h - Elements of targets that no tensor lies in ---*- C++ -*-===//
//
// A target's `pad` keeps what it held before the replay, its `zero` is zero
// after it. An element is padding if it is in any dimension of its memory, and
// to be zeroed if it is in a `zero` of any.
//===----------------------------------------------------------------------===//
#pragma once
#include "LocalTensors.h"

namespace xfer::run {

/// Writes kPoison over every target, so that an element nobody writes is seen, and `paddingByte`
/// over what replays must not touch.
void prepareTargets(const LocalTensors &locals, unsigned char paddingByte);

/// Checks what prepareTargets and a replay left in the padding of all targets; reports the first
/// element that is wrong and how many are. `checked` counts elements.
LogicalResult checkPadding(const LocalTensors &locals, unsigned char paddingByte, int64_t &checked,
                           Diagnostics &diagnostics);

} // namespace xfer::run
