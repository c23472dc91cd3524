//===- Segment.cpp - The parts that a bucket crosses in -------------------===//
#include "Segment.h"

namespace xfer::runtime {

static bool isLong(const ChunkStep &chunk) {
  return chunk.numElements >= kLongChunkBytes / byteWidth(chunk.wireDType);
}

/// Whether a segment is one chunk whose elements lie in the tensor as they cross.
static bool liesInTensor(const xfer_plan &plan, const Segment &segment, const ChunkStep &chunk,
                         int32_t nest, xfer_dtype_t stored) {
  return segment.numChunks == 1 && segment.offset == chunk.offset &&
         plan.nests[static_cast<size_t>(nest)].isPackedIn(stored, chunk.wireDType, segment.bytes);
}

void cutBucket(const xfer_plan &plan, const Program &program, const BucketStep &bucket,
               std::vector<Segment> &segments) {
  const size_t first = segments.size();
  const std::span<const ChunkStep> chunks = program.chunksOf(bucket);
  for (size_t i = 0; i < chunks.size(); ++i) {
    const ChunkStep &chunk = chunks[i];
    const int64_t end = chunk.offset + chunk.numElements * byteWidth(chunk.wireDType);
    if (i == 0 || isLong(chunk) || isLong(chunks[i - 1]) ||
        end - segments.back().offset > kSharedSegmentBytes)
      segments.push_back(
          {i == 0 ? 0 : chunk.offset, 0, bucket.firstChunk + static_cast<int32_t>(i)});
    ++segments.back().numChunks;
  }
  for (size_t i = first; i < segments.size(); ++i) {
    Segment &segment = segments[i];
    const int64_t end = i + 1 < segments.size() ? segments[i + 1].offset : bucket.bytes;
    segment.bytes = end - segment.offset;
    const ChunkStep &chunk = program.chunks[static_cast<size_t>(segment.firstChunk)];
    segment.packsInPlace = bucket.isSource && !bucket.isReduce &&
                           liesInTensor(plan, segment, chunk, chunk.sourceNest,
                                        program.binding(chunk.sourceBinding).dtype);
    segment.unpacksInPlace = bucket.isTarget && bucket.sender != program.rank &&
                             liesInTensor(plan, segment, chunk, chunk.targetNest,
                                          program.binding(chunk.targetBinding).dtype);
  }
}

} // namespace xfer::runtime
