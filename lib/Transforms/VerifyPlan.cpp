//===- VerifyPlan.cpp - Prove a plan --------------------------------------===//
//
// Recomputes ownership from the declarations and walks the programs; changes
// nothing. Shares with routing only the layout algebra.
//
// Verifies:
// - every read and write is where the rank holds the region it names;
// - every element of every target is written exactly once;
// - the sender and the contributors of a bucket hold what they send, every contributor of a
//   partial source is there once and in mesh order;
// - every bucket is on exactly the ranks of its endpoints, in the same window, with equal bytes
//   and equal chunks in equal order (for the whole job; one rank's program sees only itself).
//
// Cost: a hash per chunk; what is checked in depth is checked once per distinct
// (layout, cell, list of regions).
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Analysis/Tiling.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"
#include "llvm/Support/xxhash.h"
#include <numeric>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::Twine;

namespace xfer {
namespace {

class VerifyPlan final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Statistic numChunks{*this, "num-chunks", "chunks checked"};
  Statistic numTargets{*this, "num-targets", "target tensors found covered"};
  Statistic numTilings{*this, "num-tilings", "distinct coverings worked out"};
};

class PlanVerifier {
public:
  PlanVerifier(Module &module, PassContext &context)
      : module(module), diagnostics(context.diagnostics), wholeJob(!context.rank),
        onlyRank(context.rank.value_or(0)), ownerships(module), locals(module, ownerships) {}

  LogicalResult verify();
  int64_t numChunks = 0, numTargets = 0;
  int64_t numTilings() const { return coverings.size(); }

private:
  LogicalResult verifyRanks();
  LogicalResult verifyProgram(const Program &program);
  LogicalResult verifyBucket(const Program &program, const Bucket &bucket);
  LogicalResult verifyChunk(const Program &program, const Bucket &bucket,
                            const ProgramChunk &chunk);
  LogicalResult verifyEndpoints(const Bucket &bucket, const ProgramChunk &chunk);
  LogicalResult verifyCoverage(const Program &program);
  LogicalResult verifyCovering(const Program &program, TensorId tensor,
                               ArrayRef<const ProgramChunk *> writes);
  LogicalResult meet(const Program &program, const Window &window, const Bucket &bucket);
  LogicalResult verifyMeetings();

  Module &module;
  Diagnostics &diagnostics;
  bool wholeJob;
  int64_t onlyRank;
  OwnershipCache ownerships;
  LocalRegions locals;
  SequenceInterner coverings;

  /// A bucket as its first rank described it, and how many ranks have.
  struct Meeting {
    const Bucket *bucket = nullptr;
    int64_t rank = 0, window = 0, expected = 0, seen = 0;
    uint64_t content = 0;
  };
  SequenceInterner bucketIds;
  std::vector<Meeting> meetings; ///< by bucket id
};

LogicalResult PlanVerifier::verify() {
  if (failed(verifyRanks()))
    return failure();
  for (const Program &program : module.programs)
    if (failed(verifyProgram(program)) || failed(verifyCoverage(program)))
      return failure();
  return wholeJob ? verifyMeetings() : success();
}

/// Verifies:
/// - every tensor has both sides;
/// - every rank of the job, or the one compiled alone, has a program.
LogicalResult PlanVerifier::verifyRanks() {
  if (failed(expectBothSides(module, diagnostics)))
    return failure();
  size_t at = 0;
  for (int64_t rank : ranksOf(module)) {
    if (!wholeJob && rank != onlyRank)
      continue;
    while (at < module.programs.size() && module.programs[at].rank < rank)
      ++at;
    if (at == module.programs.size() || module.programs[at].rank != rank)
      return diagnostics.error({}, "rank " + Twine(rank) +
                                       " has no program: a program that was compiled alone is "
                                       "verified with '--rank'");
  }
  return success();
}

LogicalResult PlanVerifier::verifyProgram(const Program &program) {
  if (!program.chunks.empty() && program.windows.empty())
    return diagnostics.error(program.loc, "program of rank " + Twine(program.rank) +
                                              " has no windows: run 'schedule-windows' first");
  for (const Window &window : program.windows)
    for (int32_t i = 0; i < window.numBuckets; ++i) {
      const Bucket &bucket = program.buckets[window.firstBucket + i];
      if (failed(verifyBucket(program, bucket)) || failed(meet(program, window, bucket)))
        return failure();
    }
  return success();
}

/// Verifies:
/// - the rank is one of the bucket's;
/// - its roles are those of its place among them;
/// - its transport is `local` exactly if the sender is the only destination.
LogicalResult PlanVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  ArrayRef<int64_t> sources = module.rankList(bucket.ends.sources);
  ArrayRef<int64_t> destinations = module.rankList(bucket.ends.destinations);
  bool sends = llvm::is_contained(sources, program.rank);
  bool receives = llvm::is_contained(destinations, program.rank);
  std::string place =
      "bucket " + std::to_string(bucket.ordinal) + " on rank " + std::to_string(program.rank) + " ";
  if (!sends && !receives)
    return diagnostics.error(bucket.loc, place + "is between other ranks");
  for (int32_t i = 0; i < bucket.numChunks; ++i) {
    const ProgramChunk &chunk = program.chunks[bucket.firstChunk + i];
    if (chunk.roles().source != sends)
      return diagnostics.error(chunk.loc, place + (sends ? "must" : "must not") +
                                              " read its source of '@" +
                                              module.tensors[chunk.tensor].name + "'");
    if (chunk.roles().target != receives)
      return diagnostics.error(chunk.loc, place + (receives ? "must" : "must not") +
                                              " write its target of '@" +
                                              module.tensors[chunk.tensor].name + "'");
    if (failed(verifyChunk(program, bucket, chunk)))
      return failure();
  }
  bool toItself = llvm::is_contained(destinations, bucket.ends.sender);
  bool contributesOnly = bucket.ends.isReduce() && program.rank != bucket.ends.sender && !receives;
  Transport transport = bucket.transport;
  bool fits = contributesOnly                 ? transport == Transport::None
              : transport == Transport::Local ? toItself && destinations.size() == 1
                                              : transport != Transport::None && !toItself;
  if (!fits)
    return diagnostics.error(bucket.loc, place + "has transport '" + spelling(transport) +
                                             "', which does not fit " + Twine(bucket.ends.sender) +
                                             " -> " + toString(destinations));
  return success();
}

LogicalResult PlanVerifier::verifyChunk(const Program &program, const Bucket &bucket,
                                        const ProgramChunk &chunk) {
  ++numChunks;
  if (chunk.source != kNone &&
      chunk.source != locals.source(chunk.tensor, program.rank, chunk.region))
    return diagnostics.error(chunk.loc, "rank " + Twine(program.rank) + " does not hold " +
                                            toString(module, chunk.region) + " of '@" +
                                            module.tensors[chunk.tensor].name + "' where it reads");
  if (chunk.target != kNone &&
      chunk.target != locals.target(chunk.tensor, program.rank, chunk.region))
    return diagnostics.error(chunk.loc, "rank " + Twine(program.rank) + " does not hold " +
                                            toString(module, chunk.region) + " of '@" +
                                            module.tensors[chunk.tensor].name +
                                            "' where it writes");
  return verifyEndpoints(bucket, chunk);
}

/// Verifies:
/// - the sender is a contributor;
/// - the contributors are those of one replica of the source, in mesh order.
LogicalResult PlanVerifier::verifyEndpoints(const Bucket &bucket, const ProgramChunk &chunk) {
  ArrayRef<int64_t> sources = module.rankList(bucket.ends.sources);
  const Tensor &tensor = module.tensors[chunk.tensor];
  const Ownership &ownership = ownerships.get(tensor.source->layout, tensor.shape);
  auto groupSize = static_cast<size_t>(ownership.groupSize());
  int64_t cell = ownerships.cell(ownership, sources.front());
  bool known =
      cell >= 0 && sources.size() == groupSize && llvm::is_contained(sources, bucket.ends.sender);
  if (known && groupSize > 1) {
    SmallVector<int64_t, 64> holders;
    ownership.appendHolders(cell, holders);
    known = false;
    for (ArrayRef<int64_t> rest = holders; !rest.empty(); rest = rest.drop_front(groupSize))
      known |= rest.take_front(groupSize) == sources;
  }
  if (!known)
    return diagnostics.error(chunk.loc, toString(sources) + " via " + Twine(bucket.ends.sender) +
                                            " are not the contributors of one replica of '@" +
                                            tensor.name + "'");
  if (locals.source(chunk.tensor, bucket.ends.sender, chunk.region) == kNone)
    return diagnostics.error(chunk.loc,
                             locals.explain(chunk.tensor, bucket.ends.sender, chunk.region));
  return success();
}

/// Collects the writes of each target of the rank, which must tile it.
LogicalResult PlanVerifier::verifyCoverage(const Program &program) {
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
    if (locals.targetOf(tensor, program.rank) >= 0 && failed(verifyCovering(program, tensor, own)))
      return failure();
  }
  return success();
}

LogicalResult PlanVerifier::verifyCovering(const Program &program, TensorId tensor,
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

/// Compares the bucket with what the ranks before said of it.
LogicalResult PlanVerifier::meet(const Program &program, const Window &window,
                                 const Bucket &bucket) {
  // Contributors of a local reduction meet the rank that folds.
  bool isAlone = bucket.transport == Transport::Local && !bucket.ends.isReduce();
  int32_t id = bucketIds.intern({bucket.ends.sources, bucket.ends.sender, bucket.ends.destinations,
                                 bucket.ordinal, bucket.transport == Transport::Broadcast});
  if (id == static_cast<int32_t>(meetings.size()))
    meetings.emplace_back();
  std::vector<int64_t> chunks;
  chunks.reserve(3 * bucket.numChunks);
  for (int32_t i = 0; i < bucket.numChunks; ++i) {
    const ProgramChunk &chunk = program.chunks[bucket.firstChunk + i];
    chunks.insert(chunks.end(), {chunk.tensor, chunk.region, chunk.offset});
  }
  uint64_t content = llvm::xxh3_64bits(
      llvm::ArrayRef(reinterpret_cast<const uint8_t *>(chunks.data()), chunks.size() * 8));
  Meeting &meeting = meetings[id];
  if (!meeting.bucket) {
    SmallVector<int64_t, 16> ranks(module.rankList(bucket.ends.sources));
    for (int64_t rank : module.rankList(bucket.ends.destinations))
      if (!llvm::is_contained(module.rankList(bucket.ends.sources), rank))
        ranks.push_back(rank);
    meeting = {&bucket, program.rank, window.index, static_cast<int64_t>(ranks.size()), 1, content};
    return success();
  }
  ++meeting.seen;
  if (meeting.window == window.index && meeting.bucket->bytes == bucket.bytes &&
      meeting.content == content && !isAlone && meeting.rank != program.rank)
    return success();
  std::string what = meeting.rank == program.rank            ? "stands twice"
                     : meeting.window != window.index        ? "is in another window"
                     : meeting.bucket->bytes != bucket.bytes ? "has other bytes"
                                                             : "has other chunks";
  (void)diagnostics.error(bucket.loc, "bucket " + Twine(bucket.ordinal) + " on rank " +
                                          Twine(program.rank) + " " + what + " than on rank " +
                                          Twine(meeting.rank));
  diagnostics.note(meeting.bucket->loc, "compared with this one");
  return failure();
}

LogicalResult PlanVerifier::verifyMeetings() {
  for (const Meeting &meeting : meetings)
    if (meeting.seen != meeting.expected)
      return diagnostics.error(meeting.bucket->loc,
                               "bucket " + Twine(meeting.bucket->ordinal) + " from rank " +
                                   Twine(meeting.bucket->ends.sender) + " is on " +
                                   Twine(meeting.seen) + " ranks, expected " +
                                   Twine(meeting.expected));
  return success();
}

PassResult VerifyPlan::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Programs, context.diagnostics)))
    return PassResult::Failed;
  PlanVerifier verifier(module, context);
  if (failed(verifier.verify()))
    return PassResult::Failed;
  numChunks += verifier.numChunks;
  numTargets += verifier.numTargets;
  numTilings += verifier.numTilings();
  return PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createVerifyPlanPass() { return std::make_unique<VerifyPlan>(); }

} // namespace xfer
