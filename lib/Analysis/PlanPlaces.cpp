//===- PlanPlaces.cpp - How verify-plan names operations ------------------===//
#include "xfer/Analysis/PlanPlaces.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/STLExtras.h"

namespace xfer {

/// The last of `ranges`, ascending, that begins at or before `index`.
template <typename Range, typename First>
static const Range *findRange(const std::vector<Range> &ranges, int64_t index, First first) {
  auto after = llvm::upper_bound(
      ranges, index, [&](int64_t at, const Range &candidate) { return at < candidate.*first; });
  return after == ranges.begin() ? nullptr : &*std::prev(after);
}

std::string describe(const Module &module, const Program &program, const Bucket &bucket) {
  std::string text =
      "bucket " + std::to_string(bucket.ordinal) + " " + spelling(bucket.transport).str() + " ";
  if (bucket.ends.isReduce())
    text += ranksToString(module.rankList(bucket.ends.sources)) + " via ";
  text += std::to_string(bucket.ends.sender) + " -> " +
          ranksToString(module.rankList(bucket.ends.destinations));
  if (const Window *window =
          findRange(program.windows, &bucket - program.buckets.data(), &Window::firstBucket))
    text += " in window " + std::to_string(window->index);
  return text + " of rank " + std::to_string(program.rank);
}

std::string describe(const Module &module, const Program &program, const ProgramChunk &chunk) {
  const Bucket *bucket =
      findRange(program.buckets, &chunk - program.chunks.data(), &Bucket::firstChunk);
  return toString(module, chunk.region) + " of '@" + module.tensors[chunk.tensor].name.str() +
         "' in " + (bucket ? describe(module, program, *bucket) : "no bucket");
}

std::string describe(const StridedRegion &region) {
  return "offset " + std::to_string(region.offset) + " sizes " + toString(region.sizes) +
         " strides " + toString(region.strides);
}

} // namespace xfer
