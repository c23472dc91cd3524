//===- Messages.h - What a program exchanges with others --------*- C++ -*-===//
//
// The envelopes of one replay by slot: bucket after bucket, segment after
// segment, and for each in the order of its rank lists. Both ends of a pair make
// the same list of each kind, which is how a message finds its place without a tag.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_MESSAGES_H
#define XFER_RUNTIME_MESSAGES_H

#include "Backend.h"
#include "Segment.h"
#include <array>

namespace xfer::runtime {

struct Messages {
  Messages(const xfer_plan &plan, const Program &program);

  std::vector<Envelope> sends, receives; ///< by slot
  std::vector<Segment> segments;         ///< bucket after bucket
  /// Where a bucket's begin. It sends each segment to all destinations before the next, or its
  /// contribution; it receives others' contributions, or its segments.
  struct Slots {
    size_t firstSend = 0, firstReceive = 0, firstSegment = 0;
  };
  std::vector<Slots> slots; ///< per bucket; one more at the end

  std::span<const Segment> segmentsOf(size_t bucket) const {
    const size_t first = slots[bucket].firstSegment;
    return std::span(segments).subspan(first, slots[bucket + 1].firstSegment - first);
  }
};

/// An envelope as it crosses, without the gaps that a struct may have.
using PackedEnvelope = std::array<int64_t, 8>;
PackedEnvelope pack(const Envelope &envelope);

/// The hashes of what is sent less those of what is received, modulo 2^64. If every message of a
/// job is the same at both ends, all ranks' balances add up to 0; else they hardly ever do.
uint64_t balanceOf(const Messages &messages);

/// All of what a bucket packs, as it goes from its sender, or from one contributor to it.
Envelope envelopeOf(const xfer_plan &plan, const Program &program, const WindowStep &window,
                    const BucketStep &bucket, MessageKind kind);

/// That a message which holds `chunks` is not what was sent; names everything it could be.
Status damaged(const xfer_plan &plan, const Program &program, const Envelope &envelope,
               std::span<const ChunkStep> chunks, uint64_t checksum, uint64_t expected);

} // namespace xfer::runtime

#endif
