//===- VerifyOperations.cpp - What lowered operations must satisfy --------===//
//
// Entry point: verifyModule. What concerns a region or a rank list alone is in
// OperandFacts.h; what is left for an operation is a few comparisons. Whether
// bytes arrive where they should is verify-plan's question.
//===----------------------------------------------------------------------===//
#include "OperandFacts.h"
#include "xfer/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

class OperationVerifier {
public:
  OperationVerifier(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics), facts(module) {}

  LogicalResult run();

private:
  LogicalResult error(SMLoc loc, const Twine &text) { return diagnostics.error(loc, text); }

  LogicalResult verifyTensorUse(SMLoc loc, TensorId tensor, int32_t target, RegionId region);
  LogicalResult verifyRanks(SMLoc loc, RankListId id, StringRef what);
  LogicalResult verifyEndpoints(SMLoc loc, const Endpoints &ends);
  template <typename Operation> LogicalResult verifyOperands(const Operation &operation);
  LogicalResult verifyChosen(SMLoc loc, const Endpoints &ends);
  LogicalResult verifyType(SMLoc loc, const Endpoints &ends, RouteType type);
  LogicalResult verifyRoute(const Route &route);
  LogicalResult verifyChunk(const Chunk &chunk);
  LogicalResult verifyProgram(const Program &program);
  LogicalResult notePlace(SMLoc loc, StringRef what, int64_t number, const Program &program);
  LogicalResult verifyNesting(const Program &program);
  LogicalResult verifyProgramChunk(const ProgramChunk &chunk);
  LogicalResult verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id);
  LogicalResult verifyBucket(const Program &program, const Bucket &bucket);
  LogicalResult verifyReduction(const Program &program, const Bucket &bucket);
  LogicalResult verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk, int64_t &end);

  const Module &module;
  Diagnostics &diagnostics;
  OperandFacts facts;
};
} // namespace

/// Verifies:
/// - the tensor and its target exist, if it has any, and the region lies inside it.
LogicalResult OperationVerifier::verifyTensorUse(SMLoc loc, TensorId id, int32_t target,
                                                 RegionId regionId) {
  if (id < 0 || id >= static_cast<int32_t>(module.tensors.size()))
    return error(loc, "operation without a tensor");
  if (regionId < 0 || regionId >= module.numRegions())
    return error(loc, "operation without a region");
  const Tensor &tensor = module.tensors[id];
  const Region &region = module.region(regionId);
  if (target < 0 || target >= std::max<int32_t>(1, static_cast<int32_t>(tensor.targets.size())))
    return error(loc, "'@" + tensor.name + "' has no target " + Twine(target));
  if (const char *wrong = facts.ofRegion(regionId).wrong)
    return error(loc, "region " + Twine(wrong));
  if (region.dims.size() != tensor.shape.size())
    return error(loc, "region has " + Twine(region.dims.size()) + " dimensions, but '@" +
                          tensor.name + "' has " + Twine(tensor.shape.size()));
  for (size_t i = 0; i < region.dims.size(); ++i)
    for (const Segment &segment : region.dims[i])
      if (segment.last() > tensor.shape[i])
        return error(loc, "region ends at " + Twine(segment.last()) + " in dimension " + Twine(i) +
                              ", but '@" + tensor.name + "' has extent " + Twine(tensor.shape[i]));
  return success();
}

LogicalResult OperationVerifier::verifyRanks(SMLoc loc, RankListId id, StringRef what) {
  if (id < 0 || id >= module.numRankLists())
    return error(loc, "operation without " + what);
  if (const char *wrong = facts.ofRankList(id).wrong)
    return error(loc, what + " " + wrong);
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
  if (!module.contains(ends.sources, ends.sender))
    return error(loc, "sender " + Twine(ends.sender) + " is not one of the contributors");
  return success();
}

/// Verifies, beyond what holds for tensor, region and ends alone:
/// - the destinations are ranks of the mesh that the target lies on, if the tensor has any. Which
///   target it is, the text says by what the first destination holds.
template <typename Operation>
LogicalResult OperationVerifier::verifyOperands(const Operation &operation) {
  if (failed(verifyTensorUse(operation.loc, operation.tensor, operation.targetIndex,
                             operation.region)) ||
      failed(verifyEndpoints(operation.loc, operation.ends)))
    return failure();
  const Tensor &tensor = module.tensors[operation.tensor];
  if (tensor.targets.empty())
    return success();
  int32_t mesh = module.layout(tensor.targets[operation.targetIndex].layout).mesh;
  if (auto rank = facts.findOutside(mesh, operation.ends.destinations))
    return error(operation.loc, "destination " + Twine(*rank) + " is not a rank of '@" +
                                    module.meshes[mesh].name + "', the mesh of the target of '@" +
                                    tensor.name + "'");
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
  if (failed(verifyOperands(route)))
    return failure();
  return verifyType(route.loc, route.ends, route.type);
}

/// Verifies, beyond what holds for a route:
/// - the sender is chosen, the region strided.
LogicalResult OperationVerifier::verifyChunk(const Chunk &chunk) {
  if (failed(verifyOperands(chunk)) || failed(verifyChosen(chunk.loc, chunk.ends)) ||
      failed(verifyType(chunk.loc, chunk.ends, chunk.type)))
    return failure();
  if (!module.region(chunk.region).isStrided())
    return error(chunk.loc, "a chunk's region has one segment in each dimension");
  return success();
}

/// Verifies:
/// - the local region is well-formed and has as many elements as the global one.
LogicalResult OperationVerifier::verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id) {
  if (id == kNone)
    return success();
  if (id < 0 || id >= module.numStridedRegions())
    return error(chunk.loc, "chunk without its local region");
  const OperandFacts::Facts &local = facts.ofStridedRegion(id);
  if (local.wrong)
    return error(chunk.loc, "local region " + Twine(local.wrong));
  if (int64_t elements = facts.ofRegion(chunk.region).elements; local.elements != elements)
    return error(chunk.loc, "local region has " + Twine(local.elements) +
                                " elements, but the chunk has " + Twine(elements));
  return success();
}

/// Verifies, beyond what holds for a chunk:
/// - it has a transport and at least one role;
/// - each local region matches the global one.
LogicalResult OperationVerifier::verifyProgramChunk(const ProgramChunk &chunk) {
  if (failed(verifyOperands(chunk)) || failed(verifyChosen(chunk.loc, chunk.ends)))
    return failure();
  if (!module.region(chunk.region).isStrided())
    return error(chunk.loc, "a chunk's region has one segment in each dimension");
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
/// - it begins where the chunk before it ends, at byte `end`; its own end replaces that.
LogicalResult OperationVerifier::verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk,
                                                   int64_t &end) {
  if (chunk.ends != bucket.ends || chunk.transport != bucket.transport)
    return error(chunk.loc, "a chunk has the endpoints and the transport of its bucket");
  int64_t width = byteWidth(module.tensors[chunk.tensor].dtype), before = end;
  if (chunk.offset < 0 || chunk.offset % width)
    return error(chunk.loc, "offset " + Twine(chunk.offset) + " is not a multiple of " +
                                Twine(width) + ", the width of an element");
  if (__builtin_mul_overflow(facts.ofRegion(chunk.region).elements, width, &end) ||
      __builtin_add_overflow(end, chunk.offset, &end) || end > bucket.bytes)
    return error(chunk.loc, "chunk ends at byte " + Twine(end) + ", but the bucket has " +
                                Twine(bucket.bytes));
  if (chunk.offset < before || chunk.offset - before >= width)
    return error(chunk.loc, "chunk begins at byte " + Twine(chunk.offset) +
                                ", expected the first multiple of " + Twine(width) + " from byte " +
                                Twine(before) + " on");
  return success();
}

/// Verifies that the sources of what several ranks contribute are partial, all by one reduction:
/// the text says it once.
LogicalResult OperationVerifier::verifyReduction(const Program &program, const Bucket &bucket) {
  if (!bucket.ends.isReduce())
    return success();
  ArrayRef<ProgramChunk> chunks =
      ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks);
  ReduceOp first = module.reductionOf(module.tensors[chunks.front().tensor]);
  for (const ProgramChunk &chunk : chunks) {
    const Tensor &tensor = module.tensors[chunk.tensor];
    ReduceOp op = module.reductionOf(tensor);
    if (op == ReduceOp::None)
      return error(chunk.loc, "several ranks contribute to '@" + tensor.name +
                                  "', whose source is not partial");
    if (op != first)
      return error(chunk.loc, "'@" + tensor.name + "' is reduced by '" + spelling(op) +
                                  "', expected '" + spelling(first) + "' as the chunks before it");
  }
  return success();
}

/// Verifies:
/// - its number is not negative;
/// - each of its chunks is right, and the last ends where it does;
/// - its roles are the union of theirs.
LogicalResult OperationVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  if (bucket.ordinal < 0)
    return error(bucket.loc, "bucket has the negative number " + Twine(bucket.ordinal));
  Roles roles;
  int64_t end = 0;
  for (const ProgramChunk &chunk :
       ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks)) {
    if (failed(verifyBucketChunk(bucket, chunk, end)))
      return failure();
    roles.source |= chunk.roles().source;
    roles.target |= chunk.roles().target;
  }
  if (failed(verifyReduction(program, bucket)))
    return failure();
  if (end != bucket.bytes)
    return error(bucket.loc, "bucket has " + Twine(bucket.bytes) +
                                 " bytes, but its chunks end at byte " + Twine(end));
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
  if (!facts.isKnownRank(program.rank))
    return error(program.loc, "no mesh has rank " + Twine(program.rank));
  if (failed(verifyNesting(program)))
    return failure();
  for (const ProgramChunk &chunk : program.chunks)
    if (failed(verifyProgramChunk(chunk)))
      return notePlace(chunk.loc, "chunk", &chunk - program.chunks.data(), program);
  for (const Bucket &bucket : program.buckets)
    if (failed(verifyBucket(program, bucket)))
      return notePlace(bucket.loc, "bucket", &bucket - program.buckets.data(), program);
  return success();
}

/// Says in words where an operation stands that came from a plan file and has no line. Fails.
LogicalResult OperationVerifier::notePlace(SMLoc loc, StringRef what, int64_t number,
                                           const Program &program) {
  if (!loc.isValid())
    diagnostics.note(loc, "in " + what + " " + Twine(number) + " of the program of rank " +
                              Twine(program.rank));
  return failure();
}

LogicalResult OperationVerifier::run() {
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
