//===- Shadow.cpp - Who touched which memory when -------------------------===//
#include "Shadow.h"

namespace standin {

void Shadow::add(uintptr_t begin, size_t bytes) {
  if (bytes > 0)
    ranges[begin].end = begin + bytes;
}

void Shadow::remove(uintptr_t begin, size_t bytes) {
  cut(begin);
  cut(begin + bytes);
  ranges.erase(ranges.lower_bound(begin), ranges.lower_bound(begin + bytes));
}

/// Makes a range begin at `at` if one goes over it.
void Shadow::cut(uintptr_t at) {
  auto after = ranges.upper_bound(at);
  if (after == ranges.begin())
    return;
  auto range = std::prev(after);
  if (range->first == at || range->second.end <= at)
    return;
  Range rest = range->second;
  range->second.end = at;
  ranges.emplace_hint(after, at, std::move(rest));
}

bool Shadow::isKnown(uintptr_t begin, uintptr_t end) const {
  auto range = ranges.upper_bound(begin);
  if (range == ranges.begin())
    return false;
  for (--range; range != ranges.end() && range->first <= begin; ++range) {
    begin = range->second.end > begin ? range->second.end : begin;
    if (begin >= end)
      return true;
  }
  return false;
}

std::string Shadow::read(uintptr_t begin, size_t bytes, const Stamp &stamp,
                         const VectorClock &clock) {
  const uintptr_t end = begin + bytes;
  if (!isKnown(begin, end))
    return "reads what is no device memory";
  cut(begin);
  cut(end);
  std::string problem;
  for (auto range = ranges.find(begin); range != ranges.end() && range->first < end; ++range) {
    if (!range->second.isWritten)
      problem = "reads what nothing has written";
    else if (!clock.hasSeen(range->second.lastWrite))
      problem = "reads what another stream writes, without an order between them";
    range->second.reads[stamp.timeline] = stamp.time;
  }
  return problem;
}

std::string Shadow::write(uintptr_t begin, size_t bytes, const Stamp &stamp,
                          const VectorClock &clock) {
  const uintptr_t end = begin + bytes;
  if (!isKnown(begin, end))
    return "writes what is no device memory";
  cut(begin);
  cut(end);
  std::string problem;
  const auto first = ranges.find(begin);
  auto range = first;
  for (; range != ranges.end() && range->first < end; ++range) {
    if (!clock.hasSeen(range->second.lastWrite))
      problem = "writes what another stream writes, without an order between them";
    for (const auto &[timeline, time] : range->second.reads)
      if (!clock.hasSeen({timeline, time}))
        problem = "writes what another stream reads, without an order between them";
  }
  ranges.erase(std::next(first), range);
  first->second = {end, true, stamp, {}};
  return problem;
}

} // namespace standin
