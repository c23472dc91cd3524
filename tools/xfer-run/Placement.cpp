//===- Placement.cpp - Where a tensor lies in a memory --------------------===//
#include "Placement.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer::run {

Line Line::part(int64_t first, int64_t length, llvm::SmallVectorImpl<int64_t> &scratch) const {
  if (first == 0)
    return {index, along, number, step, length};
  scratch.assign(index.begin(), index.end());
  scratch[along] += first;
  return {scratch, along, number + first * step, step, length};
}

Placement::Placement(MemoryCuts &cuts, const View &declared, ArrayRef<int64_t> tensorShape)
    : memoryCuts(&cuts), view(&declared), numberSteps(tensorShape.size(), 1),
      indexPlaces(tensorShape.size()) {
  for (size_t i = tensorShape.size(); i-- > 1;)
    numberSteps[i - 1] = numberSteps[i] * tensorShape[i];
  for (size_t dim = 0; dim < view->entries.size(); ++dim) {
    const ViewEntry &entry = view->entries[dim];
    parts.push_back(entry.at.part);
    int64_t flatStep = 1;
    for (const ViewFactor &factor : llvm::reverse(entry.factors)) {
      indexPlaces[factor.index] = {dim, flatStep};
      flatStep *= factor.size();
    }
    for (size_t slot = 0; slot < entry.table.size(); ++slot)
      slotOf[static_cast<uint64_t>(entry.table[slot])] = static_cast<int64_t>(slot);
  }
  for (const ViewFactor &factor : view->entries.back().factors)
    if (factor.size() != 1)
      innermost = &factor;
  firstPositions = &cuts.firstPositions(parts);
}

int64_t Placement::numberOf(ArrayRef<int64_t> index) const {
  int64_t number = 0;
  for (size_t i = 0; i < index.size(); ++i)
    number += index[i] * numberSteps[i];
  return number;
}

Placement::Stretches Placement::stretches(int64_t position, size_t dim) const {
  const ViewEntry &entry = view->entries[dim];
  const PartCuts &part = memoryCuts->part(dim, entry.at.part);
  int64_t base = memoryCuts->beginOf(dim, entry.at.part, position);
  int64_t offset = part.runBegins()[entry.at.run];
  int64_t size = part.runBegins()[entry.at.run + 1] - offset;
  Stretches out;
  auto add = [&](int64_t flat, int64_t local, int64_t length) {
    if (!out.empty() && out.back().flat + out.back().length == flat &&
        out.back().local + out.back().length == local) {
      out.back().length += length;
      return;
    }
    out.push_back({flat, local, length, out.empty() ? 0 : out.back().before + out.back().length});
  };
  // Indices [number, number + length) of the run.
  auto addRun = [&](int64_t number, int64_t local, int64_t length) {
    if (entry.factors.empty()) {
      if (number <= entry.fixed && entry.fixed < number + length)
        add(0, local + (entry.fixed - number), 1);
    } else if (entry.table.empty()) {
      add(number, local, length);
    } else {
      for (int64_t i = 0; i < length; ++i)
        add(entry.table[number + i], local + i, 1);
    }
  };
  if (size == 0)
    return out;
  for (const Piece &piece : part.pieces(position))
    for (int64_t repetition = piece.begin / part.period(); repetition * part.period() < piece.end;
         ++repetition) {
      int64_t run = repetition * part.period() + offset;
      int64_t begin = std::max(run, piece.begin), end = std::min(run + size, piece.end);
      if (begin < end)
        addRun(repetition * size + (begin - run), base + piece.local + (begin - piece.begin),
               end - begin);
    }
  return out;
}

int64_t Placement::numHeld(int64_t position) const {
  int64_t elements = 1;
  for (size_t dim = 0; dim < parts.size() && elements; ++dim) {
    Stretches held = stretches(position, dim);
    elements *= held.empty() ? 0 : held.back().before + held.back().length;
  }
  return elements;
}

void Placement::unflatten(size_t dim, int64_t flat, llvm::MutableArrayRef<int64_t> index) const {
  const auto &factors = view->entries[dim].factors;
  for (size_t f = factors.size(); f-- > 1; flat /= factors[f].size())
    index[factors[f].index] = factors[f].begin + flat % factors[f].size();
  if (!factors.empty())
    index[factors[0].index] = factors[0].begin + flat;
}

int64_t Placement::flatten(size_t dim, ArrayRef<int64_t> index) const {
  int64_t flat = 0;
  for (const ViewFactor &factor : view->entries[dim].factors)
    flat = flat * factor.size() + (index[factor.index] - factor.begin);
  return flat;
}

Placement::Spot Placement::find(size_t dim, int64_t flat) const {
  const ViewEntry &entry = view->entries[dim];
  const PartCuts &part = memoryCuts->part(dim, entry.at.part);
  int64_t offset = part.runBegins()[entry.at.run];
  int64_t size = part.runBegins()[entry.at.run + 1] - offset;
  bool hasTable = !entry.table.empty();
  int64_t number = entry.factors.empty() ? entry.fixed : hasTable ? slotOf.lookup(flat) : flat;
  int64_t at = number / size * part.period() + offset + number % size;
  const OwnedPiece &owner = part.ownerOf(at);
  int64_t length = std::min(size - number % size, owner.piece.end - at);
  return {owner.coordinate, owner.piece.local + at - owner.piece.begin, hasTable ? 1 : length};
}

int64_t Placement::positionOf(ArrayRef<int64_t> coordinates, int64_t contributor) const {
  int64_t cell = 0;
  for (size_t dim = 0; dim < parts.size(); ++dim)
    cell = cell * memoryCuts->part(dim, parts[dim]).numCoordinates() + coordinates[dim];
  return (*firstPositions)[cell * memoryCuts->numContributors() + contributor];
}

} // namespace xfer::run
