//===- VerifyPlan.cpp - Prove a plan --------------------------------------===//
//
// Recomputes ownership from the declarations and walks the programs; changes
// nothing. Shares with routing only the layout algebra.
//
// Verifies:
// - every read and write is where the rank holds the region it names;
// - every element of every target is written exactly once (PlanCoverage);
// - the sender and the contributors of a bucket hold what they send, every contributor of a
//   partial source is there once and in mesh order;
// - every bucket is on exactly the ranks of its endpoints, in the same window, with equal bytes
//   and equal chunks in equal order (PlanAgreement; for the whole job, one rank's program sees only
//   itself);
// - windows hold at most one message per ordered pair of ranks and communicator, nothing that
//   depends on a neighbour, in one order, and stay within their limits (PlanWindows).
//
// Cost: a hash per chunk; what is checked in depth is checked once per distinct
// (layout, cell, list of regions).
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Analysis/PlanAgreement.h"
#include "xfer/Analysis/PlanCoverage.h"
#include "xfer/Analysis/PlanWindows.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::Twine;

namespace xfer {
namespace {

class VerifyPlan final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Option<int64_t> stagingBytes{*this, "staging-bytes",
                               "most staging of one rank, for two windows in flight; 0: any", 0};
  Option<int64_t> maxOperations{*this, "max-operations",
                                "most messages of one rank in a window; 0: any", 4096};
  Statistic numChunks{*this, "num-chunks", "chunks checked"};
  Statistic numTargets{*this, "num-targets", "target tensors found covered"};
  Statistic numTilings{*this, "num-tilings", "distinct coverings worked out"};
};

class PlanVerifier {
public:
  PlanVerifier(Module &module, PassContext &context, WindowLimits limits)
      : module(module), diagnostics(context.diagnostics), wholeJob(!context.rank),
        onlyRank(context.rank.value_or(0)), ownerships(module), locals(module, ownerships),
        coverage(module, ownerships, diagnostics), agreement(module, diagnostics),
        windows(module, limits, diagnostics) {}

  LogicalResult verify();
  int64_t numChunks = 0;
  int64_t numTargets() const { return coverage.numTargets; }
  int64_t numTilings() const { return coverage.numTilings(); }

private:
  LogicalResult verifyRanks();
  LogicalResult verifyProgram(const Program &program);
  LogicalResult verifyBucket(const Program &program, const Bucket &bucket);
  LogicalResult verifyChunk(const Program &program, const Bucket &bucket,
                            const ProgramChunk &chunk);
  LogicalResult verifyEndpoints(const Bucket &bucket, const ProgramChunk &chunk);
  bool isReplica(const Ownership &ownership, ArrayRef<int64_t> ranks);

  Module &module;
  Diagnostics &diagnostics;
  bool wholeJob;
  int64_t onlyRank;
  OwnershipCache ownerships;
  LocalRegions locals;
  SequenceInterner groups;   ///< ownership, contributors
  std::vector<bool> isGroup; ///< by group: contributors of one replica
  PlanCoverage coverage;
  PlanAgreement agreement;
  PlanWindows windows;
};

LogicalResult PlanVerifier::verify() {
  if (failed(verifyRanks()))
    return failure();
  for (const Program &program : module.programs)
    if (failed(verifyProgram(program)) || failed(coverage.check(program)) ||
        failed(windows.check(program)))
      return failure();
  return wholeJob ? agreement.finish() : success();
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
    for (const Bucket &bucket : program.bucketsOf(window))
      if (failed(verifyBucket(program, bucket)) || failed(agreement.meet(program, window, bucket)))
        return failure();
  return success();
}

/// Verifies:
/// - the rank is one of the bucket's;
/// - its roles are those of its place among them;
/// - its transport is `local` exactly if the sender is the only destination.
LogicalResult PlanVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  ArrayRef<int64_t> destinations = module.rankList(bucket.ends.destinations);
  bool sends = module.contains(bucket.ends.sources, program.rank);
  bool receives = module.contains(bucket.ends.destinations, program.rank);
  auto place = [&] { // only on the way to an error
    return "bucket " + std::to_string(bucket.ordinal) + " on rank " + std::to_string(program.rank) +
           " ";
  };
  if (!sends && !receives)
    return diagnostics.error(bucket.loc, place() + "is between other ranks");
  for (const ProgramChunk &chunk : program.chunksOf(bucket)) {
    if (chunk.roles().source != sends)
      return diagnostics.error(chunk.loc, place() + (sends ? "must" : "must not") +
                                              " read its source of '@" +
                                              module.tensors[chunk.tensor].name + "'");
    if (chunk.roles().target != receives)
      return diagnostics.error(chunk.loc, place() + (receives ? "must" : "must not") +
                                              " write its target of '@" +
                                              module.tensors[chunk.tensor].name + "'");
    if (failed(verifyChunk(program, bucket, chunk)))
      return failure();
  }
  bool toItself = module.contains(bucket.ends.destinations, bucket.ends.sender);
  bool contributesOnly = bucket.ends.isReduce() && program.rank != bucket.ends.sender && !receives;
  Transport transport = bucket.transport;
  bool fits = contributesOnly                 ? transport == Transport::None
              : transport == Transport::Local ? toItself && destinations.size() == 1
                                              : transport != Transport::None && !toItself;
  if (!fits)
    return diagnostics.error(bucket.loc, place() + "has transport '" + spelling(transport) +
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
      chunk.target != locals.target(chunk.tensor, chunk.targetIndex, program.rank, chunk.region))
    return diagnostics.error(chunk.loc, "rank " + Twine(program.rank) + " does not hold " +
                                            toString(module, chunk.region) + " of '@" +
                                            module.tensors[chunk.tensor].name +
                                            "' where it writes");
  return verifyEndpoints(bucket, chunk);
}

/// Verifies:
/// - the sender is a contributor;
/// - the contributors are those of one replica of the source, in mesh order;
/// - they own the region.
LogicalResult PlanVerifier::verifyEndpoints(const Bucket &bucket, const ProgramChunk &chunk) {
  const Tensor &tensor = module.tensors[chunk.tensor];
  int32_t ownership = ownerships.id(tensor, *tensor.source);
  int32_t group = groups.intern({ownership, bucket.ends.sources});
  if (group == static_cast<int32_t>(isGroup.size()))
    isGroup.push_back(isReplica(ownerships[ownership], module.rankList(bucket.ends.sources)));
  if (!isGroup[group] || !module.contains(bucket.ends.sources, bucket.ends.sender))
    return diagnostics.error(chunk.loc, toString(module.rankList(bucket.ends.sources)) + " via " +
                                            Twine(bucket.ends.sender) +
                                            " are not the contributors of one replica of '@" +
                                            tensor.name + "'");
  if (locals.source(chunk.tensor, bucket.ends.sender, chunk.region) == kNone)
    return diagnostics.error(chunk.loc,
                             locals.explain(chunk.tensor, bucket.ends.sender, chunk.region));
  return success();
}

/// True if `ranks` are the contributors of one replica of a cell, in mesh order.
bool PlanVerifier::isReplica(const Ownership &ownership, ArrayRef<int64_t> ranks) {
  auto groupSize = static_cast<size_t>(ownership.groupSize());
  int64_t cell = ownerships.cell(ownership, ranks.front());
  if (cell < 0 || ranks.size() != groupSize)
    return false;
  if (groupSize == 1)
    return true;
  SmallVector<int64_t, 64> holders;
  ownership.appendHolders(cell, holders);
  for (ArrayRef<int64_t> rest = holders; !rest.empty(); rest = rest.drop_front(groupSize))
    if (rest.take_front(groupSize) == ranks)
      return true;
  return false;
}

PassResult VerifyPlan::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Programs, context)))
    return PassResult::Failed;
  PlanVerifier verifier(module, context, {stagingBytes, maxOperations});
  if (failed(verifier.verify()))
    return PassResult::Failed;
  numChunks += verifier.numChunks;
  numTargets += verifier.numTargets();
  numTilings += verifier.numTilings();
  return PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createVerifyPlanPass() { return std::make_unique<VerifyPlan>(); }

} // namespace xfer
