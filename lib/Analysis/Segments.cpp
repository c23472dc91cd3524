//===- Segments.cpp - Runs to strided segments ----------------------------===//
#include "xfer/Analysis/Segments.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;

namespace xfer {

/// True if `c` continues the progression of `a` and `b`.
static bool isNext(const LocalRun &a, const LocalRun &b, const LocalRun &c) {
  return b.length == c.length && c.source > b.source && c.target > b.target &&
         c.begin - b.begin == b.begin - a.begin && c.source - b.source == b.source - a.source &&
         c.target - b.target == b.target - a.target;
}

/// Length of the longest prefix of `runs` in which the runs `period` apart are equally long and
/// equally spaced, forwards in both memories: loops have positive strides.
static size_t periodicPrefix(ArrayRef<LocalRun> runs, size_t period) {
  size_t i = period;
  while (i < runs.size() && runs[i - period].length == runs[i].length &&
         runs[i].source > runs[i - period].source && runs[i].target > runs[i - period].target &&
         (i < 2 * period || isNext(runs[i - 2 * period], runs[i - period], runs[i])))
    ++i;
  return i;
}

DimSegments toSegments(ArrayRef<LocalRun> runs) {
  constexpr size_t kMaxPeriod = 64;
  DimSegments segments;
  while (!runs.empty()) {
    // The period that explains most runs; the shortest among equals.
    size_t best = 1, covered = periodicPrefix(runs, 1);
    for (size_t period = 2; period <= kMaxPeriod && 2 * period < runs.size(); ++period) {
      if (covered + best >= runs.size())
        break;
      size_t prefix = periodicPrefix(runs, period);
      if (prefix > 2 * period && prefix > covered) {
        best = period;
        covered = prefix;
      }
    }
    for (size_t first = 0; first < best; ++first) {
      int64_t count = static_cast<int64_t>((covered - first + best - 1) / best);
      int64_t stride =
          count > 1 ? runs[first + best].begin - runs[first].begin : runs[first].length;
      segments.push_back({runs[first].begin, runs[first].length, stride, count});
    }
    runs = runs.drop_front(covered);
  }
  llvm::stable_sort(segments, [](const Segment &l, const Segment &r) { return l.begin < r.begin; });
  return segments;
}

} // namespace xfer
