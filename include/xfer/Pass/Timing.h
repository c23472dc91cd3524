//===- Timing.h - Where the time went ---------------------------*- C++ -*-===//
//
// Wall-clock seconds by phase, for `--timing`.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <string>
#include <vector>

namespace xfer {

class Timing {
public:
  /// Adds to the row called `phase`, or appends it.
  void add(llvm::StringRef phase, double seconds);
  /// One row per phase in order of first appearance, and the total.
  void print(llvm::raw_ostream &os) const;

  /// Adds the time it lives to a phase; does nothing without a Timing.
  class Scope {
  public:
    Scope(Timing *timing, llvm::StringRef phase)
        : timing(timing), phase(phase), start(std::chrono::steady_clock::now()) {}
    Scope(const Scope &) = delete;
    ~Scope() {
      std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      if (timing)
        timing->add(phase, seconds.count());
    }

  private:
    Timing *timing;
    llvm::StringRef phase;
    std::chrono::steady_clock::time_point start;
  };

private:
  struct Row {
    std::string phase;
    double seconds;
  };
  std::vector<Row> rows;
};

} // namespace xfer
