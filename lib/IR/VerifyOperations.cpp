//===- VerifyOperations.cpp - What lowered operations must satisfy --------===//
//
// Entry point: verifyModule. Regions and rank lists are shared by many
// operations, so what concerns them alone is asked once for each and
// remembered by id; what is left for an operation is a few comparisons.
// Whether bytes arrive where they should is verify-plan's question.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

/// What is known of a region or a rank list.
struct Facts {
  const char *wrong = nullptr; ///< what is wrong with it, in words
  bool isChecked = false;
  int64_t elements = 0; ///< regions only
};

class OperationVerifier {
public:
  OperationVerifier(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics), regions(module.numRegions()),
        stridedRegions(module.numStridedRegions()), rankLists(module.numRankLists()) {}

  LogicalResult run();

private:
  LogicalResult error(SMLoc loc, const Twine &text) { return diagnostics.error(loc, text); }

  const Facts &factsOf(const Region &region, Facts &facts);
  const Facts &factsOf(const StridedRegion &region, Facts &facts);
  const Facts &factsOfRanks(RankListId id);
  bool isKnownRank(int64_t rank) const;

  LogicalResult verifyTensorUse(SMLoc loc, TensorId tensor, RegionId region);
  LogicalResult verifyRanks(SMLoc loc, RankListId id, StringRef what);
  LogicalResult verifyEndpoints(SMLoc loc, const Endpoints &ends);
  LogicalResult verifyChosen(SMLoc loc, const Endpoints &ends);
  LogicalResult verifyType(SMLoc loc, const Endpoints &ends, RouteType type);
  LogicalResult verifyRoute(const Route &route);
  LogicalResult verifyChunk(const Chunk &chunk);
  LogicalResult verifyProgram(const Program &program);
  LogicalResult verifyNesting(const Program &program);
  LogicalResult verifyProgramChunk(const ProgramChunk &chunk);
  LogicalResult verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id);
  LogicalResult verifyBucket(const Program &program, const Bucket &bucket);
  LogicalResult verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk, int64_t &end);

  const Module &module;
  Diagnostics &diagnostics;
  std::vector<Facts> regions, stridedRegions, rankLists;
  std::vector<int64_t> knownRanks; ///< of all meshes, ascending
};
} // namespace

static bool isCanonical(const Segment &segment) {
  if (segment.begin < 0 || segment.run < 1 || segment.count < 1)
    return false;
  return segment.count == 1 ? segment.stride == segment.run : segment.stride > segment.run;
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
/// - every dimension has segments, each canonical, ascending and disjoint;
/// - the number of elements fits in 63 bits.
const Facts &OperationVerifier::factsOf(const Region &region, Facts &facts) {
  if (facts.isChecked)
    return facts;
  facts.isChecked = true;
  facts.elements = 1;
  for (const DimSegments &dim : region.dims) {
    int64_t extent = 0;
    if (dim.empty())
      facts.wrong = "is empty";
    for (const Segment &segment : dim) {
      if (!isCanonical(segment))
        facts.wrong = "has a segment that is not canonical";
      else if (checkedLast(segment) < 0 ||
               __builtin_add_overflow(extent, segment.size(), &extent))
        facts.wrong = "is too large";
      if (facts.wrong)
        return facts;
    }
    if (!isAscendingAndDisjoint(dim))
      facts.wrong = "has segments that overlap or do not ascend";
    if (facts.wrong)
      return facts;
    if (__builtin_mul_overflow(facts.elements, extent, &facts.elements))
      facts.wrong = "is too large";
  }
  return facts;
}

/// Verifies:
/// - as many strides as sizes, all at least 1, and an offset that is not negative;
/// - the last element's offset and the number of elements fit in 63 bits.
const Facts &OperationVerifier::factsOf(const StridedRegion &region, Facts &facts) {
  if (facts.isChecked)
    return facts;
  facts.isChecked = true;
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
    else if (__builtin_mul_overflow(size - 1, stride, &span) ||
             __builtin_add_overflow(reach, span, &reach) ||
             __builtin_mul_overflow(facts.elements, size, &facts.elements))
      facts.wrong = "is too large";
  }
  return facts;
}

bool OperationVerifier::isKnownRank(int64_t rank) const {
  return std::binary_search(knownRanks.begin(), knownRanks.end(), rank);
}

/// Verifies:
/// - the list is not empty and names every rank once;
/// - every rank is in some mesh.
const Facts &OperationVerifier::factsOfRanks(RankListId id) {
  Facts &facts = rankLists[id];
  if (facts.isChecked)
    return facts;
  facts.isChecked = true;
  ArrayRef<int64_t> ranks = module.rankList(id);
  if (ranks.empty())
    facts.wrong = "are empty";
  std::vector<int64_t> sorted(ranks.begin(), ranks.end());
  llvm::sort(sorted);
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    facts.wrong = "name a rank twice";
  for (int64_t rank : ranks)
    if (!isKnownRank(rank))
      facts.wrong = "name a rank that no mesh has";
  return facts;
}

/// Verifies:
/// - the tensor exists, and the region lies inside it.
LogicalResult OperationVerifier::verifyTensorUse(SMLoc loc, TensorId id, RegionId regionId) {
  if (id < 0 || id >= static_cast<int32_t>(module.tensors.size()))
    return error(loc, "operation without a tensor");
  if (regionId < 0 || regionId >= module.numRegions())
    return error(loc, "operation without a region");
  const Tensor &tensor = module.tensors[id];
  const Region &region = module.region(regionId);
  if (const Facts &facts = factsOf(region, regions[regionId]); facts.wrong)
    return error(loc, "region " + Twine(facts.wrong));
  if (region.dims.size() != tensor.shape.size())
    return error(loc, "region has " + Twine(region.dims.size()) + " dimensions, but '@" +
                          tensor.name + "' has " + Twine(tensor.shape.size()));
  for (size_t i = 0; i < region.dims.size(); ++i)
    for (const Segment &segment : region.dims[i])
      if (segment.last() > tensor.shape[i])
        return error(loc, "region ends at " + Twine(segment.last()) + " in dimension " + Twine(i) +
                              ", but '@" + tensor.name + "' has extent " +
                              Twine(tensor.shape[i]));
  return success();
}

LogicalResult OperationVerifier::verifyRanks(SMLoc loc, RankListId id, StringRef what) {
  if (id < 0 || id >= module.numRankLists())
    return error(loc, "operation without " + what);
  if (const Facts &facts = factsOfRanks(id); facts.wrong)
    return error(loc, what + " " + facts.wrong);
  return success();
}

/// Verifies:
/// - sources and destinations are lists of known ranks, each named once;
/// - the sources are whole groups; one group with the sender in it once that is chosen.
LogicalResult OperationVerifier::verifyEndpoints(SMLoc loc, const Endpoints &ends) {
  if (failed(verifyRanks(loc, ends.sources, "sources")) ||
      failed(verifyRanks(loc, ends.destinations, "destinations")))
    return failure();
  ArrayRef<int64_t> sources = module.rankList(ends.sources);
  int64_t numSources = static_cast<int64_t>(sources.size());
  if (ends.groupSize < 1 || numSources % ends.groupSize)
    return error(loc, Twine(numSources) + " sources are not groups of " + Twine(ends.groupSize));
  if (!ends.isChosen())
    return success();
  if (numSources != ends.groupSize)
    return error(loc, "expected one group of sources with sender " + Twine(ends.sender) + ", got " +
                          Twine(numSources / ends.groupSize));
  if (!llvm::is_contained(sources, ends.sender))
    return error(loc, "sender " + Twine(ends.sender) + " is not one of the contributors");
  return success();
}

LogicalResult OperationVerifier::verifyChosen(SMLoc loc, const Endpoints &ends) {
  if (!ends.isChosen())
    return error(loc, "expected a chosen sender, got candidates");
  return success();
}

/// Verifies:
/// - a typed route has a chosen sender;
/// - the type is the one that its endpoints make it.
LogicalResult OperationVerifier::verifyType(SMLoc loc, const Endpoints &ends, RouteType type) {
  if (type == RouteType::Untyped)
    return success();
  if (failed(verifyChosen(loc, ends)))
    return failure();
  ArrayRef<int64_t> destinations = module.rankList(ends.destinations);
  if (ends.isReduce() != (type == RouteType::Reduce))
    return error(loc, ends.isReduce() ? "several contributors make a route 'reduce'"
                                      : "'reduce' expects several contributors, got 1");
  if (type == RouteType::Reduce)
    return success();
  if ((destinations.size() > 1) != (type == RouteType::Multicast))
    return error(loc, destinations.size() > 1 ? "several destinations make a route 'multicast'"
                                              : "'multicast' expects several destinations, got 1");
  if (type == RouteType::Multicast)
    return success();
  if ((destinations.front() == ends.sender) != (type == RouteType::Local))
    return error(loc, type == RouteType::Local
                          ? "'local' expects the sender as the destination"
                          : "'unicast' expects a destination other than the sender");
  return success();
}

LogicalResult OperationVerifier::verifyRoute(const Route &route) {
  if (failed(verifyTensorUse(route.loc, route.tensor, route.region)) ||
      failed(verifyEndpoints(route.loc, route.ends)))
    return failure();
  return verifyType(route.loc, route.ends, route.type);
}

/// Verifies, beyond what holds for a route:
/// - the sender is chosen, the region strided.
LogicalResult OperationVerifier::verifyChunk(const Chunk &chunk) {
  if (failed(verifyTensorUse(chunk.loc, chunk.tensor, chunk.region)) ||
      failed(verifyEndpoints(chunk.loc, chunk.ends)) ||
      failed(verifyChosen(chunk.loc, chunk.ends)) ||
      failed(verifyType(chunk.loc, chunk.ends, chunk.type)))
    return failure();
  if (!module.region(chunk.region).isStrided())
    return error(chunk.loc, "a chunk's region has one range in each dimension");
  return success();
}

/// Verifies:
/// - the local region is well-formed and has as many elements as the global one.
LogicalResult OperationVerifier::verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id) {
  if (id == kNone)
    return success();
  if (id < 0 || id >= module.numStridedRegions())
    return error(chunk.loc, "chunk without its local region");
  const Facts &facts = factsOf(module.stridedRegion(id), stridedRegions[id]);
  if (facts.wrong)
    return error(chunk.loc, "local region " + Twine(facts.wrong));
  if (int64_t elements = regions[chunk.region].elements; facts.elements != elements)
    return error(chunk.loc, "local region has " + Twine(facts.elements) +
                                " elements, but the chunk has " + Twine(elements));
  return success();
}

/// Verifies, beyond what holds for a chunk:
/// - it has a transport and at least one role;
/// - each local region matches the global one.
LogicalResult OperationVerifier::verifyProgramChunk(const ProgramChunk &chunk) {
  if (failed(verifyTensorUse(chunk.loc, chunk.tensor, chunk.region)) ||
      failed(verifyEndpoints(chunk.loc, chunk.ends)) || failed(verifyChosen(chunk.loc, chunk.ends)))
    return failure();
  if (!module.region(chunk.region).isStrided())
    return error(chunk.loc, "a chunk's region has one range in each dimension");
  if (chunk.transport == Transport::Unassigned)
    return error(chunk.loc, "a chunk of a program has a transport");
  if (chunk.source == kNone && chunk.target == kNone)
    return error(chunk.loc, "a chunk of a program has a role");
  if (failed(verifyLocalRegion(chunk, chunk.source)))
    return failure();
  return verifyLocalRegion(chunk, chunk.target);
}

/// Verifies:
/// - the chunk has its bucket's endpoints and transport;
/// - it lies inside the bucket, at a multiple of its element's width;
/// - it follows the chunk before it, which ends at byte `end`; its own end replaces that.
LogicalResult OperationVerifier::verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk,
                                                   int64_t &end) {
  if (chunk.ends != bucket.ends || chunk.transport != bucket.transport)
    return error(chunk.loc, "a chunk has the endpoints and the transport of its bucket");
  int64_t width = byteWidth(module.tensors[chunk.tensor].dtype), before = end;
  if (chunk.offset < 0 || chunk.offset % width)
    return error(chunk.loc, "offset " + Twine(chunk.offset) + " is not a multiple of " +
                                Twine(width) + ", the width of an element");
  if (__builtin_mul_overflow(regions[chunk.region].elements, width, &end) ||
      __builtin_add_overflow(end, chunk.offset, &end) || end > bucket.bytes)
    return error(chunk.loc, "chunk ends at byte " + Twine(end) + ", but the bucket has " +
                                Twine(bucket.bytes));
  if (chunk.offset < before)
    return error(chunk.loc, "chunk begins at byte " + Twine(chunk.offset) +
                                ", but the chunk before it ends at byte " + Twine(before));
  return success();
}

/// Verifies:
/// - each of its chunks is right;
/// - its roles are the union of theirs.
LogicalResult OperationVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  Roles roles;
  int64_t end = 0;
  for (const ProgramChunk &chunk :
       ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks)) {
    if (failed(verifyBucketChunk(bucket, chunk, end)))
      return failure();
    roles.source |= chunk.roles().source;
    roles.target |= chunk.roles().target;
  }
  if (roles != bucket.roles)
    return error(bucket.loc, "the roles of a bucket are those of its chunks");
  return success();
}

/// Verifies:
/// - windows follow each other, ascending, and hold all buckets;
/// - buckets follow each other and hold all chunks.
LogicalResult OperationVerifier::verifyNesting(const Program &program) {
  int64_t nextBucket = 0, previousIndex = -1;
  for (const Window &window : program.windows) {
    if (window.index <= previousIndex)
      return error(window.loc, "window " + Twine(window.index) + " after window " +
                                   Twine(previousIndex) + ", expected ascending windows");
    if (window.firstBucket != nextBucket || window.numBuckets < 1)
      return error(window.loc, "window without buckets");
    previousIndex = window.index;
    nextBucket += window.numBuckets;
  }
  if (!program.windows.empty() && nextBucket != static_cast<int64_t>(program.buckets.size()))
    return error(program.loc, "a bucket outside every window");
  int64_t nextChunk = 0;
  for (const Bucket &bucket : program.buckets) {
    if (bucket.firstChunk != nextChunk || bucket.numChunks < 1)
      return error(bucket.loc, "bucket without chunks");
    nextChunk += bucket.numChunks;
  }
  if (!program.buckets.empty() && nextChunk != static_cast<int64_t>(program.chunks.size()))
    return error(program.loc, "a chunk outside every bucket");
  return success();
}

LogicalResult OperationVerifier::verifyProgram(const Program &program) {
  if (!isKnownRank(program.rank))
    return error(program.loc, "no mesh has rank " + Twine(program.rank));
  if (failed(verifyNesting(program)))
    return failure();
  for (const ProgramChunk &chunk : program.chunks)
    if (failed(verifyProgramChunk(chunk)))
      return failure();
  for (const Bucket &bucket : program.buckets)
    if (failed(verifyBucket(program, bucket)))
      return failure();
  return success();
}

LogicalResult OperationVerifier::run() {
  for (const Mesh &mesh : module.meshes)
    knownRanks.insert(knownRanks.end(), mesh.ranks.begin(), mesh.ranks.end());
  llvm::sort(knownRanks);
  LogicalResult result = success();
  auto verifyAll = [&](const auto &operations, auto verify) {
    for (const auto &operation : operations)
      if (failed((this->*verify)(operation)))
        result = failure();
  };
  if (module.level == Level::Routes)
    verifyAll(module.routes, &OperationVerifier::verifyRoute);
  if (module.level == Level::Chunks)
    verifyAll(module.chunks, &OperationVerifier::verifyChunk);
  if (module.level != Level::Programs)
    return result;
  for (size_t i = 1; i < module.programs.size(); ++i)
    if (module.programs[i].rank <= module.programs[i - 1].rank) {
      (void)error(module.programs[i].loc,
                  "rank " + Twine(module.programs[i].rank) + " has two programs");
      diagnostics.note(module.programs[i - 1].loc, "the other one is here");
      return failure();
    }
  verifyAll(module.programs, &OperationVerifier::verifyProgram);
  return result;
}

LogicalResult verifyModule(const Module &module, Diagnostics &diagnostics) {
  if (failed(verifyDeclarations(module, diagnostics)))
    return failure();
  return OperationVerifier(module, diagnostics).run();
}

} // namespace xfer
