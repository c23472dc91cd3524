//===- PlanCoverage.cpp - Is every target element written once ------------===//
#include "xfer/Analysis/PlanCoverage.h"
#include "xfer/Analysis/Tiling.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"
#include <numeric>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {

LogicalResult PlanCoverage::check(const Program &program) {
  // A counting sort by tensor: first[t] is where the writes of tensor t begin.
  std::vector<size_t> first(module.tensors.size() + 1, 0);
  for (const ProgramChunk &chunk : program.chunks)
    first[chunk.tensor + 1] += chunk.target != kNone;
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<const ProgramChunk *> writes(first.back());
  std::vector<size_t> next(first);
  for (const ProgramChunk &chunk : program.chunks)
    if (chunk.target != kNone)
      writes[next[chunk.tensor]++] = &chunk;
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    auto tensor = static_cast<TensorId>(t);
    llvm::MutableArrayRef<const ProgramChunk *> own =
        llvm::MutableArrayRef(writes).slice(first[t], first[t + 1] - first[t]);
    llvm::sort(own, [](const ProgramChunk *l, const ProgramChunk *r) {
      return l->region != r->region ? l->region < r->region : l < r;
    });
    if (locals.targetOf(tensor, program.rank) >= 0 && failed(check(program, tensor, own)))
      return failure();
  }
  return success();
}

LogicalResult PlanCoverage::check(const Program &program, TensorId tensor,
                                  ArrayRef<const ProgramChunk *> writes) {
  const Tensor &declared = module.tensors[tensor];
  const Side &side = declared.targets[locals.targetOf(tensor, program.rank)];
  int32_t id = ownerships.id(side.layout, declared.shape);
  const Ownership &ownership = ownerships[id];
  int64_t cell = ownerships.cell(ownership, program.rank);
  ++numTargets;
  std::vector<int64_t> key{id, cell};
  for (const ProgramChunk *chunk : writes)
    key.push_back(chunk->region);
  int32_t known = coverings.size();
  if (coverings.intern(key) < known)
    return success();

  SmallVector<int64_t, 3> cells = ownership.dimCells(cell);
  std::vector<Tile> tiles;
  for (const ProgramChunk *chunk : writes) {
    Tile &tile = tiles.emplace_back();
    const Region &region = module.region(chunk->region);
    for (size_t d = 0; d < cells.size(); ++d) {
      const Segment &segment = region.dims[d].front();
      std::optional<LocalSegment> local = localize(ownership.dims()[d], cells[d], segment);
      tile.push_back({local->begin, segment.run, local->stride, segment.count});
    }
  }
  std::optional<TilingFault> fault = checkTiling(ownership.localShape(cell), tiles);
  if (!fault)
    return success();
  std::string element = "local element " + toString(ArrayRef<int64_t>(fault->index)) + " of '@" +
                        declared.name.str() + "' on rank " + std::to_string(program.rank);
  if (fault->tiles.empty())
    return diagnostics.error(side.loc, element + " is written by no chunk, expected one");
  (void)diagnostics.error(writes[fault->tiles[0]]->loc,
                          element + " is written by two chunks, expected one");
  diagnostics.note(writes[fault->tiles[1]]->loc, "the other chunk is here");
  return failure();
}

} // namespace xfer
