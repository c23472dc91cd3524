//===- GlooConnection.cpp - Messages between processes --------------------===//
//
// The session's thread posts and waits. Nothing here waits without the timer:
// await() says what it waits for and until when, and the timer or the end of the
// session aborts that one wait. Every wait after that fails at once.
//===----------------------------------------------------------------------===//
#include "GlooConnection.h"
#include <algorithm>
#include <cstring>

namespace xfer::runtime {

using std::chrono::steady_clock;

//===- Making -------------------------------------------------------------===//

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
    if (!error.empty() && steady_clock::now() >= deadline.time)
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

  for (const auto &peer : peers)
    if (status.isOk())
      if (std::string error = call([&] {
            mesh.receive(*peer->noticeReceiving, peer->position, kNoticeTag, &peer->notice,
                         sizeof(Notice));
          });
          !error.empty())
        status = runtime::failure(XFER_PEER_FAILED, "rank ", peer->rank,
                                  " closed its connection: ", error);
  if (status.isOk())
    for (const auto &peer : peers)
      peer->watcher = startThread([this, &peer] { watch(*peer); });
  for (const auto &peer : peers)
    if (status.isOk())
      status = compareMessages(*peer, meeting, deadline);
  if (!status.isOk())
    fail(status);
  return status;
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

GlooConnection::~GlooConnection() {
  QuietSignals quiet;
  bool isOver;
  {
    std::lock_guard lock(mutex);
    isOver = !ended.isOk();
    if (!isOver) // watchers shall not take the peers' farewells for failures
      ended = Status(XFER_ABORTED, "this rank left");
  }
  if (!isOver) {
    sendNotices(std::chrono::milliseconds(1000));
  }
  mesh.close();
  {
    std::lock_guard lock(mutex);
    isStopping = true;
    changed.notify_all();
  }
  timer.join();
  for (const auto &peer : peers) {
    (void)call([&] { peer->noticeReceiving->abortWaitRecv(); });
    if (peer->watcher.joinable())
      peer->watcher.join();
  }
}

//===- Messages -----------------------------------------------------------===//

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

//===- Waiting ------------------------------------------------------------===//

template <typename DESCRIBE>
Status GlooConnection::await(GlooBuffer &buffer, Direction direction, const GlooPeer &peer,
                             const Deadline &deadline, DESCRIBE describeIt) {
  bool mayWait, isDone = false;
  {
    std::lock_guard lock(mutex);
    mayWait = ended.isOk();
    if (mayWait)
      waiting = {&buffer, direction, deadline.time};
    waitWasAborted = false;
    if (isTimerIdle)
      changed.notify_all();
  }
  const std::string error = call([&] {
    if (mayWait)
      isDone = direction == Direction::Send ? buffer.waitSend(nullptr, kNoLimit)
                                            : buffer.waitRecv(nullptr, kNoLimit);
  });
  {
    std::lock_guard lock(mutex);
    waiting.buffer = nullptr;
    if (isDone && !waitWasAborted)
      return {};
    if (ended.isOk() && error.empty())
      return runtime::failure(XFER_TIMEOUT, "rank ", peer.rank,
                              direction == Direction::Send ? " did not take " : " did not send ",
                              describeIt(), " within ", deadline.milliseconds, " ms");
  }
  return explain(peer, describeIt());
}

/// Why an operation with `peer` failed. Its watcher knows soon, if it does not know yet.
Status GlooConnection::explain(const GlooPeer &peer, const std::string &what) {
  std::unique_lock lock(mutex);
  changed.wait_for(lock, std::chrono::milliseconds(500),
                   [&] { return !ended.isOk() || peer.hasLeft.load(); });
  if (!ended.isOk())
    return Status(ended.code(), concat(ended.text(), "; waited for rank ", peer.rank, ": ", what));
  return runtime::failure(XFER_PEER_FAILED, "rank ", peer.rank,
                          peer.hasLeft.load() ? " left" : " closed its connection", " before ",
                          what);
}

/// Ends the current wait when it is late.
void GlooConnection::runTimer() {
  std::unique_lock lock(mutex);
  while (!isStopping) {
    if (!waiting.buffer) {
      isTimerIdle = true;
      changed.wait(lock);
      isTimerIdle = false;
    } else if (steady_clock::now() < waiting.deadline) {
      changed.wait_until(lock, waiting.deadline);
    } else {
      abortWait();
      changed.wait(lock, [&] { return isStopping || !waiting.buffer || !waitWasAborted; });
    }
  }
}

void GlooConnection::abortWait() {
  if (!waiting.buffer)
    return;
  waitWasAborted = true;
  (void)call([&] {
    if (waiting.direction == Direction::Send)
      waiting.buffer->abortWaitSend();
    else
      waiting.buffer->abortWaitRecv();
  });
}

//===- The end ------------------------------------------------------------===//

/// Waits for a peer's last words, or for the end of its connection.
void GlooConnection::watch(GlooPeer &peer) {
  bool hasNotice = false;
  const std::string error =
      call([&] { hasNotice = peer.noticeReceiving->waitRecv(nullptr, kNoLimit); });
  if (hasNotice && !peer.notice.hasFailed) {
    std::lock_guard lock(mutex);
    peer.hasLeft = true;
    changed.notify_all();
    return;
  }
  if (!hasNotice && error.empty())
    return; // this rank leaves
  peer.notice.text[sizeof(peer.notice.text) - 1] = 0;
  const std::string text = hasNotice ? std::string(peer.notice.text)
                                     : concat("rank ", peer.rank, " closed its connection");
  end(Status(XFER_PEER_FAILED, text), text);
}

/// Sends `ownNotice` to the peers that are there, and gives it some time.
void GlooConnection::sendNotices(std::chrono::milliseconds time) {
  const auto end = steady_clock::now() + time;
  std::vector<GlooPeer *> told;
  for (const auto &peer : peers)
    if (peer->isConnected && !peer->hasLeft.load() &&
        call([&] {
          mesh.send(*peer->noticeSending, peer->position, kNoticeTag, &ownNotice, sizeof(Notice));
        }).empty())
      told.push_back(peer.get());
  for (GlooPeer *peer : told)
    (void)call([&] {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
      peer->noticeSending->waitSend(nullptr, std::max(left, std::chrono::milliseconds(1)));
    });
}

void GlooConnection::fail(const Status &cause) {
  end(cause, concat("rank ", agreement.rank, " failed: ", cause.text()));
}

void GlooConnection::end(const Status &cause, const std::string &forPeers) {
  QuietSignals quiet;
  {
    std::lock_guard lock(mutex);
    if (!ended.isOk())
      return;
    ended = cause;
    abortWait();
    changed.notify_all();
  }
  ownNotice.hasFailed = 1;
  std::strncpy(ownNotice.text, forPeers.c_str(), sizeof(ownNotice.text) - 1);
  // Behind what is half sent to a rank that does not read, a notice would wait for ever.
  sendNotices(std::chrono::milliseconds(200));
  mesh.close();
  std::lock_guard lock(mutex);
  hasClosed = true;
  changed.notify_all();
}

Status GlooConnection::failure() const {
  std::lock_guard lock(mutex);
  return ended;
}

void GlooConnection::withdraw() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return hasClosed; });
}

} // namespace xfer::runtime
