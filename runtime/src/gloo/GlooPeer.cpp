//===- GlooPeer.cpp - Another rank over Gloo ------------------------------===//
#include "GlooPeer.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

Envelope unpack(const PackedEnvelope &packed) {
  // A peer's word: what is not a kind becomes one, and differs elsewhere.
  const auto kind = static_cast<MessageKind>(static_cast<uint64_t>(packed[0]) % kNumMessageKinds);
  return {kind,      packed[1], packed[2], packed[3], packed[4], static_cast<uint64_t>(packed[5]),
          packed[6], packed[7]};
}

uint64_t hash(const std::vector<PackedEnvelope> &envelopes) {
  return XXH3_64bits(envelopes.data(), envelopes.size() * sizeof(PackedEnvelope));
}

Status compareMessageLists(int64_t sender, const std::vector<PackedEnvelope> &sent,
                           int64_t receiver, const std::vector<PackedEnvelope> &expected) {
  auto tell = [](const std::vector<PackedEnvelope> &list, size_t i) {
    return i < list.size() ? "the " + describe(unpack(list[i])) : "nothing more";
  };
  for (size_t i = 0; i < std::max(sent.size(), expected.size()); ++i)
    if (i >= sent.size() || i >= expected.size() || sent[i] != expected[i])
      return failure(XFER_MISMATCH, "rank ", sender, " sends ", tell(sent, i), ", rank ", receiver,
                     " expects ", tell(expected, i));
  return {};
}

} // namespace xfer::runtime
