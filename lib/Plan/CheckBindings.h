//===- CheckBindings.h - Does a plan bind what is declared ------*- C++ -*-===//
#pragma once
#include "Bindings.h"
#include "xfer/Analysis/Ownership.h"
#include "xfer/IR/Diagnostics.h"
#include "xfer/plan_generated.h"

namespace xfer {

/// What a rank binds, what it zeroes and which binding a chunk is of follow from the declarations;
/// a plan says it again for the runtime. Checks that it says the same.
class BindingChecker {
public:
  /// `module` has both sides of every tensor; all must outlive this.
  BindingChecker(const Module &module, const fb::Plan &plan, Diagnostics &diagnostics)
      : module(module), plan(plan), diagnostics(diagnostics), all(module), positions(module) {}

  /// `to` is what was read of `from`, whose chunks and regions name what is there.
  LogicalResult check(const fb::Program &from, const Program &to);

private:
  using BindingVector = flatbuffers::Vector<flatbuffers::Offset<fb::Binding>>;
  LogicalResult error(int64_t rank, const llvm::Twine &text);
  void enter(int64_t rank);
  LogicalResult checkSide(int64_t rank, bool isTarget, const BindingVector *from);
  LogicalResult checkChunk(int64_t rank, size_t number, const fb::Chunk &from,
                           const ProgramChunk &chunk);
  LogicalResult checkZeros(int64_t rank, const fb::Program &from);
  bool isRegion(uint32_t number, const StridedRegion &region) const;

  const Module &module;
  const fb::Plan &plan;
  Diagnostics &diagnostics;
  Bindings all;
  OwnershipCache positions;
  // Of the rank at hand.
  struct Held {
    int32_t memory;   ///< Bindings number
    int64_t position; ///< of the rank in its mesh
  };
  std::vector<Held> sources, targets;
  std::vector<uint32_t> numberOf; ///< among the sources or the targets, by memory
};

} // namespace xfer
