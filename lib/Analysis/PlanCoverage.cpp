//===- PlanCoverage.cpp - Is every target element written once ------------===//
#include "xfer/Analysis/PlanCoverage.h"
#include "xfer/Analysis/PlanPlaces.h"
#include "xfer/IR/Tiling.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"
#include <numeric>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {

void PlanCoverage::findOwnerships() {
  for (const Tensor &tensor : module.tensors)
    for (const Side &side : tensor.targets) {
      ownershipOf.push_back(ownerships.id(tensor, side));
      numOwnerships = std::max(numOwnerships, ownershipOf.back() + 1);
    }
}

/// True if `rank` holds an element.
bool PlanCoverage::isHeld(const Ownership &ownership, int64_t rank) {
  int64_t cell = ownerships.cell(ownership, rank);
  return cell >= 0 && llvm::any_of(ownership.blocks(), [&](const OwnedBlock &block) {
           return ownership.mayOwn(cell, block) &&
                  llvm::none_of(block.indices, [&](const OwnedIndex &index) {
                    return ownership.dims()[index.ownership]
                        .cellPieces(ownership.cellOf(index, cell))
                        .empty();
                  });
         });
}

LogicalResult PlanCoverage::check(const Program &program) {
  if (ownershipOf.empty())
    findOwnerships();
  // A rank holds few of the experts: what it holds nothing of costs a look at a flag.
  std::vector<bool> isKnown(numOwnerships, false), holds(numOwnerships, false);
  size_t side = 0;
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
    llvm::MutableArrayRef<const ProgramChunk *> rest =
        llvm::MutableArrayRef(writes).slice(first[t], first[t + 1] - first[t]);
    llvm::sort(rest, [](const ProgramChunk *l, const ProgramChunk *r) {
      return std::tie(l->targetIndex, l->region, l) < std::tie(r->targetIndex, r->region, r);
    });
    auto numTargets = static_cast<int32_t>(module.tensors[t].targets.size());
    for (int32_t target = 0; target < numTargets; ++target) {
      int32_t ownership = ownershipOf[side++];
      if (!isKnown[ownership]) {
        isKnown[ownership] = true;
        holds[ownership] = isHeld(ownerships[ownership], program.rank);
      }
      if (!holds[ownership])
        continue; // VerifyPlan has refused any write
      size_t count = 0;
      while (count < rest.size() && rest[count]->targetIndex == target)
        ++count;
      if (failed(
              check(program, static_cast<TensorId>(t), target, ownership, rest.take_front(count))))
        return failure();
      rest = rest.drop_front(count);
    }
  }
  return success();
}

namespace {

/// Numbers what a cell owns of one index, ascending.
class OwnedNumbers {
public:
  explicit OwnedNumbers(ArrayRef<Piece> pieces) : pieces(pieces) {
    for (const Piece &piece : pieces) {
      before.push_back(count);
      count += piece.end - piece.begin;
    }
  }
  /// The numbers of an owned segment, whose runs each lie in one piece.
  SmallVector<TileSpan, 1> spans(const Segment &segment) const {
    SmallVector<TileSpan, 1> result;
    for (int64_t i = 0; i < segment.count; ++i) {
      int64_t begin = numberOf(segment.begin + i * segment.stride);
      TileSpan *last = result.empty() ? nullptr : &result.back();
      if (last && last->count == 1)
        last->stride = begin - last->begin;
      if (last && begin == last->begin + last->count * last->stride)
        ++last->count;
      else
        result.push_back({begin, segment.run, segment.run, 1});
    }
    return result;
  }
  int64_t indexOf(int64_t number) const {
    size_t piece = llvm::upper_bound(before, number) - before.begin() - 1;
    return pieces[piece].begin + (number - before[piece]);
  }
  int64_t size() const { return count; }

private:
  int64_t numberOf(int64_t index) const {
    const Piece *piece = llvm::upper_bound(
        pieces, index, [](int64_t at, const Piece &candidate) { return at < candidate.end; });
    return before[piece - pieces.begin()] + (index - piece->begin);
  }
  ArrayRef<Piece> pieces;
  std::vector<int64_t> before; ///< by piece
  int64_t count = 0;
};

} // namespace

LogicalResult PlanCoverage::check(const Program &program, TensorId tensor, int32_t target,
                                  int32_t id, ArrayRef<const ProgramChunk *> writes) {
  const Tensor &declared = module.tensors[tensor];
  const Side &side = declared.targets[target];
  const Ownership &ownership = ownerships[id];
  int64_t cell = ownerships.cell(ownership, program.rank);
  ++numTargets;
  std::vector<int64_t> key{id, cell};
  for (const ProgramChunk *chunk : writes)
    key.push_back(chunk->region);
  int32_t known = coverings.size();
  if (coverings.intern(key) < known)
    return success();
  ArrayRef<OwnedBlock> blocks = ownership.blocks();
  if (blocks.size() == 1)
    return checkBlock(program, declared, side, ownership, cell, blocks.front(), writes);
  std::vector<std::vector<const ProgramChunk *>> inside(blocks.size()); // a chunk lies in one block
  for (const ProgramChunk *chunk : writes)
    if (int32_t block = ownership.findBlock(cell, module.region(chunk->region)); block >= 0)
      inside[block].push_back(chunk);
  for (size_t b = 0; b < blocks.size(); ++b)
    if (ownership.mayOwn(cell, blocks[b]) &&
        failed(checkBlock(program, declared, side, ownership, cell, blocks[b], inside[b])))
      return failure();
  return success();
}

LogicalResult PlanCoverage::checkBlock(const Program &program, const Tensor &tensor,
                                       const Side &side, const Ownership &ownership, int64_t cell,
                                       const OwnedBlock &block,
                                       ArrayRef<const ProgramChunk *> writes) {
  SmallVector<OwnedNumbers, 3> numbers;
  SmallVector<int64_t, 3> shape;
  for (const OwnedIndex &index : block.indices)
    shape.push_back(numbers
                        .emplace_back(ownership.dims()[index.ownership].cellPieces(
                            ownership.cellOf(index, cell)))
                        .size());
  if (llvm::is_contained(shape, 0))
    return success();
  std::vector<Tile> tiles;
  for (const ProgramChunk *chunk : writes) {
    Tile &tile = tiles.emplace_back();
    for (size_t i = 0; i < numbers.size(); ++i)
      tile.push_back(numbers[i].spans(module.region(chunk->region).dims[i].front()));
  }
  std::optional<TilingFault> fault = checkTiling(shape, tiles);
  if (!fault)
    return success();
  SmallVector<int64_t, 3> at;
  for (size_t i = 0; i < numbers.size(); ++i)
    at.push_back(numbers[i].indexOf(fault->index[i]));
  std::string element = "element " + toString(ArrayRef<int64_t>(at)) + " of '@" +
                        tensor.name.str() + "' on rank " + std::to_string(program.rank);
  if (fault->tiles.empty())
    return diagnostics.error(side.loc, element + " is written by no chunk, expected one");
  const ProgramChunk &first = *writes[fault->tiles[0]], &second = *writes[fault->tiles[1]];
  (void)diagnostics.error(first.loc, element + " is written by two chunks, expected one: " +
                                         describe(module, program, first));
  diagnostics.note(second.loc, "the other chunk is " + describe(module, program, second));
  return failure();
}

} // namespace xfer
