//===- Messages.cpp - What a program exchanges with others ----------------===//
#include "Messages.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

std::string describe(const Envelope &envelope) {
  constexpr const char *kNames[] = {"contribution", "delivery", "total"};
  return concat(kNames[static_cast<size_t>(envelope.kind)], " of window ", envelope.window,
                ", bucket ", envelope.ordinal, " with ends and chunks ", hexadecimal(envelope.ends),
                ", ", envelope.bytes, " bytes at ", envelope.offset);
}

PackedEnvelope pack(const Envelope &envelope) {
  return {static_cast<int64_t>(envelope.kind),
          envelope.from,
          envelope.to,
          envelope.window,
          envelope.ordinal,
          static_cast<int64_t>(envelope.ends),
          envelope.offset,
          envelope.bytes};
}

uint64_t balanceOf(const Messages &messages) {
  auto sumOf = [](const std::vector<Envelope> &envelopes) {
    uint64_t sum = 0;
    for (const Envelope &envelope : envelopes) {
      const PackedEnvelope packed = pack(envelope);
      sum += XXH3_64bits(packed.data(), sizeof(packed));
    }
    return sum;
  };
  return sumOf(messages.sends) - sumOf(messages.receives);
}

Envelope envelopeOf(const xfer_plan &plan, const Program &program, const WindowStep &window,
                    const BucketStep &bucket, MessageKind kind) {
  const uint64_t ends[] = {plan.contributorsOf(bucket).hash, plan.destinationsOf(bucket).hash,
                           static_cast<uint64_t>(bucket.sender), bucket.content};
  const bool isContribution = kind == MessageKind::Contribution;
  return {kind,
          isContribution ? program.rank : bucket.sender,
          isContribution ? bucket.sender : program.rank,
          window.index,
          bucket.ordinal,
          XXH3_64bits(ends, sizeof(ends)),
          0,
          isContribution ? bucket.contributionBytes : bucket.bytes};
}

Status damaged(const xfer_plan &plan, const Program &program, const Envelope &envelope,
               std::span<const ChunkStep> chunks, uint64_t checksum, uint64_t expected) {
  return failure(XFER_MISMATCH, "the ", describe(envelope), " from rank ", envelope.from,
                 " has checksum ", hexadecimal(checksum), ", expected ", hexadecimal(expected),
                 "; it holds ", describeChunks(plan, program, chunks));
}

Messages::Messages(const xfer_plan &plan, const Program &program) {
  const int64_t rank = program.rank;
  for (const WindowStep &window : program.windows)
    for (const BucketStep &bucket : program.bucketsOf(window)) {
      slots.push_back({sends.size(), receives.size(), segments.size()});
      cutBucket(plan, program, bucket, segments);
      const RankList &contributors = plan.contributorsOf(bucket);
      const RankList &destinations = plan.destinationsOf(bucket);
      Envelope envelope = envelopeOf(plan, program, window, bucket, MessageKind::Contribution);
      if (bucket.sender == rank && bucket.isReduce)
        for (int64_t contributor : contributors.ranks)
          if (contributor != rank) {
            receives.push_back(envelope);
            receives.back().from = contributor;
          }
      if (bucket.sender != rank && bucket.isSource)
        sends.push_back(envelope);

      envelope = envelopeOf(plan, program, window, bucket,
                            bucket.isReduce ? MessageKind::Total : MessageKind::Delivery);
      for (size_t i = slots.back().firstSegment; i < segments.size(); ++i) {
        envelope.offset = segments[i].offset;
        envelope.bytes = segments[i].bytes;
        if (bucket.sender != rank && bucket.isTarget)
          receives.push_back(envelope);
        for (int64_t destination : destinations.ranks)
          if (bucket.sender == rank && destination != rank) {
            sends.push_back(envelope);
            sends.back().to = destination;
          }
      }
    }
  slots.push_back({sends.size(), receives.size(), segments.size()});
}

} // namespace xfer::runtime
