//===- Segments.cpp - Runs to strided segments ----------------------------===//
#include "xfer/Analysis/Segments.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;

namespace xfer {

/// True if run j lies behind run i as run i lies behind run i - (j - i).
static bool sameStep(const LocalRun &a, const LocalRun &b, const LocalRun &c) {
  return a.length == b.length && b.length == c.length && c.begin - b.begin == b.begin - a.begin &&
         c.source - b.source == b.source - a.source && c.target - b.target == b.target - a.target;
}

/// Length of the longest prefix of `runs` in which the runs `period` apart are equally spaced.
static size_t periodicPrefix(ArrayRef<LocalRun> runs, size_t period) {
  size_t i = 2 * period;
  while (i < runs.size() && sameStep(runs[i - 2 * period], runs[i - period], runs[i]))
    ++i;
  return i;
}

DimSegments toSegments(ArrayRef<LocalRun> runs) {
  constexpr size_t kMaxPeriod = 64;
  DimSegments segments;
  while (!runs.empty()) {
    // The period that explains most runs; the shortest among equals.
    size_t best = 1, covered = std::min<size_t>(runs.size(), 1);
    for (size_t period = 1; period <= kMaxPeriod && 2 * period < runs.size(); ++period) {
      size_t prefix = periodicPrefix(runs, period);
      if (prefix > 2 * period && prefix > covered) {
        best = period;
        covered = prefix;
      }
      if (covered + best >= runs.size())
        break;
    }
    if (covered == 1 && runs.size() == 2 && runs[0].length == runs[1].length) {
      covered = 2; // two equal runs are always equally spaced
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
