//===- PlanCoverage.h - Is every target element written once ----*- C++ -*-===//
#pragma once
#include "xfer/Analysis/Ownership.h"
#include "xfer/IR/Diagnostics.h"

namespace xfer {

/// Checks that the writes of a program tile each target its rank holds. Each distinct (side, cell,
/// list of regions) is worked out once. The chunks' targets must be where their
/// regions lie (LocalRegions::target).
class PlanCoverage {
public:
  PlanCoverage(const Module &module, OwnershipCache &ownerships, Diagnostics &diagnostics)
      : module(module), ownerships(ownerships), diagnostics(diagnostics) {}

  LogicalResult check(const Program &program);

  int64_t numTargets = 0; ///< targets found covered
  int64_t numTilings() const { return coverings.size(); }

private:
  void findOwnerships();
  bool isHeld(const Ownership &ownership, int64_t rank);
  LogicalResult check(const Program &program, TensorId tensor, int32_t target, int32_t ownership,
                      llvm::ArrayRef<const ProgramChunk *> writes);
  LogicalResult checkBlock(const Program &program, const Tensor &tensor, const Side &side,
                           const Ownership &ownership, int64_t cell, const OwnedBlock &block,
                           llvm::ArrayRef<const ProgramChunk *> writes);

  const Module &module;
  OwnershipCache &ownerships;
  Diagnostics &diagnostics;
  SequenceInterner coverings;
  std::vector<int32_t> ownershipOf; ///< of every target, by tensor
  int32_t numOwnerships = 0;
};

} // namespace xfer
