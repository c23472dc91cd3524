//===- ThreadsConnection.h - Messages between threads -----------*- C++ -*-===//
//
// A Fabric holds a Port for every rank of one session in this process. A
// message is a node in its receiver's inbox that points at the sender's memory:
// nothing is copied on the way. Nobody spins; a rank's worker sleeps on its
// own port, whatever it waits for.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_THREADS_THREADSCONNECTION_H
#define XFER_RUNTIME_THREADS_THREADSCONNECTION_H

#include "../Backend.h"
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace xfer::runtime {

struct Port;

/// One lent message.
struct Message {
  enum class State : uint8_t {
    Settled, ///< nobody but the sender knows it
    Queued,  ///< in the receiver's inbox
    Taken,   ///< the receiver reads it
  };
  Envelope envelope;
  const std::byte *data = nullptr;
  uint64_t checksum = 0;
  Message *next = nullptr; ///< in the inbox
  Port *sender = nullptr;
  Port *receiver = nullptr;
  std::atomic<State> state = State::Settled;
};

/// A rank's place to wait.
struct Port {
  std::mutex mutex;
  std::condition_variable changed; ///< inbox, a settled message, a failure, or a peer that left
  Message *inbox = nullptr;        ///< oldest first; guarded by `mutex`
  Message *inboxTail = nullptr;
  std::atomic<bool> hasLeft = false;

  void push(Message &message);
  /// Unlinks and returns the oldest message of this kind from `rank`, or nullptr.
  Message *popFrom(int64_t rank, MessageKind kind);
  /// Unlinks `message` if it is still in the inbox.
  bool remove(Message &message);
  /// Wakes the port's worker after a change outside the inbox.
  void wake();
};

/// Shared by the connections of one session.
class Fabric {
public:
  explicit Fabric(std::span<const int64_t> ranks);
  Port &portOf(int64_t rank);
  void wakeAll();
  void fail(int64_t rank, const Status &cause);
  bool hasFailed() const { return failed.load(std::memory_order_acquire); }
  /// The failure as `rank` reports it.
  Status failureFor(int64_t rank) const;

private:
  std::vector<int64_t> ranks;
  std::vector<Port> ports;
  std::atomic<bool> failed = false;
  mutable std::mutex mutex; ///< guards the cause
  int64_t failedRank = 0;
  Status cause;
};

class ThreadsConnection final : public Connection {
public:
  ThreadsConnection(std::shared_ptr<Fabric> fabric, const Agreement &agreement);
  ~ThreadsConnection() override;
  Status send(size_t slot, const std::byte *data, uint64_t checksum) override;
  Status settle(size_t first, size_t count, const Deadline &deadline) override;
  Status expect(size_t, std::byte *) override { return {}; }
  Status receive(size_t slot, const Deadline &deadline, Received &received) override;
  void release(const Received &received) override;
  Status finish(const Deadline &) override { return {}; } // settled messages have been unpacked
  void fail(const Status &cause) override;
  Status failure() const override;
  void withdraw() override;

private:
  std::shared_ptr<Fabric> fabric;
  const int64_t rank;
  Port &port;
  std::vector<Message> messages; ///< one per slot
  std::span<const Envelope> receives;
};

} // namespace xfer::runtime

#endif
