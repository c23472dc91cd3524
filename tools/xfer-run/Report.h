//===- Report.h - What a run did, for people and for scripts ----*- C++ -*-===//
#pragma once
#include "Check.h"
#include "Counts.h"
#include "common/OutputFile.h"

namespace xfer::run {

struct Report {
  std::string backend;
  int64_t tensors = 0, ranks = 0;
  int64_t elements = 0; ///< of all logical tensors
  int64_t stagingBytes = 0;
  Counts counts;
  std::vector<double> seconds; ///< by replay
  double copySeconds = 0;      ///< of a plain copy of as many bytes; 0 if there is nothing to copy
  bool verified = false;
  Checked checked; ///< by the last verification

  double medianSeconds() const;
  double bytesPerSecond() const;
  /// Time of the replay over that of the plain copy; 0 if unknown.
  double ratioToCopy() const { return copySeconds > 0 ? medianSeconds() / copySeconds : 0; }
};

/// Times a plain copy of `bytes` between the job's own buffers, on as many threads as the replay
/// can use. Overwrites targets.
double measureCopy(const LocalTensors &locals, int64_t bytes);

/// Writes the report for people to standard output.
LogicalResult printReport(const Report &report, Diagnostics &diagnostics);
/// Writes it for scripts.
LogicalResult writeJson(const Report &report, OutputFile &file, Diagnostics &diagnostics);

} // namespace xfer::run
