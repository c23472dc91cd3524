//===- SplitRoles.cpp - Make each rank's program --------------------------===//
//
// Writes, for every rank, its part in every chunk: the loop nest it reads if it
// is the sender or a contributor, the loop nest it writes if it is a
// destination, both if it is both. A contributor that neither ships nor
// receives has transport none.
//
//   chunk @w [0:4] 0 -> [4] transport p2p
//     =>  program rank 0 { chunk @w [0:4] 0 -> [4] transport p2p source ... }
//         program rank 4 { chunk @w [0:4] 0 -> [4] transport p2p target ... }
//
// Cost: one record per rank of a chunk; a loop nest is found once per (layout,
// cell, region).
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/LocalRegions.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class SplitRoles final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Statistic numPrograms{*this, "num-programs", "programs written"};
  Statistic numSources{*this, "num-sources", "chunks with the source role alone"};
  Statistic numTargets{*this, "num-targets", "chunks with the target role alone"};
  Statistic numBoth{*this, "num-both", "chunks with both roles"};
};

/// One run over a module.
class RoleSplitter {
public:
  RoleSplitter(Module &module, PassContext &context)
      : module(module), context(context), ownerships(module), locals(module, ownerships) {}

  LogicalResult split() {
    createPrograms();
    for (const Chunk &chunk : module.chunks)
      if (failed(check(chunk)) || failed(split(chunk)))
        return failure();
    return success();
  }

  struct {
    int64_t sources = 0, targets = 0, both = 0;
  } counts;

private:
  void createPrograms();
  LogicalResult check(const Chunk &chunk);
  LogicalResult split(const Chunk &chunk);
  LogicalResult splitFor(const Chunk &chunk, int64_t rank, bool sends, bool receives);

  Module &module;
  PassContext &context;
  OwnershipCache ownerships;
  LocalRegions locals;
  RankMap<size_t> programOfRank;
};

void RoleSplitter::createPrograms() {
  for (int64_t rank : ranksOf(module)) {
    if (context.rank && rank != *context.rank)
      continue;
    programOfRank[rank] = module.programs.size();
    module.programs.emplace_back().rank = rank;
  }
}

LogicalResult RoleSplitter::check(const Chunk &chunk) {
  if (chunk.transport == Transport::Unassigned || !chunk.ends.isChosen())
    return context.diagnostics.error(chunk.loc,
                                     "chunk of '@" + module.tensors[chunk.tensor].name +
                                         "' has no transport: run 'assign-transport' first");
  return success();
}

LogicalResult RoleSplitter::split(const Chunk &chunk) {
  if (context.rank)
    return splitFor(chunk, *context.rank, module.contains(chunk.ends.sources, *context.rank),
                    module.contains(chunk.ends.destinations, *context.rank));
  for (int64_t rank : module.rankList(chunk.ends.sources))
    if (failed(splitFor(chunk, rank, true, module.contains(chunk.ends.destinations, rank))))
      return failure();
  for (int64_t rank : module.rankList(chunk.ends.destinations))
    if (!module.contains(chunk.ends.sources, rank) && failed(splitFor(chunk, rank, false, true)))
      return failure();
  return success();
}

LogicalResult RoleSplitter::splitFor(const Chunk &chunk, int64_t rank, bool sends, bool receives) {
  if (!sends && !receives)
    return success();
  ProgramChunk part;
  part.tensor = chunk.tensor;
  part.targetIndex = chunk.targetIndex;
  part.region = chunk.region;
  part.ends = chunk.ends;
  part.transport = chunk.transport;
  part.loc = chunk.loc;
  if (sends)
    part.source = locals.source(chunk.tensor, rank, chunk.region);
  if (receives)
    part.target = locals.target(chunk.tensor, chunk.targetIndex, rank, chunk.region);
  auto program = programOfRank.find(rank);
  if ((sends && part.source == kNone) || (receives && part.target == kNone) ||
      program == programOfRank.end())
    return context.diagnostics.error(chunk.loc, locals.explain(chunk.tensor, rank, chunk.region));
  if (sends && !receives && rank != chunk.ends.sender)
    part.transport = Transport::None;
  counts.both += sends && receives;
  counts.sources += sends && !receives;
  counts.targets += receives && !sends;
  module.programs[program->second].chunks.push_back(part);
  return success();
}

PassResult SplitRoles::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Chunks, context)) ||
      failed(expectBothSides(module, context.diagnostics)))
    return PassResult::Failed;
  RoleSplitter splitter(module, context);
  if (failed(splitter.split()))
    return PassResult::Failed;
  numPrograms += static_cast<int64_t>(module.programs.size());
  numSources += splitter.counts.sources;
  numTargets += splitter.counts.targets;
  numBoth += splitter.counts.both;
  module.chunks.clear();
  module.level = Level::Programs;
  return PassResult::Changed;
}

} // namespace

std::unique_ptr<Pass> createSplitRolesPass() { return std::make_unique<SplitRoles>(); }

} // namespace xfer
