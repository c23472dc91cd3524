//===- Timeline.h - Where the time of replays went --------------*- C++ -*-===//
//
// The moments of each window of the last replay, and sums over all replays that
// finished. Written while replaying, so nothing here allocates; read afterwards.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_TIMELINE_H
#define XFER_RUNTIME_TIMELINE_H

#include "Plan.h"
#include <chrono>

namespace xfer::runtime {

/// Nanoseconds of the steady clock, which all processes of a machine share.
using Moment = int64_t;
inline Moment now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class Timeline {
public:
  explicit Timeline(const Program &program) : program(program), windows(program.windows.size()) {}

  /// Work on a window, with interruptions.
  struct Work {
    Moment begin = 0, end = 0;
    int64_t nanoseconds = 0; ///< of the session's thread
    void add(Moment from, Moment to) {
      begin = begin == 0 ? from : begin;
      end = to;
      nanoseconds += to - from;
    }
  };
  struct Window {
    Work pack, wait, unpack; ///< unpack: with folds
    Moment opened = 0;       ///< its first message was expected or handed over
    Moment closed = 0;       ///< its last message was there, or taken from here
    void open() { opened = opened == 0 ? now() : opened; }
    void close() { closed = now(); }
  };
  Window &operator[](size_t index) { return windows[index]; }

  void begin();
  /// Ends a replay; only one that succeeded counts.
  void end(bool succeeded);

  /// The same for replays that were timed elsewhere: the moments of the last one, and how many
  /// succeeded, with what they took together.
  void setReplay(Moment begin, Moment end) {
    begun = begin;
    ended = end;
  }
  void count(int64_t numReplays, int64_t nanoseconds);

  const xfer_counters_t &counters() const { return sums; }
  /// Writes the last replay as a Chrome trace.
  Status write(const char *path) const;

private:
  const Program &program;
  std::vector<Window> windows;
  Moment begun = 0, ended = 0;
  xfer_counters_t sums = {};
};

} // namespace xfer::runtime

#endif
