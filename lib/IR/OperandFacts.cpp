//===- OperandFacts.cpp - What holds for regions and rank lists -----------===//
#include "OperandFacts.h"
#include "xfer/IR/SplitRules.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::ArrayRef;

namespace xfer {

static_assert(kMaxIntervals == 1048576, "as a message below says");

static bool isCanonical(const Segment &segment) {
  if (segment.begin < 0 || segment.run < 1 || segment.count < 1)
    return false;
  return segment.count == 1 ? segment.stride == segment.run : segment.stride >= segment.run;
}

/// One past the last index, or -1 if it does not fit.
static int64_t checkedLast(const Segment &segment) {
  int64_t last = 0;
  if (__builtin_mul_overflow(segment.count - 1, segment.stride, &last) ||
      __builtin_add_overflow(last, segment.begin, &last) ||
      __builtin_add_overflow(last, segment.run, &last))
    return -1;
  return last;
}

/// Verifies:
/// - every dimension has segments, each canonical, ascending and disjoint, and few intervals;
/// - the number of elements fits in 63 bits.
static void check(const Region &region, OperandFacts::Facts &facts) {
  facts.elements = 1;
  for (const DimSegments &dim : region.dims) {
    int64_t extent = 0, intervals = 0;
    if (dim.empty()) {
      facts.wrong = "is empty";
      return;
    }
    for (const Segment &segment : dim) {
      if (!isCanonical(segment))
        facts.wrong = "has a segment that is not canonical";
      else if (checkedLast(segment) < 0 || __builtin_add_overflow(extent, segment.size(), &extent))
        facts.wrong = "is too large";
      else if (segment.count > kMaxIntervals - intervals)
        facts.wrong = "has more than 1048576 intervals in a dimension";
      if (facts.wrong)
        return;
      intervals += segment.count;
    }
    if ((facts.wrong = findDisorder(dim)))
      return;
    if (__builtin_mul_overflow(facts.elements, extent, &facts.elements))
      facts.wrong = "is too large";
  }
}

/// Verifies:
/// - as many strides as sizes, all at least 1, and an offset that is not negative;
/// - the number of elements, and the offset of one past each loop's last, fit in 63 bits;
/// - it is canonical.
static void check(const StridedRegion &region, OperandFacts::Facts &facts) {
  facts.elements = 1;
  if (region.sizes.size() != region.strides.size())
    facts.wrong = "has another number of strides than of sizes";
  else if (region.offset < 0)
    facts.wrong = "has a negative offset";
  int64_t reach = region.offset;
  for (size_t i = 0; !facts.wrong && i < region.sizes.size(); ++i) {
    int64_t size = region.sizes[i], stride = region.strides[i], span = 0;
    if (size < 1 || stride < 1)
      facts.wrong = "has a size or stride below 1";
    else if (__builtin_mul_overflow(size, stride, &span) ||
             __builtin_add_overflow(reach, span, &reach) ||
             __builtin_mul_overflow(facts.elements, size, &facts.elements))
      facts.wrong = "is too large";
  }
  if (facts.wrong)
    return;
  StridedRegion canonical = region;
  canonical.canonicalize();
  if (canonical != region)
    facts.wrong = "has loops that continue each other, or of one element";
}

bool OperandFacts::isKnownRank(int64_t rank) const {
  return std::binary_search(knownRanks.begin(), knownRanks.end(), rank);
}

/// Verifies:
/// - the list is not empty and names every rank once;
/// - every rank is in some mesh.
std::string OperandFacts::findWrong(ArrayRef<int64_t> ranks) const {
  if (ranks.empty())
    return "are empty";
  std::vector<int64_t> sorted(ranks.begin(), ranks.end());
  llvm::sort(sorted);
  if (auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return "name rank " + std::to_string(*twice) + " twice";
  for (int64_t rank : ranks)
    if (!isKnownRank(rank))
      return "name rank " + std::to_string(rank) + ", which no mesh has";
  return "";
}

OperandFacts::OperandFacts(const Module &module)
    : module(module), regions(module.numRegions()), stridedRegions(module.numStridedRegions()),
      rankLists(module.numRankLists()), meshRanks(module) {
  for (const Mesh &mesh : module.meshes)
    knownRanks.insert(knownRanks.end(), mesh.ranks.begin(), mesh.ranks.end());
  llvm::sort(knownRanks);
}

const OperandFacts::Facts &OperandFacts::ofRegion(RegionId id) {
  Facts &facts = regions[id];
  if (!facts.isChecked)
    check(module.region(id), facts);
  facts.isChecked = true;
  return facts;
}

const OperandFacts::Facts &OperandFacts::ofStridedRegion(StridedRegionId id) {
  Facts &facts = stridedRegions[id];
  if (!facts.isChecked)
    check(module.stridedRegion(id), facts);
  facts.isChecked = true;
  return facts;
}

const std::string &OperandFacts::wrongOfRankList(RankListId id) {
  std::optional<std::string> &wrong = rankLists[id];
  if (!wrong)
    wrong = findWrong(module.rankList(id));
  return *wrong;
}

std::optional<int64_t> OperandFacts::findOutside(int32_t mesh, RankListId list) {
  auto [entry, isNew] = outside.try_emplace({mesh, list});
  if (isNew) {
    ArrayRef<int64_t> ranks = module.rankList(list);
    const auto *found =
        llvm::find_if(ranks, [&](int64_t rank) { return !meshRanks.contains(mesh, rank); });
    if (found != ranks.end())
      entry->second = *found;
  }
  return entry->second;
}

} // namespace xfer
