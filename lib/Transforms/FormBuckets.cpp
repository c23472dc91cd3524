//===- FormBuckets.cpp - Group chunks by transport key --------------------===//
//
// Puts chunks that cross between the same ranks in the same way into one buffer,
// in order, up to max-bytes.
//
//   chunk @a [0:4] 0 -> [4] transport p2p source ...
//   chunk @b [0:4] 0 -> [4] transport p2p source ...
//     =>  bucket 0 p2p 0 -> [4] roles(source) bytes 32 {
//           chunk @a [0:4] source ... at 0
//           chunk @b [0:4] source ... at 16
//         }
//
// The key is transport, sender, destinations, reduction signature (contributors,
// operator, element type) and the width of the wire's element, so that a local
// chunk never shares a buffer with a broadcast and every offset is aligned. All
// ranks of a key see the same chunks in the same order, hence form the same
// buckets. Cost: one message per bucket instead of one per chunk.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Buffers.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class FormBuckets final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Option<int64_t> maxBytes{*this, "max-bytes",
                           "largest buffer of a bucket; a larger chunk is a bucket of its own",
                           int64_t(4) << 20, 1};
  Statistic numBuckets{*this, "num-buckets", "buckets formed"};
  Statistic numBundled{*this, "num-bundled", "chunks that joined an earlier one"};
};

/// A bucket that may still grow.
struct OpenBucket {
  int32_t bucket = kNone;
  int64_t bufferBytes = 0;
};

class BucketFormer {
public:
  BucketFormer(const Module &module, Program &program, int64_t maxBytes)
      : module(module), program(program), maxBytes(maxBytes) {}

  void form() {
    std::vector<int32_t> bucketOfChunk;
    bucketOfChunk.reserve(program.chunks.size());
    for (ProgramChunk &chunk : program.chunks)
      bucketOfChunk.push_back(place(chunk));
    gather(bucketOfChunk);
  }

private:
  int32_t place(ProgramChunk &chunk);
  void gather(const std::vector<int32_t> &bucketOfChunk);

  const Module &module;
  Program &program;
  int64_t maxBytes;
  SequenceInterner keys, endpoints;
  std::vector<OpenBucket> open;     ///< by key
  std::vector<int64_t> nextOrdinal; ///< by endpoints
};

/// Finds or opens the chunk's bucket and gives the chunk its offset.
int32_t BucketFormer::place(ProgramChunk &chunk) {
  const Tensor &tensor = module.tensors[chunk.tensor];
  const Endpoints &ends = chunk.ends;
  int64_t elements = module.region(chunk.region).numElements();
  int64_t width = byteWidth(tensor.dtype);
  int64_t buffer = multiplySaturating(elements, bufferBytesPerElement(tensor, ends));
  // A reduction is told apart by its endpoints: its contributors do not see its transport.
  auto transport = static_cast<int64_t>(ends.isReduce() ? Transport::None : chunk.transport);
  int64_t reduction = 0, reductionType = 0;
  if (ends.isReduce()) {
    reduction = static_cast<int64_t>(module.reductionOf(tensor));
    reductionType = static_cast<int64_t>(tensor.source->dtype);
  }
  int32_t key = keys.intern(
      {transport, ends.sources, ends.sender, ends.destinations, reduction, reductionType, width});
  if (key == static_cast<int32_t>(open.size()))
    open.emplace_back();
  OpenBucket &current = open[key];
  if (current.bucket == kNone || current.bufferBytes > maxBytes - std::min(buffer, maxBytes)) {
    int32_t lane = endpoints.intern({transport, ends.sources, ends.sender, ends.destinations});
    if (lane == static_cast<int32_t>(nextOrdinal.size()))
      nextOrdinal.push_back(0);
    Bucket bucket;
    bucket.ordinal = nextOrdinal[lane]++;
    bucket.ends = ends;
    bucket.transport = chunk.transport;
    bucket.loc = chunk.loc;
    current = {static_cast<int32_t>(program.buckets.size()), 0};
    program.buckets.push_back(bucket);
  }
  Bucket &bucket = program.buckets[current.bucket];
  chunk.offset = bucket.bytes;
  bucket.bytes += elements * width;
  bucket.roles.source |= chunk.source != kNone;
  bucket.roles.target |= chunk.target != kNone;
  ++bucket.numChunks;
  current.bufferBytes = addSaturating(current.bufferBytes, buffer);
  return current.bucket;
}

/// Brings the chunks of each bucket together, in order.
void BucketFormer::gather(const std::vector<int32_t> &bucketOfChunk) {
  int32_t next = 0;
  for (Bucket &bucket : program.buckets) {
    bucket.firstChunk = next;
    next += bucket.numChunks;
  }
  std::vector<int32_t> at(program.buckets.size(), 0);
  std::vector<ProgramChunk> ordered(program.chunks.size());
  for (size_t i = 0; i < bucketOfChunk.size(); ++i) {
    int32_t bucket = bucketOfChunk[i];
    ordered[program.buckets[bucket].firstChunk + at[bucket]++] = program.chunks[i];
  }
  program.chunks = std::move(ordered);
}

/// Verifies that every chunk can cross: a transport that fits its destinations.
LogicalResult checkChunks(const Module &module, const Program &program, Diagnostics &diagnostics) {
  for (const ProgramChunk &chunk : program.chunks) {
    llvm::ArrayRef<int64_t> destinations = module.rankList(chunk.ends.destinations);
    bool toItself = module.contains(chunk.ends.destinations, chunk.ends.sender);
    if (chunk.transport == Transport::Local && (!toItself || destinations.size() > 1))
      return diagnostics.error(chunk.loc, "local chunk of '@" + module.tensors[chunk.tensor].name +
                                              "' has a destination on another rank");
    bool onWire = chunk.transport == Transport::P2P || chunk.transport == Transport::Broadcast;
    if (onWire && toItself)
      return diagnostics.error(chunk.loc, "chunk of '@" + module.tensors[chunk.tensor].name +
                                              "' is sent to its own rank " +
                                              llvm::Twine(chunk.ends.sender) +
                                              ": run 'legalize-self-copy' first");
  }
  return success();
}

PassResult FormBuckets::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Programs, context)))
    return PassResult::Failed;
  bool changed = false;
  for (Program &program : module.programs) {
    if (!program.buckets.empty() || program.chunks.empty())
      continue;
    if (failed(checkChunks(module, program, context.diagnostics)))
      return PassResult::Failed;
    BucketFormer(module, program, maxBytes).form();
    numBuckets += static_cast<int64_t>(program.buckets.size());
    numBundled += static_cast<int64_t>(program.chunks.size() - program.buckets.size());
    changed = true;
  }
  return changed ? PassResult::Changed : PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createFormBucketsPass() { return std::make_unique<FormBuckets>(); }

} // namespace xfer
