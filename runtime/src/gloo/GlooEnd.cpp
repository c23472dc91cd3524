//===- GlooEnd.cpp - The end of a session ---------------------------------===//
//
// A watcher per peer notices that it failed or left. Whoever ends the session first
// says why, tells the peers, and closes all pairs.
//===----------------------------------------------------------------------===//
#include "GlooConnection.h"
#include <cstring>

namespace xfer::runtime {

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
  const auto end = std::chrono::steady_clock::now() + time;
  std::vector<GlooPeer *> told;
  for (const auto &peer : peers)
    if (peer->isConnected && !peer->hasLeft.load() &&
        call([&] {
          mesh.send(*peer->noticeSending, peer->position, kNoticeTag, &ownNotice, sizeof(Notice));
        }).empty())
      told.push_back(peer.get());
  for (GlooPeer *peer : told)
    (void)call([&] {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
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

} // namespace xfer::runtime
