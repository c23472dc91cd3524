//===- Counts.cpp - What one replay moves ---------------------------------===//
#include "Counts.h"
#include "ElementMath.h"
#include "xfer/plan_generated.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace xfer::run {

/// Bytes that one contributor ships for a bucket: its chunks in the source's element type.
static int64_t contributionBytes(const fb::Plan &plan, const fb::Program &program,
                                 const fb::Bucket &bucket) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < bucket.num_chunks(); ++i) {
    const fb::Chunk &chunk = *program.chunks()->Get(bucket.first_chunk() + i);
    int64_t elements = 1;
    if (const auto *loops = plan.regions()->Get(chunk.source_region())->loops())
      for (const fb::Loop *loop : *loops)
        elements *= loop->size();
    DType dtype = static_cast<DType>(program.sources()->Get(chunk.source())->dtype());
    bytes += elements * byteWidth(dtype);
  }
  return bytes;
}

static void countBucket(const fb::Plan &plan, const fb::Program &program, const fb::Bucket &bucket,
                        Counts &counts) {
  auto numRanks = [&](uint32_t list) -> int64_t {
    return plan.rank_lists()->Get(list)->ranks()->size();
  };
  int64_t destinations = numRanks(bucket.destinations());
  int64_t others = numRanks(bucket.contributors()) - 1;
  counts.chunks += bucket.num_chunks();
  ++counts.buckets;
  if (others > 0) {
    counts.reduce.bytes += others * contributionBytes(plan, program, bucket);
    counts.reduce.operations += others;
  }
  switch (bucket.transport()) {
  case fb::Transport::P2P:
    counts.p2p.bytes += destinations * bucket.bytes();
    counts.p2p.operations += destinations;
    return;
  case fb::Transport::Broadcast:
    counts.broadcast.bytes += destinations * bucket.bytes();
    ++counts.broadcast.operations;
    return;
  case fb::Transport::Local:
    counts.local.bytes += bucket.bytes();
    ++counts.local.operations;
    return;
  default:
    return;
  }
}

Counts countPlan(const Job &job) {
  Counts counts;
  llvm::DenseSet<uint64_t> windows; // unsigned: no index is a key that marks a slot
  const fb::Plan &plan = *fb::GetPlan(job.planBytes.data());
  if (!plan.programs())
    return counts;
  for (const fb::Program *program : *plan.programs()) {
    if (program->windows())
      for (const fb::Window *window : *program->windows())
        windows.insert(window->index());
    if (program->buckets())
      for (const fb::Bucket *bucket : *program->buckets())
        if (bucket->sender() == program->rank())
          countBucket(plan, *program, *bucket, counts);
  }
  counts.windows = windows.size();
  return counts;
}

} // namespace xfer::run
