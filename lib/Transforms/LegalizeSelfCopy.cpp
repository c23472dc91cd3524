//===- LegalizeSelfCopy.cpp - Keep copies to oneself off the wire ---------===//
//
// A destination on its own sender becomes a local chunk with both roles; the
// remote remainder stays, without it.
//
//   program rank 0 { chunk @w [0:4] 0 -> [0, 4] transport p2p source ... target ... }
//   program rank 4 { chunk @w [0:4] 0 -> [0, 4] transport p2p target ... }
//     =>  program rank 0 { chunk @w [0:4] 0 -> [0] transport local source ... target ...
//                          chunk @w [0:4] 0 -> [4] transport p2p source ... }
//         program rank 4 { chunk @w [0:4] 0 -> [4] transport p2p target ... }
//
// Each rank sees the sender and all destinations, so every rank rewrites its own
// program and all agree. A reduction with a remote remainder is reduced for each
// of the two. Cost: one chunk more on the sender, one message less.
//===----------------------------------------------------------------------===//
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"
#include "llvm/ADT/DenseMap.h"

using llvm::ArrayRef;

namespace xfer {
namespace {

class LegalizeSelfCopy final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  void rewrite(const ProgramChunk &chunk, int64_t rank, Module &module,
               std::vector<ProgramChunk> &out);
  RankListId without(RankListId list, int64_t rank, Module &module);
  /// without() of a list and a rank: every destination asks the same.
  llvm::DenseMap<std::pair<RankListId, int64_t>, RankListId> known;
  Statistic numLegalized{*this, "num-legalized", "self-copies made local"};
};

bool isSelfCopyOnWire(const ProgramChunk &chunk, const Module &module) {
  ArrayRef<int64_t> destinations = module.rankList(chunk.ends.destinations);
  bool isLocal = destinations.size() == 1 && destinations.front() == chunk.ends.sender;
  if (isLocal)
    return chunk.transport == Transport::P2P || chunk.transport == Transport::Broadcast;
  return module.contains(chunk.ends.destinations, chunk.ends.sender);
}

/// The list but for `rank`; kNone if nothing is left.
RankListId LegalizeSelfCopy::without(RankListId list, int64_t rank, Module &module) {
  auto [entry, isNew] = known.try_emplace({list, rank}, kNone);
  if (!isNew)
    return entry->second;
  llvm::SmallVector<int64_t, 16> others(module.rankList(list));
  llvm::erase(others, rank);
  if (!others.empty())
    entry->second = module.internRanks(others);
  return entry->second;
}

void LegalizeSelfCopy::rewrite(const ProgramChunk &chunk, int64_t rank, Module &module,
                               std::vector<ProgramChunk> &out) {
  // The sender's own copy; the other contributors of a reduction take part in it too.
  if (chunk.source != kNone) {
    ProgramChunk local = chunk;
    local.ends.destinations = module.internRanks({chunk.ends.sender});
    local.transport = rank == chunk.ends.sender ? Transport::Local : Transport::None;
    if (rank != chunk.ends.sender)
      local.target = kNone;
    out.push_back(local);
    numLegalized += rank == chunk.ends.sender;
  }
  RankListId others = without(chunk.ends.destinations, chunk.ends.sender, module);
  if (others == kNone)
    return;
  ProgramChunk remote = chunk;
  remote.ends.destinations = others;
  if (rank == chunk.ends.sender)
    remote.target = kNone;
  out.push_back(remote);
}

PassResult LegalizeSelfCopy::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Programs, context)))
    return PassResult::Failed;
  bool changed = false;
  known.clear();
  for (Program &program : module.programs) {
    if (!program.buckets.empty())
      continue; // form-buckets has accepted its chunks
    auto needs = [&](const ProgramChunk &chunk) { return isSelfCopyOnWire(chunk, module); };
    if (llvm::none_of(program.chunks, needs))
      continue;
    std::vector<ProgramChunk> rewritten;
    rewritten.reserve(program.chunks.size());
    for (const ProgramChunk &chunk : program.chunks)
      if (needs(chunk))
        rewrite(chunk, program.rank, module, rewritten);
      else
        rewritten.push_back(chunk);
    program.chunks = std::move(rewritten);
    changed = true;
  }
  return changed ? PassResult::Changed : PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createLegalizeSelfCopyPass() { return std::make_unique<LegalizeSelfCopy>(); }

} // namespace xfer
