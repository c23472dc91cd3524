//===- Steps.cpp - A program as nested lists ------------------------------===//
#include "Steps.h"
#include "xfer/IR/DType.h"

namespace xfer::mutation {

Steps unfold(const fb::ProgramT &program) {
  Steps steps;
  for (const fb::Window &window : program.windows) {
    WindowStep &windowStep = steps.emplace_back();
    windowStep.index = window.index();
    for (uint32_t b = 0; b < window.num_buckets(); ++b) {
      BucketStep &bucketStep = windowStep.buckets.emplace_back();
      bucketStep.bucket = program.buckets[window.first_bucket() + b];
      for (uint32_t c = 0; c < bucketStep.bucket.num_chunks(); ++c) {
        const uint32_t at = bucketStep.bucket.first_chunk() + c;
        bucketStep.chunks.push_back({program.chunks[at], program.logical[at]});
      }
    }
  }
  return steps;
}

void fold(const Steps &steps, fb::ProgramT &program) {
  program.chunks.clear();
  program.logical.clear();
  program.buckets.clear();
  program.windows.clear();
  program.staging_bytes = int64_t{1} << 40; // enough, so that the statement hides no other damage
  for (const WindowStep &window : steps) {
    const auto firstBucket = static_cast<uint32_t>(program.buckets.size());
    for (const BucketStep &step : window.buckets) {
      if (step.chunks.empty())
        continue;
      const auto firstChunk = static_cast<int64_t>(program.chunks.size());
      const auto numChunks = static_cast<int64_t>(step.chunks.size());
      program.buckets.push_back(
          with(with(step.bucket, "first_chunk", firstChunk), "num_chunks", numChunks));
      for (const ChunkStep &chunk : step.chunks) {
        program.chunks.push_back(chunk.chunk);
        program.logical.push_back(chunk.logical);
      }
    }
    const auto numBuckets = static_cast<uint32_t>(program.buckets.size()) - firstBucket;
    if (numBuckets > 0)
      program.windows.emplace_back(window.index, firstBucket, numBuckets);
  }
}

BucketKey keyOf(const fb::Bucket &bucket) {
  return {bucket.contributors(), bucket.destinations(), bucket.sender(), bucket.ordinal(),
          bucket.transport() == fb::Transport::Broadcast};
}

BucketStep *find(Steps &steps, const BucketKey &key) {
  for (WindowStep &window : steps)
    for (BucketStep &step : window.buckets)
      if (keyOf(step.bucket) == key)
        return &step;
  return nullptr;
}

void pack(const fb::PlanT &plan, BucketStep &step) {
  int64_t end = 0;
  for (ChunkStep &chunk : step.chunks) {
    const auto dtype = static_cast<DType>(plan.tensors[chunk.chunk.tensor()]->dtype);
    int64_t bytes = byteWidth(dtype);
    const int64_t begin = (end + bytes - 1) / bytes * bytes;
    for (const fb::Segment &segment : plan.logical_regions[chunk.logical.region()]->segments)
      bytes *= segment.run() * segment.count();
    chunk.chunk = with(chunk.chunk, "offset", begin);
    end = begin + bytes;
  }
  step.bucket = with(step.bucket, "bytes", end);
}

} // namespace xfer::mutation
