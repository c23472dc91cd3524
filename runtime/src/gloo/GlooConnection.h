//===- GlooConnection.h - Messages between processes ------------*- C++ -*-===//
//
// One Gloo pair per peer and one buffer per message of a replay; Gloo's own
// thread moves the bytes. A timer ends waits at their deadline, a watcher per
// peer notices that it failed or left. Whoever ends the session first says why,
// tells the peers, and closes all pairs.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_GLOO_GLOOCONNECTION_H
#define XFER_RUNTIME_GLOO_GLOOCONNECTION_H

#include "GlooPeer.h"
#include <condition_variable>
#include <map>
#include <mutex>

namespace xfer::runtime {

class GlooConnection final : public Connection {
public:
  using Bytes = std::vector<std::byte>;

  /// Makes a pair for every rank that this one exchanges messages with.
  GlooConnection(std::shared_ptr<GlooDevice> device, const Agreement &agreement);
  ~GlooConnection() override;
  /// What other ranks need to reach this one.
  const Bytes &addresses() const { return ownAddresses; }
  /// Connects to every peer, and compares the messages that each end expects. `addresses` are the
  /// ranks', by position in the job; `meeting` is the same number on all.
  Status connect(const std::vector<Bytes> &addresses, uint64_t meeting, const Deadline &deadline);

  Status send(size_t slot, const std::byte *data, uint64_t checksum) override;
  Status settle(size_t first, size_t count, const Deadline &deadline) override;
  Status expect(size_t slot, std::byte *buffer) override;
  Status receive(size_t slot, const Deadline &deadline, Received &received) override;
  void release(const Received &) override {}
  Status finish(const Deadline &deadline) override;
  void fail(const Status &cause) override;
  Status failure() const override;
  void withdraw() override;

private:
  enum class Direction { Send, Receive };
  /// A message's buffers, and its checksum's if there are checksums.
  struct Slot {
    std::unique_ptr<GlooBuffer> buffer, checksumBuffer;
    GlooPeer *peer = nullptr;
    std::byte *data = nullptr;
    uint64_t checksum = 0;
  };
  /// The operation that the session's thread waits for.
  struct Wait {
    GlooBuffer *buffer = nullptr;
    Direction direction = Direction::Receive;
    std::chrono::steady_clock::time_point deadline;
  };

  // GlooConnect.cpp
  Status connectPairs(const std::vector<Bytes> &addresses, const Deadline &deadline);
  Status startWatchers();
  Status compareMessages(GlooPeer &peer, uint64_t meeting, const Deadline &deadline);
  Status exchange(GlooPeer &peer, uint64_t tag, const void *mine, void *theirs, size_t mineBytes,
                  size_t theirBytes, const Deadline &deadline);

  // GlooWait.cpp
  enum class WaitEnd { Done, Late, Failed };
  WaitEnd wait(GlooBuffer &buffer, Direction direction, const Deadline &deadline);
  /// Waits for one operation; `describeIt()` names it for errors.
  template <typename DESCRIBE>
  Status await(GlooBuffer &buffer, Direction direction, const GlooPeer &peer,
               const Deadline &deadline, DESCRIBE describeIt) {
    const WaitEnd end = wait(buffer, direction, deadline);
    return end == WaitEnd::Done ? Status() : explain(end, direction, peer, deadline, describeIt());
  }
  Status explain(WaitEnd end, Direction direction, const GlooPeer &peer, const Deadline &deadline,
                 const std::string &what);
  /// Why an operation with `peer` failed.
  Status explain(const GlooPeer &peer, const std::string &what);
  void runTimer();
  void abortWait(); ///< with the mutex held

  // GlooEnd.cpp
  void watch(GlooPeer &peer);
  void sendNotices(std::chrono::milliseconds time);
  /// Ends the session for `cause` unless it has ended: tells peers, closes pairs, wakes the worker.
  void end(const Status &cause, const std::string &forPeers);

  const Agreement agreement;
  GlooMesh mesh;
  Bytes ownAddresses;
  std::vector<std::unique_ptr<GlooPeer>> peers; ///< ascending by rank
  std::vector<Slot> sends, receives;
  uint64_t numReplays = 0;
  Notice ownNotice; ///< written by the thread that ends the session

  mutable std::mutex mutex; ///< guards what follows
  std::condition_variable changed;
  Wait waiting;
  bool waitWasAborted = false;
  bool isStopping = false;
  bool isTimerIdle = false;
  Status ended;
  bool hasClosed = false; ///< after `ended`: pairs are closed
  std::thread timer;
};

} // namespace xfer::runtime

#endif
