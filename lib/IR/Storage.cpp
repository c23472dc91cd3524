//===- Storage.cpp - What a rank allocates, and what lies in it -----------===//
#include "xfer/IR/Storage.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;

namespace xfer {

void StoragePart::add(Run run) {
  if (!runs.empty())
    (void)__builtin_add_overflow(runs.back().begin, runs.back().size, &run.begin);
  runs.push_back(run);
}

StoragePart::RunIndex StoragePart::locate(int64_t index) const {
  const int64_t repetition = index / period(), within = index % period();
  // The last that begins there or before: empty ones come before the one with the index.
  auto next =
      llvm::upper_bound(runs, within, [](int64_t at, const Run &run) { return at < run.begin; });
  const Run &run = *std::prev(next);
  return {static_cast<int32_t>(&run - runs.begin()), repetition * run.size + (within - run.begin)};
}

int64_t StoragePart::indexOf(const RunIndex &place) const {
  const Run &run = runs[place.run];
  return place.index / run.size * period() + run.begin + place.index % run.size;
}

SmallVector<int64_t, 4> StorageShape::partExtents() const {
  SmallVector<int64_t, 4> extents;
  for (const StorageDim &dim : dims)
    for (const StoragePart &part : dim)
      extents.push_back(part.extent());
  return extents;
}

SmallVector<int32_t, 4> StorageShape::dimOfParts() const {
  SmallVector<int32_t, 4> dimOfPart;
  for (size_t d = 0; d < dims.size(); ++d)
    dimOfPart.append(dims[d].size(), static_cast<int32_t>(d));
  return dimOfPart;
}

} // namespace xfer
