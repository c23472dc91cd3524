//===- OperandVerifier.h - Tensor, region and ends --------------*- C++ -*-===//
//
// What routes, chunks and chunks of programs have in common. What concerns a
// region or a rank list alone is in OperandFacts.h; what is left for an operation
// is a few comparisons.
//===----------------------------------------------------------------------===//
#pragma once
#include "OperandFacts.h"
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/Twine.h"

namespace xfer {

/// Borrows the module, which must not change, and whose declarations must be right.
class OperandVerifier {
public:
  OperandVerifier(const Module &module, Diagnostics &diagnostics)
      : facts(module), module(module), diagnostics(diagnostics) {}

  /// Tensor, target, region and ends of an operation, which has these as members.
  template <typename Operation> LogicalResult verify(const Operation &operation) {
    if (failed(verifyTensorUse(operation.loc, operation.tensor, operation.targetIndex,
                               operation.region)) ||
        failed(verifyEndpoints(operation.loc, operation.ends)))
      return failure();
    return verifyHolders(operation.loc, operation.tensor, operation.targetIndex,
                         operation.ends.destinations);
  }
  /// And, as of every chunk: the sender is chosen, and the region has one segment in each
  /// dimension.
  template <typename Operation> LogicalResult verifyChunk(const Operation &chunk) {
    if (failed(verify(chunk)) || failed(verifyChosen(chunk.loc, chunk.ends)))
      return failure();
    if (!module.region(chunk.region).isStrided())
      return error(chunk.loc, "a chunk's region has one segment in each dimension");
    return success();
  }
  LogicalResult verifyType(llvm::SMLoc loc, const Endpoints &ends, RouteType type);

  OperandFacts facts;

private:
  LogicalResult error(llvm::SMLoc loc, const llvm::Twine &text) {
    return diagnostics.error(loc, text);
  }
  LogicalResult verifyTensorUse(llvm::SMLoc loc, TensorId tensor, int32_t target, RegionId region);
  LogicalResult verifyRanks(llvm::SMLoc loc, RankListId id, llvm::StringRef what);
  LogicalResult verifyEndpoints(llvm::SMLoc loc, const Endpoints &ends);
  LogicalResult verifyHolders(llvm::SMLoc loc, TensorId tensor, int32_t target,
                              RankListId destinations);
  LogicalResult verifyChosen(llvm::SMLoc loc, const Endpoints &ends);

  const Module &module;
  Diagnostics &diagnostics;
};

} // namespace xfer
