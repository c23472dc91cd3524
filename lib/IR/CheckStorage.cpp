//===- CheckStorage.cpp - What storages and views must satisfy ------------===//
#include "xfer/IR/SplitRules.h"
#include "xfer/IR/StorageChecks.h"
#include "xfer/IR/Tiling.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;
using Part = xfer::Problem::Part;

namespace xfer {

static Problem runProblem(size_t dim, size_t part, size_t run, const Twine &text) {
  return {Part::Run, static_cast<int32_t>(dim), static_cast<int32_t>(part),
          static_cast<int32_t>(run), text.str()};
}

static Problem entryProblem(size_t entry, const Twine &text) {
  return {Part::Entry, static_cast<int32_t>(entry), 0, 0, text.str()};
}

/// Adds the extent of `part` to `extent`; false if it does not fit in 63 bits.
static bool addExtent(const StoragePart &part, int64_t &extent) {
  int64_t period = 0, size = 0;
  for (const Run &run : part.runs)
    if (__builtin_add_overflow(period, run.size, &period))
      return false;
  return !__builtin_mul_overflow(period, part.repeat, &size) &&
         !__builtin_add_overflow(extent, size, &extent);
}

std::optional<Problem> checkStorageShape(const StorageShape &shape, DType dtype) {
  size_t numRuns = 0;
  SmallVector<int64_t, 4> extents;
  for (size_t d = 0; d < shape.dims.size(); ++d) {
    llvm::DenseSet<StringRef> names;
    int64_t &extent = extents.emplace_back(0);
    if (shape.dims[d].empty())
      return runProblem(d, 0, 0, "dimension " + Twine(d) + " has no parts");
    for (size_t p = 0; p < shape.dims[d].size(); ++p) {
      const StoragePart &part = shape.dims[d][p];
      if (part.repeat < 1)
        return runProblem(d, p, 0, "a group repeats at least once, got " + Twine(part.repeat));
      if (part.runs.size() > 1 && part.repeat > kMaxIntervals)
        return runProblem(d, p, 0,
                          "a group repeats at most " + Twine(kMaxIntervals) + " times, got " +
                              Twine(part.repeat));
      for (size_t r = 0; r < part.runs.size(); ++r) {
        const Run &run = part.runs[r];
        if (run.size < 0)
          return runProblem(d, p, r, "a run of " + Twine(run.size) + " indices");
        if (!run.name.empty() && !names.insert(run.name).second)
          return runProblem(d, p, r,
                            "dimension " + Twine(d) + " has two runs called '" + run.name + "'");
        if (++numRuns > kMaxRuns)
          return runProblem(d, p, r, "a storage has at most " + Twine(kMaxRuns) + " runs");
      }
      if (!addExtent(part, extent))
        return runProblem(d, p, 0,
                          "dimension " + Twine(d) + " has more than 9223372036854775807 indices");
    }
  }
  if (auto wrong = checkShape(extents, dtype))
    return runProblem(wrong->index, 0, 0, wrong->text);
  return std::nullopt;
}

static std::string runText(const Run &run) {
  return run.name.empty() ? "the run" : "run '" + run.name.str() + "'";
}

/// Verifies one entry but for which indices the others hold.
static std::optional<Problem> checkEntry(const ViewEntry &entry, size_t number,
                                         const StorageDim &dim, ArrayRef<int64_t> indices,
                                         bool isTarget) {
  if (entry.at.part < 0 || entry.at.part >= static_cast<int32_t>(dim.size()) || entry.at.run < 0 ||
      entry.at.run >= static_cast<int32_t>(dim[entry.at.part].runs.size()))
    return entryProblem(number, "dimension " + Twine(number) + " of the storage has no such run");
  const StoragePart &part = dim[entry.at.part];
  const Run &run = part.runs[entry.at.run];
  if (run.kind != Run::Kind::Data)
    return entryProblem(number, "a tensor cannot lie in padding");
  int64_t extent = run.size * part.repeat;
  if (entry.factors.empty()) {
    if (entry.fixed < 0 || entry.fixed >= extent)
      return entryProblem(number, "index " + Twine(entry.fixed) + " is out of range, " +
                                      runText(run) + " has " + Twine(extent) + " indices");
    return std::nullopt;
  }
  int64_t size = 1;
  for (const ViewFactor &factor : entry.factors) {
    if (factor.index < 0 || factor.index >= static_cast<int32_t>(indices.size()))
      return entryProblem(number, "the tensor has no index d" + Twine(factor.index) + ", it has " +
                                      Twine(indices.size()));
    int64_t whole = indices[factor.index];
    if (factor.begin < 0 || factor.end < factor.begin || factor.end > whole)
      return entryProblem(number, "slice [" + Twine(factor.begin) + ":" + Twine(factor.end) +
                                      "] is outside d" + Twine(factor.index) + ", which has " +
                                      Twine(whole) + " indices");
    if (!isTarget && factor.size() != whole)
      return entryProblem(number, "a source holds all of d" + Twine(factor.index) + ", " +
                                      Twine(whole) + " indices, got a slice of " +
                                      Twine(factor.size()));
    size *= factor.size(); // at most the tensor's elements
  }
  if (entry.table.empty()) {
    if (size != extent)
      return entryProblem(number, "the entry has " + Twine(size) + " indices, but " + runText(run) +
                                      " has " + Twine(extent));
    return std::nullopt;
  }
  if (entry.factors.size() != 1 || entry.factors[0].size() != indices[entry.factors[0].index])
    return entryProblem(number, "a table maps one index, whole");
  if (static_cast<int64_t>(entry.table.size()) != extent)
    return entryProblem(number, "the table has " + Twine(entry.table.size()) + " slots, but " +
                                    runText(run) + " has " + Twine(extent));
  llvm::DenseSet<uint64_t> seen; // unsigned: no index is a key that marks a slot
  for (int64_t index : entry.table) {
    if (index < 0 || index >= size)
      return entryProblem(number, "the table names index " + Twine(index) + ", but d" +
                                      Twine(entry.factors[0].index) + " has " + Twine(size) +
                                      " indices");
    if (!seen.insert(static_cast<uint64_t>(index)).second && !isTarget)
      return entryProblem(number, "the table of a source names index " + Twine(index) + " twice");
  }
  if (!isTarget && static_cast<int64_t>(seen.size()) != size)
    return entryProblem(number, "the table of a source names " + Twine(seen.size()) + " of " +
                                    Twine(size) + " indices");
  return std::nullopt;
}

std::optional<Problem> checkView(const View &view, const StorageShape &shape,
                                 ArrayRef<int64_t> indices, bool isTarget) {
  if (view.entries.size() != shape.dims.size())
    return Problem{Part::Whole, 0, 0, 0,
                   ("the view has " + Twine(view.entries.size()) +
                    (view.entries.size() == 1 ? " entry" : " entries") + ", but the storage has " +
                    Twine(shape.dims.size()) + " dimensions")
                       .str()};
  SmallVector<bool, 4> isHeld(indices.size(), false);
  std::optional<size_t> tableEntry;
  for (size_t e = 0; e < view.entries.size(); ++e) {
    const ViewEntry &entry = view.entries[e];
    if (auto wrong = checkEntry(entry, e, shape.dims[e], indices, isTarget))
      return wrong;
    if (!entry.table.empty() && tableEntry)
      return entryProblem(e, "a view has one table at most");
    if (!entry.table.empty())
      tableEntry = e;
    for (const ViewFactor &factor : entry.factors) {
      if (isHeld[factor.index])
        return entryProblem(e, "d" + Twine(factor.index) + " is in the view twice");
      isHeld[factor.index] = true;
    }
  }
  if (tableEntry) {
    auto slots = static_cast<int64_t>(view.entries[*tableEntry].table.size());
    if (int64_t copies = numOccurrences(view); slots * copies > kMaxTableCopies)
      return entryProblem(*tableEntry, "a table of " + Twine(slots) + " slots names an index " +
                                           Twine(copies) +
                                           " times, expected a product of at most " +
                                           Twine(kMaxTableCopies));
  }
  for (size_t i = 0; i < indices.size(); ++i)
    if (!isHeld[i])
      return Problem{Part::Whole, 0, 0, 0, ("d" + Twine(i) + " is not in the view").str()};
  return std::nullopt;
}

std::optional<Problem> checkFlattening(const View &view, const StorageShape &shape,
                                       const Layout &layout) {
  int64_t blocks = 1;
  size_t firstPart = 0;
  for (size_t d = 0; d < view.entries.size(); firstPart += shape.dims[d++].size()) {
    const ViewEntry &entry = view.entries[d];
    auto numFactors = static_cast<int64_t>(entry.factors.size());
    if (numFactors < 2)
      continue;
    const StoragePart &part = shape.dims[d][entry.at.part];
    int64_t stretches = maxIntervals(layout.dims[firstPart + entry.at.part], part.extent());
    if (part.runs.size() > 1)
      stretches += part.repeat; // both far below 2^62
    if (__builtin_mul_overflow(blocks, stretches, &blocks) ||
        __builtin_mul_overflow(blocks, 2 * numFactors - 1, &blocks) || blocks > kMaxBlocks)
      return entryProblem(d, "the flattening is cut into more than " + Twine(kMaxBlocks) +
                                 " products of intervals");
  }
  return std::nullopt;
}

namespace {

/// The data runs of a dimension, one after the other: a space in which what a view takes is one
/// interval.
class RunSpace {
public:
  explicit RunSpace(const StorageDim &dim) {
    for (size_t p = 0; p < dim.size(); ++p)
      for (size_t r = 0; r < dim[p].runs.size(); ++r) {
        const Run &run = dim[p].runs[r];
        if (run.kind != Run::Kind::Data)
          continue;
        RunRef at{static_cast<int32_t>(p), static_cast<int32_t>(r)};
        places.push_back({at, run.name, extent, run.size * dim[p].repeat});
        extent += places.back().size;
      }
  }

  TileSpan span(const ViewEntry &entry) const {
    const Place *place = llvm::lower_bound(
        places, entry.at, [](const Place &before, const RunRef &at) { return before.at < at; });
    if (place == places.end() || place->at != entry.at)
      return {};
    return entry.factors.empty() ? TileSpan{place->begin + entry.fixed, 1, 1, 1}
                                 : TileSpan{place->begin, place->size, place->size, 1};
  }
  std::string toString(int64_t index) const {
    for (const Place &place : places)
      if (index < place.begin + place.size)
        return (place.name.empty() ? "" : place.name.str() + " ") +
               std::to_string(index - place.begin);
    return "";
  }
  int64_t extent = 0;

private:
  struct Place {
    RunRef at;
    StringRef name;
    int64_t begin, size;
  };
  SmallVector<Place, 2> places;
};
} // namespace

std::optional<ViewsFault> checkViews(ArrayRef<const View *> views, const StorageShape &shape,
                                     bool isTarget) {
  SmallVector<RunSpace, 3> spaces;
  SmallVector<int64_t, 3> extents;
  for (const StorageDim &dim : shape.dims)
    extents.push_back(spaces.emplace_back(dim).extent);
  std::vector<Tile> tiles;
  for (const View *view : views) {
    Tile &tile = tiles.emplace_back();
    for (size_t d = 0; d < spaces.size(); ++d) {
      TileSpan span = spaces[d].span(view->entries[d]);
      tile.emplace_back();
      if (span.run)
        tile.back().push_back(span);
    }
  }
  std::optional<TilingFault> fault =
      checkTiling(extents, tiles, isTarget ? Holes::Forbidden : Holes::Allowed);
  if (!fault)
    return std::nullopt;
  ViewsFault result;
  if (fault->tiles.size() > 1) {
    result.other = static_cast<int32_t>(std::min(fault->tiles[0], fault->tiles[1]));
    result.view = static_cast<int32_t>(std::max(fault->tiles[0], fault->tiles[1]));
  }
  result.element = "[";
  for (size_t d = 0; d < spaces.size(); ++d)
    result.element += (d ? ", " : "") + spaces[d].toString(fault->index[d]);
  result.element += "]";
  return result;
}

int32_t numOccurrences(const View &view) {
  int32_t most = 1;
  for (const ViewEntry &entry : view.entries) {
    llvm::DenseMap<uint64_t, int32_t> counts;
    for (int64_t index : entry.table)
      most = std::max(most, ++counts[static_cast<uint64_t>(index)]);
  }
  return most;
}

} // namespace xfer
