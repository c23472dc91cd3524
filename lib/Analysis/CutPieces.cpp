//===- CutPieces.cpp - What the cells of one dimension hold ---------------===//
#include "CutPieces.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {

namespace {
/// The repetitions of one run of a part: run index j lies at part index
/// j / size * period + offset + j % size.
struct RunSpan {
  int64_t size, period, offset;
  RunSpan(const ViewEntry &entry, const StoragePart &part) {
    // A run without neighbours is one stretch, however often it repeats.
    bool isWhole = part.runs.size() == 1;
    size = isWhole ? part.extent() : part.runs[entry.at.run].size;
    period = isWhole ? size : part.period();
    offset = part.runs[entry.at.run].begin;
  }

  /// Calls `visit(j, length, local)` for the stretches of the run that lie in `piece`.
  template <typename Visit> void forEachIn(const Piece &piece, Visit visit) const {
    if (size == 0)
      return;
    for (int64_t group = piece.begin / period; group * period < piece.end; ++group) {
      int64_t first = group * period + offset;
      int64_t begin = std::max(first, piece.begin), end = std::min(first + size, piece.end);
      if (begin < end)
        visit(group * size + (begin - first), end - begin, piece.local + (begin - piece.begin));
    }
  }
};
} // namespace

FixedPlace findFixed(const ViewEntry &entry, const StoragePart &part, const DimOwnership &cut) {
  int64_t index = part.indexOf({entry.at.run, entry.fixed});
  for (const Piece &piece : cut.pieces)
    if (piece.begin <= index && index < piece.end)
      return {piece.cell, piece.local + (index - piece.begin)};
  return {};
}

/// Number of times that the slots before it hold the index of each slot.
static std::vector<int32_t> occurrences(ArrayRef<int64_t> table) {
  llvm::DenseMap<uint64_t, int32_t> counts; // unsigned: no index is a key that marks a slot
  std::vector<int32_t> result;
  for (int64_t index : table)
    result.push_back(counts[static_cast<uint64_t>(index)]++);
  return result;
}

DimOwnership mapPieces(const ViewEntry &entry, const StoragePart &part, const DimOwnership &cut,
                       int32_t occurrence) {
  RunSpan run(entry, part);
  const ViewFactor &factor = entry.factors[0];
  std::vector<int32_t> occurrenceOf = occurrences(entry.table);
  DimOwnership result{factor.end, cut.numCells, {}, {0}};
  std::vector<Piece> found; // of one cell
  for (int64_t cell = 0; cell < cut.numCells; ++cell) {
    found.clear();
    for (const Piece &piece : cut.cellPieces(cell))
      run.forEachIn(piece, [&](int64_t j, int64_t length, int64_t local) {
        if (entry.table.empty()) {
          found.push_back({factor.begin + j, factor.begin + j + length, local, cell});
          return;
        }
        for (int64_t i = 0; i < length; ++i)
          if (occurrenceOf[j + i] == occurrence) {
            int64_t index = entry.table[j + i];
            found.push_back({index, index + 1, local + i, cell});
          }
      });
    llvm::stable_sort(found, [](const Piece &a, const Piece &b) { return a.begin < b.begin; });
    size_t first = result.pieces.size();
    for (const Piece &piece : found) {
      Piece *last = result.pieces.size() > first ? &result.pieces.back() : nullptr;
      if (last && last->end == piece.begin &&
          last->local + (last->end - last->begin) == piece.local)
        last->end = piece.end;
      else
        result.pieces.push_back(piece);
    }
    result.firstPiece.push_back(static_cast<int64_t>(result.pieces.size()));
  }
  return result;
}

/// Appends the boxes of the flat range [begin, end) over factors of `sizes`: the incomplete first
/// row, the whole rows, the incomplete last row, each of the rows like the whole.
static void appendBoxes(ArrayRef<ViewFactor> factors, int64_t begin, int64_t end, int64_t local,
                        SmallVector<Interval, 3> &outer, int64_t cell, std::vector<FlatBox> &out) {
  if (begin >= end)
    return;
  int64_t inner = 1; // flat indices of one value of the first factor
  for (const ViewFactor &factor : factors.drop_front())
    inner *= factor.size();
  int64_t base = factors.front().begin;
  auto descend = [&](int64_t row, int64_t from, int64_t to, int64_t at) {
    outer.push_back({base + row, base + row + 1});
    appendBoxes(factors.drop_front(), from, to, at, outer, cell, out);
    outer.pop_back();
  };
  int64_t firstRow = begin / inner, lastRow = end / inner;
  int64_t head = begin % inner, tail = end % inner;
  if (firstRow == lastRow && (head || tail))
    return descend(firstRow, head, tail, local);
  if (head) {
    descend(firstRow, head, inner, local);
    local += inner - head;
    ++firstRow;
  }
  if (firstRow < lastRow) {
    FlatBox &box = out.emplace_back();
    box.cell = cell;
    box.local = local;
    box.indices = outer;
    box.indices.push_back({base + firstRow, base + lastRow});
    for (const ViewFactor &factor : factors.drop_front())
      box.indices.push_back({factor.begin, factor.end});
    local += (lastRow - firstRow) * inner;
  }
  if (tail)
    descend(lastRow, 0, tail, local);
}

std::vector<FlatBox> flatBoxes(const ViewEntry &entry, const StoragePart &part,
                               const DimOwnership &cut) {
  RunSpan run(entry, part);
  std::vector<FlatBox> boxes;
  SmallVector<Interval, 3> outer;
  for (int64_t cell = 0; cell < cut.numCells; ++cell) {
    int64_t begin = 0, end = 0, first = 0; // a stretch that goes on in the index and in memory
    for (const Piece &piece : cut.cellPieces(cell))
      run.forEachIn(piece, [&](int64_t j, int64_t length, int64_t local) {
        if (j == end && local == first + (end - begin)) {
          end += length;
          return;
        }
        appendBoxes(entry.factors, begin, end, first, outer, cell, boxes);
        begin = j;
        end = j + length;
        first = local;
      });
    appendBoxes(entry.factors, begin, end, first, outer, cell, boxes);
  }
  return boxes;
}

} // namespace xfer
