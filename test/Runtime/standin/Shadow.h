//===- Shadow.h - Who touched which memory when -----------------*- C++ -*-===//
//
// Finds accesses that no stream order puts before or after each other. Every
// stream is a timeline; a task's vector clock says how far it has seen each of
// them. Memory is a map of ranges with their last write and the reads since.
//===----------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace standin {

/// A point on a timeline.
struct Stamp {
  uint32_t timeline = 0; ///< 0: none
  uint64_t time = 0;
};

class VectorClock {
public:
  bool hasSeen(const Stamp &stamp) const {
    if (stamp.timeline == 0)
      return true;
    const auto found = times.find(stamp.timeline);
    return found != times.end() && found->second >= stamp.time;
  }
  void join(const VectorClock &other) {
    for (const auto &[timeline, time] : other.times) {
      uint64_t &mine = times[timeline];
      mine = mine < time ? time : mine;
    }
  }
  /// Goes on by one on a timeline.
  Stamp tick(uint32_t timeline) { return {timeline, ++times[timeline]}; }

private:
  std::map<uint32_t, uint64_t> times;
};

class Shadow {
public:
  void add(uintptr_t begin, size_t bytes);
  void remove(uintptr_t begin, size_t bytes);
  /// Notes an access; returns what is wrong with it, or nothing.
  std::string read(uintptr_t begin, size_t bytes, const Stamp &stamp, const VectorClock &clock);
  std::string write(uintptr_t begin, size_t bytes, const Stamp &stamp, const VectorClock &clock);

private:
  struct Range {
    uintptr_t end = 0;
    bool isWritten = false;
    Stamp lastWrite;
    std::map<uint32_t, uint64_t> reads; ///< since then, by timeline
  };
  using Ranges = std::map<uintptr_t, Range>;
  void cut(uintptr_t at);
  bool isKnown(uintptr_t begin, uintptr_t end) const;

  Ranges ranges;
};

} // namespace standin
