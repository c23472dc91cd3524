//===- Levels.h - What a pass expects to find -------------------*- C++ -*-===//
#pragma once
#include "xfer/Pass/Pass.h"

namespace xfer {

/// Fails with a diagnostic unless the module is at `level`. A module of declarations in which no
/// element moves, or none to or from the one rank that is compiled, counts as any level: its text
/// shows none.
LogicalResult expectLevel(Module &module, Level level, PassContext &context);

/// Fails unless every tensor has a source and a target.
LogicalResult expectBothSides(const Module &module, Diagnostics &diagnostics);

/// Every rank of every mesh that a tensor or a storage uses, ascending.
std::vector<int64_t> ranksOf(const Module &module);

/// Messages of one rank in a window, unless something else is said. A fan-out takes one to each of
/// its destinations, which may be all ranks of a job, and in one window no two fan-outs of a sender
/// share a destination.
int64_t defaultMaxOperations(const Module &module);

} // namespace xfer
