//===- Counts.h - What one replay moves -------------------------*- C++ -*-===//
#pragma once
#include "Job.h"

namespace xfer::run {

/// One way of moving bytes. `bytes` counts each delivery: a fan-out to two ranks counts twice.
struct TransportCounts {
  int64_t bytes = 0, operations = 0;
};

struct Counts {
  TransportCounts p2p, broadcast, local; ///< wire element types, from sender to destinations
  TransportCounts reduce;                ///< source element types, from contributors to sender
  int64_t chunks = 0, buckets = 0, windows = 0;
  int64_t movedBytes() const { return p2p.bytes + broadcast.bytes + local.bytes + reduce.bytes; }
  /// Operations that cross ranks.
  int64_t wireOperations() const {
    return p2p.operations + broadcast.operations + reduce.operations;
  }
};

/// Counts the buckets of a loaded plan, each at its sender.
Counts countPlan(const Job &job);

} // namespace xfer::run
