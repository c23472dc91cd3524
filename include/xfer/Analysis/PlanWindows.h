//===- PlanWindows.h - Can no wait be circular ------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfer {

/// Checks the windows of one program at a time. Together with equal windows on all ranks
/// (PlanAgreement) this rules out circular waits: see docs/Proof.md, 4.
class PlanWindows {
public:
  PlanWindows(const Module &module, WindowLimits limits, Diagnostics &diagnostics)
      : module(module), limits(limits), diagnostics(diagnostics) {}

  LogicalResult check(const Program &program);

private:
  /// One message of the rank. Steps of one window follow each other: contributions, then the rest.
  struct Message {
    int64_t step = 0, communicator = 0, from = 0, to = 0;
    const Bucket *bucket = nullptr;
  };
  LogicalResult checkOrder(const Program &program, const Window &window);
  LogicalResult checkMessages(const Program &program, const Window &window);
  LogicalResult noteLargest(const Program &program, const Window &window,
                            llvm::function_ref<int64_t(const Bucket &)> cost);
  LogicalResult checkBounds(const Program &program, const Window &window, int64_t stagedBefore,
                            int64_t staged);
  void collect(const Program &program, const Bucket &bucket);
  int64_t communicatorOf(const Bucket &bucket);

  const Module &module;
  WindowLimits limits;
  Diagnostics &diagnostics;
  SequenceInterner communicators;
  std::vector<Message> messages; ///< of the window at hand
  int64_t numOperations = 0;     ///< of the window at hand; a collective is one
};

} // namespace xfer
