//===- PlanAgreement.h - Do all ranks of a bucket say the same --*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"

namespace xfer {

/// Meets every bucket of every program, ranks ascending, and checks that each is on exactly the
/// ranks of its endpoints, once, in one window, with equal bytes and equal chunks in equal order.
class PlanAgreement {
public:
  PlanAgreement(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics) {}

  LogicalResult meet(const Program &program, const Window &window, const Bucket &bucket);
  /// After the last program: no rank may be missing.
  LogicalResult finish();

private:
  /// A bucket as its first rank described it, and how many ranks have.
  struct Meeting {
    const Program *program = nullptr;
    const Bucket *bucket = nullptr;
    int64_t lastRank = 0, window = 0, expected = 0, seen = 0;
    uint64_t content = 0;
  };
  int32_t idOf(const Bucket &bucket);
  int64_t numRanks(const Bucket &bucket) const;
  uint64_t contentOf(const Program &program, const Bucket &bucket);
  LogicalResult reportChunks(const Meeting &meeting, const Program &program, const Bucket &bucket);
  LogicalResult reportAbsence(const Meeting &meeting);

  const Module &module;
  Diagnostics &diagnostics;
  SequenceInterner bucketIds;
  std::vector<Meeting> meetings; ///< by bucket id
  std::vector<int64_t> content;  ///< of the bucket at hand
};

} // namespace xfer
