//===- AssignTransport.cpp - Choose how bytes cross ranks -----------------===//
//
//   chunk @w [0:4] 0 -> [4] : unicast         =>  ... transport p2p
//   chunk @w [0:4] 0 -> [4, 5] : multicast    =>  ... transport p2p or broadcast
//   chunk @w [0:4] 0 -> [0] : local           =>  ... transport local
//   chunk @g [0:4] {0, 2} sum via 0 -> [4] : reduce  =>  ... transport p2p
//
// Cost: p2p sends the chunk once per destination; a broadcast over a ring sends
// it once, at the price of a communicator of its own and n-1 hops of latency,
// so only large chunks with many destinations are worth it. When senders are
// as many as receivers, fan-out already runs at the receivers' line rate.
//===----------------------------------------------------------------------===//
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class AssignTransport final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Transport choose(const Chunk &chunk, const Module &module) const;

  Option<int64_t> minDestinations{*this, "broadcast-min-destinations",
                                  "broadcast to at least this many ranks; 0: never", 8};
  Option<int64_t> minBytes{*this, "broadcast-min-bytes", "broadcast chunks of at least this size",
                           int64_t(1) << 20};
  Statistic numP2P{*this, "num-p2p", "chunks sent point to point"};
  Statistic numBroadcast{*this, "num-broadcast", "chunks broadcast"};
  Statistic numLocal{*this, "num-local", "chunks that stay on their rank"};
};

Transport AssignTransport::choose(const Chunk &chunk, const Module &module) const {
  llvm::ArrayRef<int64_t> destinations = module.rankList(chunk.ends.destinations);
  if (destinations.size() == 1 && destinations.front() == chunk.ends.sender)
    return Transport::Local;
  if (chunk.type != RouteType::Multicast || minDestinations == 0)
    return Transport::P2P;
  int64_t bytes =
      module.region(chunk.region).numElements() * byteWidth(module.tensors[chunk.tensor].dtype);
  auto remote = static_cast<int64_t>(destinations.size()) -
                module.contains(chunk.ends.destinations, chunk.ends.sender);
  return remote >= minDestinations && bytes >= minBytes ? Transport::Broadcast : Transport::P2P;
}

PassResult AssignTransport::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Chunks, context)))
    return PassResult::Failed;
  bool changed = false;
  for (Chunk &chunk : module.chunks) {
    if (chunk.transport == Transport::Unassigned) {
      if (chunk.type == RouteType::Untyped) {
        (void)context.diagnostics.error(
            chunk.loc, "chunk of '@" + module.tensors[chunk.tensor].name + "' has no type");
        return PassResult::Failed;
      }
      chunk.transport = choose(chunk, module);
      changed = true;
    }
    numP2P += chunk.transport == Transport::P2P;
    numBroadcast += chunk.transport == Transport::Broadcast;
    numLocal += chunk.transport == Transport::Local;
  }
  return changed ? PassResult::Changed : PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createAssignTransportPass() { return std::make_unique<AssignTransport>(); }

} // namespace xfer
