//===- GlooConnect.cpp - Meets the peers ----------------------------------===//
//
// Makes a pair for every peer, connects them, and compares what both ends expect.
//===----------------------------------------------------------------------===//
#include "GlooConnection.h"
#include <algorithm>
#include <cstring>

namespace xfer::runtime {

static size_t positionOf(std::span<const int64_t> ranks, int64_t rank) {
  return static_cast<size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin());
}

GlooConnection::GlooConnection(std::shared_ptr<GlooDevice> device, const Agreement &agreement)
    : agreement(agreement),
      mesh(std::move(device), positionOf(agreement.ranks, agreement.rank), agreement.ranks.size()) {
  std::map<int64_t, GlooPeer *> known;
  auto peerOf = [&](int64_t rank) -> GlooPeer & {
    GlooPeer *&peer = known[rank];
    if (!peer) {
      peers.push_back(std::make_unique<GlooPeer>(rank, positionOf(agreement.ranks, rank), mesh));
      peer = peers.back().get();
    }
    return *peer;
  };
  auto makeSlot = [&](GlooPeer &peer) {
    Slot slot;
    slot.peer = &peer;
    slot.buffer = mesh.makeBuffer();
    if (agreement.checksums)
      slot.checksumBuffer = mesh.makeBuffer();
    return slot;
  };
  for (const Envelope &envelope : agreement.sends) {
    GlooPeer &peer = peerOf(envelope.to);
    peer.receivesFromHere = true;
    peer.outgoing.push_back(pack(envelope));
    sends.push_back(makeSlot(peer));
  }
  for (const Envelope &envelope : agreement.receives) {
    GlooPeer &peer = peerOf(envelope.from);
    peer.sendsHere = true;
    peer.incoming.push_back(pack(envelope));
    receives.push_back(makeSlot(peer));
  }
  std::sort(peers.begin(), peers.end(),
            [](const auto &a, const auto &b) { return a->rank < b->rank; });
  for (const auto &peer : peers) {
    auto byKind = [](const PackedEnvelope &a, const PackedEnvelope &b) { return a[0] < b[0]; };
    std::stable_sort(peer->outgoing.begin(), peer->outgoing.end(), byKind);
    std::stable_sort(peer->incoming.begin(), peer->incoming.end(), byKind);
    const std::vector<char> address = mesh.listen(peer->position);
    const int64_t header[] = {peer->rank, static_cast<int64_t>(address.size())};
    const auto *bytes = reinterpret_cast<const std::byte *>(header);
    ownAddresses.insert(ownAddresses.end(), bytes, bytes + sizeof(header));
    bytes = reinterpret_cast<const std::byte *>(address.data());
    ownAddresses.insert(ownAddresses.end(), bytes, bytes + address.size());
  }
  timer = startThread([this] { runTimer(); });
}

/// The address for `rank` among those that another rank brought; empty if there is none.
static std::vector<char> findAddress(const GlooConnection::Bytes &bytes, int64_t rank) {
  int64_t header[2];
  for (size_t at = 0; at + sizeof(header) <= bytes.size();) {
    std::memcpy(header, bytes.data() + at, sizeof(header));
    at += sizeof(header);
    if (header[1] < 0 || static_cast<size_t>(header[1]) > bytes.size() - at)
      break;
    const auto *begin = reinterpret_cast<const char *>(bytes.data() + at);
    if (header[0] == rank)
      return {begin, begin + header[1]};
    at += static_cast<size_t>(header[1]);
  }
  return {};
}

Status GlooConnection::connect(const std::vector<Bytes> &addresses, uint64_t meeting,
                               const Deadline &deadline) {
  QuietSignals quiet;
  Status status = connectPairs(addresses, deadline);
  if (status.isOk())
    status = startWatchers();
  for (const auto &peer : peers)
    if (status.isOk())
      status = compareMessages(*peer, meeting, deadline);
  if (!status.isOk())
    fail(status);
  return status;
}

Status GlooConnection::connectPairs(const std::vector<Bytes> &addresses, const Deadline &deadline) {
  // Gloo's connect waits by itself: end it from outside.
  std::mutex guard;
  std::condition_variable done;
  bool isDone = false;
  std::thread closer = startThread([&] {
    std::unique_lock lock(guard);
    if (!done.wait_until(lock, deadline.time, [&] { return isDone; }))
      mesh.close();
  });
  Status status;
  for (const auto &peer : peers) {
    const std::vector<char> address = findAddress(addresses[peer->position], agreement.rank);
    std::string error;
    if (address.empty())
      status =
          runtime::failure(XFER_MISMATCH, "rank ", agreement.rank, " exchanges messages with rank ",
                           peer->rank, ", which does not expect it");
    else
      error = call([&] { mesh.connect(peer->position, address); });
    if (!error.empty() && std::chrono::steady_clock::now() >= deadline.time)
      status = runtime::failure(XFER_TIMEOUT, "rank ", peer->rank, " did not connect within ",
                                deadline.milliseconds, " ms");
    else if (!error.empty())
      status =
          runtime::failure(XFER_PEER_FAILED, "cannot connect to rank ", peer->rank, ": ", error);
    if (!status.isOk())
      break;
    peer->isConnected = true;
  }
  {
    std::lock_guard lock(guard);
    isDone = true;
    done.notify_all();
  }
  closer.join();
  return status;
}

Status GlooConnection::startWatchers() {
  for (const auto &peer : peers)
    if (std::string error = call([&] {
          mesh.receive(*peer->noticeReceiving, peer->position, kNoticeTag, &peer->notice,
                       sizeof(Notice));
        });
        !error.empty())
      return runtime::failure(XFER_PEER_FAILED, "rank ", peer->rank,
                              " closed its connection: ", error);
  for (const auto &peer : peers)
    peer->watcher = startThread([this, &peer] { watch(*peer); });
  return {};
}

/// Sends and receives one message.
Status GlooConnection::exchange(GlooPeer &peer, uint64_t tag, const void *mine, void *theirs,
                                size_t mineBytes, size_t theirBytes, const Deadline &deadline) {
  auto what = [] { return "its hello"; };
  if (std::string error = call([&] {
        mesh.receive(*peer.receiving, peer.position, tag, theirs, theirBytes);
        mesh.send(*peer.sending, peer.position, tag, mine, mineBytes);
      });
      !error.empty())
    return explain(peer, what());
  if (Status status = await(*peer.receiving, Direction::Receive, peer, deadline, what);
      !status.isOk())
    return status;
  return await(*peer.sending, Direction::Send, peer, deadline, what);
}

Status GlooConnection::compareMessages(GlooPeer &peer, uint64_t meeting, const Deadline &deadline) {
  const Hello mine = {Hello::kMagic,        meeting,
                      agreement.rank,       peer.rank,
                      peer.outgoing.size(), peer.incoming.size(),
                      hash(peer.outgoing),  hash(peer.incoming)};
  Hello theirs;
  if (Status status =
          exchange(peer, kHelloTag, &mine, &theirs, sizeof(mine), sizeof(theirs), deadline);
      !status.isOk())
    return status;
  if (theirs.magic != Hello::kMagic || theirs.meeting != meeting || theirs.from != peer.rank ||
      theirs.to != agreement.rank)
    return runtime::failure(XFER_MISMATCH, "whoever answers at the address of rank ", peer.rank,
                            " is not that rank of this session");
  if (theirs.sendsHash == mine.receivesHash && theirs.receivesHash == mine.sendsHash)
    return {};

  std::vector<PackedEnvelope> lists = peer.outgoing;
  lists.insert(lists.end(), peer.incoming.begin(), peer.incoming.end());
  std::vector<PackedEnvelope> others(theirs.numSends + theirs.numReceives);
  if (Status status = exchange(peer, kListTag, lists.data(), others.data(),
                               lists.size() * sizeof(PackedEnvelope),
                               others.size() * sizeof(PackedEnvelope), deadline);
      !status.isOk())
    return status;
  const auto middle = others.begin() + static_cast<std::ptrdiff_t>(theirs.numSends);
  const std::vector<PackedEnvelope> theirOutgoing(others.begin(), middle),
      theirIncoming(middle, others.end());
  const Status there = compareMessageLists(agreement.rank, peer.outgoing, peer.rank, theirIncoming);
  const Status here = compareMessageLists(peer.rank, theirOutgoing, agreement.rank, peer.incoming);
  // Both ends name the same difference: first what the lower rank sends.
  const bool isLower = agreement.rank < peer.rank;
  const Status &first = isLower ? there : here, &second = isLower ? here : there;
  return first.isOk() ? second : first;
}

} // namespace xfer::runtime
