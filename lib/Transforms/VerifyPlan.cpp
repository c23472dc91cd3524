//===- VerifyPlan.cpp - Prove a plan --------------------------------------===//
//
// Recomputes ownership from the declarations and walks the programs; changes
// nothing. Shares with routing only the layout algebra; docs/Proof.md says with
// which passes the rest.
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
// Cost: a hash per chunk and role; what is checked in depth is checked once per distinct
// (layout, cell, list of regions). In a whole job a bucket's sender answers for what its ranks must
// agree on.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Analysis/PlanAgreement.h"
#include "xfer/Analysis/PlanCoverage.h"
#include "xfer/Analysis/PlanPlaces.h"
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
                                "most messages of one rank in a window; 0: 4096 or twice the ranks",
                                0};
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
  LogicalResult verifyTransport(const Program &program, const Bucket &bucket, bool receives);
  LogicalResult verifyRoles(const Program &program, const ProgramChunk &chunk, Roles expected);
  LogicalResult verifyRegions(const Program &program, const ProgramChunk &chunk);
  LogicalResult reportPlace(const Program &program, const ProgramChunk &chunk, StridedRegionId held,
                            bool reads);
  LogicalResult verifyEndpoints(const Program &program, const Bucket &bucket,
                                const ProgramChunk &chunk);
  bool isGroup(int32_t ownership, RankListId contributors);
  bool isReplica(const Ownership &ownership, ArrayRef<int64_t> ranks);

  Module &module;
  Diagnostics &diagnostics;
  bool wholeJob;
  int64_t onlyRank;
  OwnershipCache ownerships;
  LocalRegions locals;
  llvm::DenseMap<std::pair<int32_t, RankListId>, bool> groups; ///< by ownership and contributors
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
    if (at == module.programs.size() || module.programs[at].rank != rank) {
      auto mesh = llvm::find_if(
          module.meshes, [&](const Mesh &each) { return llvm::is_contained(each.ranks, rank); });
      return diagnostics.error(mesh->loc, "rank " + Twine(rank) + " of mesh '@" + mesh->name +
                                              "' has no program, not even an empty one: a program "
                                              "that was compiled alone is verified with '--rank'");
    }
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
/// - what its place among them asks of its chunks (verifyRoles);
/// - they lie where they say (verifyRegions);
/// - they may come from the bucket's contributors (verifyEndpoints);
/// - the transport is that of its place (verifyTransport).
LogicalResult PlanVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  Roles expected = {module.contains(bucket.ends.sources, program.rank),
                    module.contains(bucket.ends.destinations, program.rank)};
  if (!expected.source && !expected.target)
    return diagnostics.error(bucket.loc,
                             describe(module, program, bucket) + " is between other ranks");
  // The sender is a contributor, says verifyModule, and is there, says PlanAgreement.
  bool answers = !wholeJob || program.rank == bucket.ends.sender;
  for (const ProgramChunk &chunk : program.chunksOf(bucket))
    if (failed(verifyRoles(program, chunk, expected)) || failed(verifyRegions(program, chunk)) ||
        (answers && failed(verifyEndpoints(program, bucket, chunk))))
      return failure();
  return verifyTransport(program, bucket, expected.target);
}

/// Verifies that the transport is `none` exactly if the rank contributes alone, and `local` exactly
/// if the sender is the only destination.
LogicalResult PlanVerifier::verifyTransport(const Program &program, const Bucket &bucket,
                                            bool receives) {
  bool toItself = module.contains(bucket.ends.destinations, bucket.ends.sender);
  bool contributesOnly = bucket.ends.isReduce() && program.rank != bucket.ends.sender && !receives;
  bool isAlone = module.rankList(bucket.ends.destinations).size() == 1;
  Transport transport = bucket.transport;
  bool fits = contributesOnly                 ? transport == Transport::None
              : transport == Transport::Local ? toItself && isAlone
                                              : transport != Transport::None && !toItself;
  if (!fits)
    return diagnostics.error(bucket.loc, describe(module, program, bucket) +
                                             " has a transport that does not fit its ranks");
  return success();
}

/// Verifies that a chunk reads and writes as the rank's place in the bucket asks.
LogicalResult PlanVerifier::verifyRoles(const Program &program, const ProgramChunk &chunk,
                                        Roles expected) {
  Roles roles = chunk.roles();
  if (roles == expected)
    return success();
  bool isSource = roles.source != expected.source;
  return diagnostics.error(
      chunk.loc, "rank " + Twine(program.rank) +
                     ((isSource ? expected.source : expected.target) ? " must " : " must not ") +
                     (isSource ? "read its source: " : "write its target: ") +
                     describe(module, program, chunk));
}

/// Verifies that a chunk reads and writes where the rank holds its region.
LogicalResult PlanVerifier::verifyRegions(const Program &program, const ProgramChunk &chunk) {
  ++numChunks;
  if (chunk.source != kNone) {
    StridedRegionId held = locals.source(chunk.tensor, program.rank, chunk.region);
    if (chunk.source != held)
      return reportPlace(program, chunk, held, /*reads=*/true);
  }
  if (chunk.target != kNone) {
    StridedRegionId held =
        locals.target(chunk.tensor, chunk.targetIndex, program.rank, chunk.region);
    if (chunk.target != held)
      return reportPlace(program, chunk, held, /*reads=*/false);
  }
  return success();
}

/// Reports a chunk that reads or writes elsewhere than at `held`, where the rank has its region.
LogicalResult PlanVerifier::reportPlace(const Program &program, const ProgramChunk &chunk,
                                        StridedRegionId held, bool reads) {
  std::string rank = "rank " + std::to_string(program.rank);
  std::string place = describe(module, program, chunk);
  if (held == kNone)
    return diagnostics.error(chunk.loc, rank + " does not hold what it " +
                                            (reads ? "reads: " : "writes: ") + place);
  return diagnostics.error(chunk.loc,
                           rank + (reads ? " reads at " : " writes at ") +
                               describe(module.stridedRegion(reads ? chunk.source : chunk.target)) +
                               ", expected " + describe(module.stridedRegion(held)) + ": " + place);
}

/// Verifies:
/// - the contributors are those of one replica of the source, in mesh order;
/// - the sender holds the region, if its own program is not there to say so.
LogicalResult PlanVerifier::verifyEndpoints(const Program &program, const Bucket &bucket,
                                            const ProgramChunk &chunk) {
  const Endpoints &ends = bucket.ends;
  if (!isGroup(locals.sourceOwnership(chunk.tensor), ends.sources))
    return diagnostics.error(chunk.loc, ranksToString(module.rankList(ends.sources)) +
                                            " are not the contributors of one replica: " +
                                            describe(module, program, chunk));
  if (program.rank != ends.sender &&
      locals.source(chunk.tensor, ends.sender, chunk.region) == kNone)
    return diagnostics.error(
        chunk.loc, "sender " + Twine(ends.sender) +
                       " does not hold what it sends: " + describe(module, program, chunk));
  return success();
}

/// True if the contributors are those of one replica of what `ownership` says, in mesh order.
bool PlanVerifier::isGroup(int32_t ownership, RankListId contributors) {
  auto [entry, isNew] = groups.try_emplace({ownership, contributors}, false);
  if (isNew)
    entry->second = isReplica(ownerships[ownership], module.rankList(contributors));
  return entry->second;
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
  WindowLimits limits = module.promised.with({stagingBytes, maxOperations});
  if (limits.maxOperations == 0)
    limits.maxOperations = defaultMaxOperations(module);
  PlanVerifier verifier(module, context, limits);
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
