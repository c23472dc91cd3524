//===- Segment.h - The parts that a bucket crosses in -----------*- C++ -*-===//
//
// A bucket's wire buffer crosses in segments, a message each: a long chunk by
// itself, short neighbours together. The cut looks only at what both ends know,
// the chunks' bytes on the wire, and lets each end lend a tensor's own memory for
// a long chunk that lies there as it crosses, whatever the other end does. What is
// packed leaves, and is unpacked, while it is still in the caches.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_SEGMENT_H
#define XFER_RUNTIME_SEGMENT_H

#include "Plan.h"

namespace xfer::runtime {

/// From here on a message of its own costs less than packing and unpacking the chunk.
inline constexpr int64_t kLongChunkBytes = 128 << 10;
/// Short chunks share a message up to this size.
inline constexpr int64_t kSharedSegmentBytes = 1 << 20;

/// A stretch of a bucket's wire buffer. Those of a bucket follow each other without gaps.
struct Segment {
  int64_t offset = 0; ///< bytes into the wire buffer
  int64_t bytes = 0;
  int32_t firstChunk = 0, numChunks = 0; ///< Program::chunks
  /// The source tensor's memory serves as this part of the wire buffer: one chunk, contiguous,
  /// nothing to cast, and nothing to reduce.
  bool packsInPlace = false;
  /// The same of the target's memory, for what comes from another rank.
  bool unpacksInPlace = false;
};

/// Appends the segments of a bucket.
void cutBucket(const xfer_plan &plan, const Program &program, const BucketStep &bucket,
               std::vector<Segment> &segments);

} // namespace xfer::runtime

#endif
