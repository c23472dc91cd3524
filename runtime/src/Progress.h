//===- Progress.h - What a replay has written so far ------------*- C++ -*-===//
//
// A mark per bucket, so that after a failure the caller can be told which
// targets are neither as they were before the replay nor as after it.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_PROGRESS_H
#define XFER_RUNTIME_PROGRESS_H

#include "Plan.h"

namespace xfer::runtime {

class Progress {
public:
  explicit Progress(const Program &program) : program(program), marks(program.buckets.size()) {}
  /// Begins a replay.
  void reset();
  /// From here on the targets of a bucket may change.
  void begin(size_t bucket) { marks[bucket] = Mark::Begun; }
  void finish(size_t bucket) { marks[bucket] = Mark::Finished; }
  void finishZeros() { zerosAreWritten = true; }

  /// "no target was written", "targets were partly written" or "every target was written".
  const char *describe() const;
  /// Names of the targets that hold some of the replay's elements and lack others.
  std::vector<const char *> incomplete() const;

private:
  enum class Mark : uint8_t { None, Begun, Finished };
  /// Of each of the program's bindings: steps that write it.
  struct Writes {
    int64_t all = 0, begun = 0, finished = 0;
  };
  std::vector<Writes> writes() const;

  const Program &program;
  std::vector<Mark> marks; ///< per bucket
  bool zerosAreWritten = false;
};

} // namespace xfer::runtime

#endif
