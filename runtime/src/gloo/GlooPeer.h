//===- GlooPeer.h - Another rank over Gloo ----------------------*- C++ -*-===//
//
// What a connection keeps for each rank it exchanges messages with, and the
// small messages beside the data: hello, acknowledgement, notice.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_GLOO_GLOOPEER_H
#define XFER_RUNTIME_GLOO_GLOOPEER_H

#include "../Messages.h"
#include "GlooTransport.h"
#include <array>
#include <atomic>

namespace xfer::runtime {

/// Names a stream of messages between two ranks; those of one stream arrive in order. A message of
/// a kind has the kind's number, its checksum that plus kNumMessageKinds.
enum GlooTag : uint64_t {
  kHelloTag = 2 * kNumMessageKinds,
  kListTag,
  kAcknowledgementTag,
  kNoticeTag,
};

/// The last words of a rank.
struct Notice {
  uint32_t hasFailed = 0; ///< else it left in peace
  char text[1020] = {};   ///< why, as others should report it
};

/// The first words: whom a pair connects, and what both ends think will cross it.
struct Hello {
  static constexpr uint64_t kMagic = 0x316f6c6c65686678; // "xfhello1"
  uint64_t magic = kMagic;
  uint64_t meeting = 0;
  int64_t from = 0, to = 0;
  uint64_t numSends = 0, numReceives = 0;
  uint64_t sendsHash = 0, receivesHash = 0;
};

class GlooPeer {
public:
  GlooPeer(int64_t rank, size_t position, GlooMesh &mesh)
      : rank(rank), position(position), sending(mesh.makeBuffer()), receiving(mesh.makeBuffer()),
        noticeSending(mesh.makeBuffer()), noticeReceiving(mesh.makeBuffer()) {}

  const int64_t rank;
  const size_t position; ///< in the job
  bool sendsHere = false, receivesFromHere = false;
  /// The messages of a replay to this peer and from it, in the order of each kind.
  std::vector<PackedEnvelope> outgoing, incoming;
  std::unique_ptr<GlooBuffer> sending, receiving; ///< of hellos and acknowledgements
  uint64_t acknowledgement = 0, acknowledged = 0; ///< the replay's number, sent and received
  std::unique_ptr<GlooBuffer> noticeSending, noticeReceiving;
  Notice notice;
  std::atomic<bool> isConnected = false;
  std::atomic<bool> hasLeft = false;
  std::thread watcher;
};

Envelope unpack(const PackedEnvelope &packed);
uint64_t hash(const std::vector<PackedEnvelope> &envelopes);
/// The first difference between what `sender` sends and what `receiver` expects; ok if there is
/// none.
Status compareMessageLists(int64_t sender, const std::vector<PackedEnvelope> &sent,
                           int64_t receiver, const std::vector<PackedEnvelope> &expected);

} // namespace xfer::runtime

#endif
