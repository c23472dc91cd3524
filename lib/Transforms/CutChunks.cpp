//===- CutChunks.cpp - Turn routes into chunks ----------------------------===//
//
// Writes each route as chunks of at most max-bytes, each one loop nest in both
// local tensors. Cuts the outermost loop that must be cut, into pieces of
// nearly equal size, so that inner runs stay as long as they can.
//
//   route @w [{0:2, 5:6}, 0:4] 0 -> [4] : unicast
//     =>  chunk @w [0:2, 0:4] 0 -> [4] : unicast
//         chunk @w [5:6, 0:4] 0 -> [4] : unicast
//
// For a reduction the bytes are those that its sender must hold: every
// contribution and the result. Cost: same bytes, ceil(bytes / max-bytes) chunks
// per segment; equal regions are cut once.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Buffers.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

using llvm::SmallVector;

namespace xfer {
namespace {

class CutChunks final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  LogicalResult checkCount(const Route &route, const Tensor &tensor, int64_t numChunks,
                           PassContext &context);
  Option<int64_t> maxBytes{*this, "max-bytes", "largest chunk, in bytes of its buffer",
                           int64_t(4) << 20, 1};
  Statistic numChunks{*this, "num-chunks", "chunks written"};
  Statistic numCut{*this, "num-cut", "routes that became several chunks"};
};

/// A region of this many chunks is refused: it would exhaust memory long before it is useful.
constexpr int64_t kMaxChunksPerRegion = int64_t(1) << 22;

/// Cuts one product of segments into pieces of at most `maxElements`.
class RegionCutter {
public:
  RegionCutter(Module &module, int64_t maxElements, std::vector<RegionId> &out)
      : module(module), maxElements(maxElements), out(out) {}

  /// `region` is strided. Appends its pieces in order.
  void cut(const Region &region) {
    int64_t inner = 1;
    for (size_t d = region.dims.size(); d-- > 0;) {
      const Segment &segment = region.dims[d].front();
      if (segment.run > maxElements / inner)
        return cutAt(region, d, /*runs=*/true, maxElements / inner);
      inner *= segment.run;
      if (segment.count > maxElements / inner)
        return cutAt(region, d, /*runs=*/false, maxElements / inner);
      inner *= segment.count;
    }
    out.push_back(module.intern(region));
  }

private:
  /// Cuts loop (dim, runs or counts) into blocks of at most `most`, every loop outside it into
  /// single steps.
  void cutAt(const Region &region, size_t dim, bool runs, int64_t most) {
    if (stepOuter(region, dim, runs, most))
      return;
    Region piece = region;
    Segment segment = region.dims[dim].front();
    if (runs && segment.count > 1) {
      for (int64_t i = 0; i < segment.count; ++i) {
        int64_t begin = segment.begin + i * segment.stride;
        piece.dims[dim] = {Segment::interval(begin, begin + segment.run)};
        cutAt(piece, dim, runs, most);
      }
      return;
    }
    int64_t size = runs ? segment.run : segment.count;
    int64_t pieces = size / most + (size % most != 0);
    int64_t block = size / pieces + (size % pieces != 0);
    for (int64_t at = 0; at < size; at += block) {
      int64_t length = std::min(block, size - at);
      int64_t begin = segment.begin + at * (runs ? 1 : segment.stride);
      if (runs || length == 1)
        piece.dims[dim] = {Segment::interval(begin, begin + (runs ? length : segment.run))};
      else
        piece.dims[dim] = {Segment{begin, segment.run, segment.stride, length}};
      out.push_back(module.intern(piece));
    }
  }

  /// Splits the outermost dimension of more than one index into single indices. False if none.
  bool stepOuter(const Region &region, size_t dim, bool runs, int64_t most) {
    for (size_t d = 0; d < dim; ++d) {
      const Segment &segment = region.dims[d].front();
      if (segment.size() == 1)
        continue;
      Region piece = region;
      for (int64_t i = 0; i < segment.count; ++i)
        for (int64_t j = 0; j < segment.run; ++j) {
          int64_t at = segment.begin + i * segment.stride + j;
          piece.dims[d] = {Segment::interval(at, at + 1)};
          cutAt(piece, dim, runs, most);
        }
      return true;
    }
    return false;
  }

  Module &module;
  int64_t maxElements;
  std::vector<RegionId> &out;
};

/// Combinations of one segment per dimension, as far as they are at most kMaxChunksPerRegion.
int64_t numCombinations(const Region &region) {
  int64_t combinations = 1;
  for (const DimSegments &dim : region.dims)
    combinations = std::min(combinations * static_cast<int64_t>(dim.size()),
                            kMaxChunksPerRegion + 1); // no overflow: dim.size() is below 2^31
  return combinations;
}

/// Cuts every combination of one segment per dimension.
void cutRegion(Module &module, const Region &region, int64_t maxElements,
               std::vector<RegionId> &out) {
  RegionCutter cutter(module, maxElements, out);
  SmallVector<size_t, 4> at(region.dims.size(), 0);
  for (int64_t i = 0, end = numCombinations(region); i < end; ++i) {
    Region single;
    for (size_t d = 0; d < region.dims.size(); ++d)
      single.dims.push_back({region.dims[d][at[d]]});
    cutter.cut(single);
    for (size_t d = region.dims.size(); d-- > 0 && ++at[d] == region.dims[d].size();)
      at[d] = 0;
  }
}

/// Verifies that a route does not become too many chunks.
LogicalResult CutChunks::checkCount(const Route &route, const Tensor &tensor, int64_t numChunks,
                                    PassContext &context) {
  if (numChunks <= kMaxChunksPerRegion)
    return success();
  return context.diagnostics.error(
      route.loc, "max-bytes=" + llvm::Twine(maxBytes.get()) + " cuts '@" + tensor.name +
                     "' into at least " + llvm::Twine(numChunks) + " chunks, expected at most " +
                     llvm::Twine(kMaxChunksPerRegion));
}

PassResult CutChunks::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Routes, context)))
    return PassResult::Failed;
  // What each (region, elements per chunk) is cut into: a range of `pieces`.
  struct Range {
    size_t begin = 0, end = 0;
  };
  SequenceInterner cuts;
  std::vector<Range> ranges;
  std::vector<RegionId> pieces;
  for (const Route &route : module.routes) {
    if (route.type == RouteType::Untyped) {
      (void)context.diagnostics.error(route.loc, "route of '@" + module.tensors[route.tensor].name +
                                                     "' has no type: run 'type-routes' first");
      return PassResult::Failed;
    }
    const Tensor &tensor = module.tensors[route.tensor];
    int64_t maxElements =
        std::max<int64_t>(1, maxBytes / bufferBytesPerElement(tensor, route.ends));
    const Region &region = module.region(route.region);
    maxElements = std::min(maxElements, region.numElements());
    if (failed(checkCount(route, tensor, region.numElements() / maxElements, context)) ||
        failed(checkCount(route, tensor, numCombinations(region), context)))
      return PassResult::Failed;
    int32_t known = cuts.intern({route.region, maxElements});
    if (known == static_cast<int32_t>(ranges.size())) {
      size_t begin = pieces.size();
      cutRegion(module, region, maxElements, pieces);
      ranges.push_back({begin, pieces.size()});
    }
    Range range = ranges[known];
    for (size_t i = range.begin; i < range.end; ++i)
      module.chunks.push_back({route.tensor, route.targetIndex, pieces[i], route.ends, route.type,
                               Transport::Unassigned, route.loc});
    numCut += range.end - range.begin > 1;
  }
  numChunks += static_cast<int64_t>(module.chunks.size());
  module.routes.clear();
  module.level = Level::Chunks;
  return PassResult::Changed;
}

} // namespace

std::unique_ptr<Pass> createCutChunksPass() { return std::make_unique<CutChunks>(); }

} // namespace xfer
