//===- Messages.cpp - What a program exchanges with others ----------------===//
#include "Messages.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

std::string describe(const Envelope &envelope) {
  constexpr const char *kNames[] = {"contribution", "delivery", "total"};
  return concat(kNames[static_cast<size_t>(envelope.kind)], " of window ", envelope.window,
                ", bucket ", envelope.ordinal, " with ends ", hexadecimal(envelope.ends), ", ",
                envelope.bytes, " bytes at ", envelope.offset);
}

Messages::Messages(const xfer_plan &plan, const Program &program) {
  const int64_t rank = program.rank;
  for (const WindowStep &window : program.windows)
    for (const BucketStep &bucket : program.bucketsOf(window)) {
      slots.push_back({sends.size(), receives.size(), segments.size()});
      cutBucket(plan, program, bucket, segments);
      const RankList &contributors = plan.contributorsOf(bucket);
      const RankList &destinations = plan.destinationsOf(bucket);
      const uint64_t ends[] = {contributors.hash, destinations.hash,
                               static_cast<uint64_t>(bucket.sender), bucket.content};
      Envelope envelope = {MessageKind::Contribution,
                           rank,
                           bucket.sender,
                           window.index,
                           bucket.ordinal,
                           XXH3_64bits(ends, sizeof(ends)),
                           0,
                           bucket.contributionBytes};
      if (bucket.sender == rank && bucket.isReduce)
        for (int64_t contributor : contributors.ranks)
          if (contributor != rank) {
            receives.push_back(envelope);
            receives.back().from = contributor;
          }
      if (bucket.sender != rank && bucket.isSource)
        sends.push_back(envelope);

      envelope.kind = bucket.isReduce ? MessageKind::Total : MessageKind::Delivery;
      envelope.from = bucket.sender;
      envelope.to = rank;
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
