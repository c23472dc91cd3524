//===- GlooConnection.cpp - Messages between processes --------------------===//
//
// The session's thread posts messages and waits for them, in the order of their
// kinds. How it connects is in GlooConnect.cpp, how it waits in GlooWait.cpp, and
// how a session ends in GlooEnd.cpp.
//===----------------------------------------------------------------------===//
#include "GlooConnection.h"

namespace xfer::runtime {

static uint64_t tagOf(MessageKind kind) { return static_cast<uint64_t>(kind); }
static uint64_t checksumTagOf(MessageKind kind) { return tagOf(kind) + kNumMessageKinds; }

Status GlooConnection::send(size_t index, const std::byte *data, uint64_t checksum) {
  QuietSignals quiet;
  Slot &slot = sends[index];
  const Envelope &envelope = agreement.sends[index];
  slot.checksum = checksum;
  const size_t position = slot.peer->position;
  const std::string error = call([&] {
    if (slot.checksumBuffer)
      mesh.send(*slot.checksumBuffer, position, checksumTagOf(envelope.kind), &slot.checksum,
                sizeof(slot.checksum));
    mesh.send(*slot.buffer, position, tagOf(envelope.kind), data,
              static_cast<size_t>(envelope.bytes));
  });
  return error.empty() ? Status() : explain(*slot.peer, "the " + describe(envelope));
}

Status GlooConnection::settle(size_t first, size_t count, const Deadline &deadline) {
  for (size_t i = first; i < first + count; ++i)
    for (GlooBuffer *buffer : {sends[i].buffer.get(), sends[i].checksumBuffer.get()})
      if (buffer)
        if (Status status = await(*buffer, Direction::Send, *sends[i].peer, deadline,
                                  [&] { return "the " + describe(agreement.sends[i]); });
            !status.isOk())
          return status;
  return {};
}

Status GlooConnection::expect(size_t index, std::byte *buffer) {
  QuietSignals quiet;
  Slot &slot = receives[index];
  const Envelope &envelope = agreement.receives[index];
  slot.data = buffer;
  const size_t position = slot.peer->position;
  const std::string error = call([&] {
    if (slot.checksumBuffer)
      mesh.receive(*slot.checksumBuffer, position, checksumTagOf(envelope.kind), &slot.checksum,
                   sizeof(slot.checksum));
    mesh.receive(*slot.buffer, position, tagOf(envelope.kind), buffer,
                 static_cast<size_t>(envelope.bytes));
  });
  return error.empty() ? Status() : explain(*slot.peer, "the " + describe(envelope));
}

Status GlooConnection::receive(size_t index, const Deadline &deadline, Received &received) {
  Slot &slot = receives[index];
  for (GlooBuffer *buffer : {slot.checksumBuffer.get(), slot.buffer.get()})
    if (buffer)
      if (Status status = await(*buffer, Direction::Receive, *slot.peer, deadline,
                                [&] { return "the " + describe(agreement.receives[index]); });
          !status.isOk())
        return status;
  received = {slot.data, slot.checksum, nullptr};
  return {};
}

// A rank that has finished may leave at once and close its pairs, which may cost what is still on
// the way: so it finishes only when its peers have what it sent.
Status GlooConnection::finish(const Deadline &deadline) {
  QuietSignals quiet;
  ++numReplays;
  auto what = [&] { return concat("the acknowledgement of replay ", numReplays); };
  for (const auto &peer : peers) {
    peer->acknowledgement = numReplays;
    const std::string error = call([&] {
      if (peer->sendsHere)
        mesh.send(*peer->sending, peer->position, kAcknowledgementTag, &peer->acknowledgement,
                  sizeof(uint64_t));
      if (peer->receivesFromHere)
        mesh.receive(*peer->receiving, peer->position, kAcknowledgementTag, &peer->acknowledged,
                     sizeof(uint64_t));
    });
    if (!error.empty())
      return explain(*peer, what());
  }
  for (const auto &peer : peers) {
    if (peer->receivesFromHere)
      if (Status status = await(*peer->receiving, Direction::Receive, *peer, deadline, what);
          !status.isOk())
        return status;
    if (peer->receivesFromHere && peer->acknowledged != numReplays)
      return runtime::failure(XFER_MISMATCH, "rank ", peer->rank, " finished replay ",
                              peer->acknowledged, ", rank ", agreement.rank, " replay ",
                              numReplays);
    if (peer->sendsHere)
      if (Status status = await(*peer->sending, Direction::Send, *peer, deadline, what);
          !status.isOk())
        return status;
  }
  return {};
}

} // namespace xfer::runtime
