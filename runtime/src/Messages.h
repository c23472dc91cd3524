//===- Messages.h - What a program exchanges with others --------*- C++ -*-===//
//
// The envelopes of one replay by slot: bucket after bucket, and within a bucket
// in the order of its rank lists. Both ends of a pair make the same list of each
// kind, which is how a message finds its place without a tag.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_MESSAGES_H
#define XFER_RUNTIME_MESSAGES_H

#include "Backend.h"
#include "Plan.h"

namespace xfer::runtime {

struct Messages {
  Messages(const xfer_plan &plan, const Program &program);

  std::vector<Envelope> sends, receives; ///< by slot
  struct Slots {
    size_t firstSend = 0, firstReceive = 0;
  };
  std::vector<Slots> slots; ///< per bucket; one more at the end

  size_t numReceives(size_t bucket) const {
    return slots[bucket + 1].firstReceive - slots[bucket].firstReceive;
  }
};

} // namespace xfer::runtime

#endif
