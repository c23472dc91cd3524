//===- Backend.h - How messages cross ranks ---------------------*- C++ -*-===//
//
// What replaying needs from the world: ranks that agree (Group), and messages
// between two of them (Connection). The messages of a replay are known when a rank
// joins; those of one kind and an ordered pair of ranks arrive in the order in which
// they were sent, and one other than the expected is an error, never data. A backend
// is a folder with a Group and a Connection.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_BACKEND_H
#define XFER_RUNTIME_BACKEND_H

#include "Status.h"
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace xfer::runtime {

struct Program;

/// A point in time and the length of the wait that it ends, for messages.
struct Deadline {
  /// A year: longer waits would overflow the clock.
  static constexpr int64_t kLongest = int64_t{365} * 24 * 3600 * 1000;
  std::chrono::steady_clock::time_point time;
  int64_t milliseconds = 0;
  static Deadline in(int64_t milliseconds) {
    milliseconds = std::min(milliseconds, kLongest);
    return {std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds),
            milliseconds};
  }
};

/// The messages a bucket can cause between two ranks. Kinds overtake each other.
enum class MessageKind : uint8_t {
  Contribution, ///< to the sender, which reduces
  Delivery,     ///< from the sender to a destination, of what it packed
  Total,        ///< from the sender to a destination, of what it reduced
};
inline constexpr size_t kNumMessageKinds = 3;

/// Names a message. Both ends make it from their own program; it must come out the same.
struct Envelope {
  MessageKind kind = MessageKind::Delivery;
  int64_t from = 0, to = 0;
  int64_t window = 0;  ///< index in the job
  int64_t ordinal = 0; ///< of the bucket
  uint64_t ends = 0;   ///< hash of the bucket's contributors, sender, destinations and content
  int64_t offset = 0;  ///< bytes into what the bucket packs
  int64_t bytes = 0;
  bool operator==(const Envelope &) const = default;
};

/// "delivery of window 3, bucket 0 with ends and chunks 0x..., 4096 bytes at 0".
std::string describe(const Envelope &envelope);

/// A message as its receiver sees it. The bytes may be the sender's until release().
struct Received {
  const std::byte *data = nullptr;
  uint64_t checksum = 0;
  void *handle = nullptr; ///< the backend's
};

/// One rank's end of a session. Used by the session's worker thread; fail() and failure() by any.
class Connection {
public:
  /// Tells the peers that wait for this rank that it has left. No message may be outstanding.
  virtual ~Connection() = default;

  /// Lends `data` to the receiver until the slot is settled. Never waits for the receiver. Slots
  /// number the agreement's messages, and hold one at a time.
  virtual Status send(size_t slot, const std::byte *data, uint64_t checksum) = 0;
  /// Waits until nobody reads what slots [first, first + count) lent.
  virtual Status settle(size_t first, size_t count, const Deadline &deadline) = 0;
  /// Announces that the message of this slot may be written to `buffer`. Never waits.
  virtual Status expect(size_t slot, std::byte *buffer) = 0;
  /// Waits for the message of a slot that is expected.
  virtual Status receive(size_t slot, const Deadline &deadline, Received &received) = 0;
  virtual void release(const Received &received) = 0;
  /// Ends a replay: every message of it has been received here, and when this returns, by others.
  virtual Status finish(const Deadline &deadline) = 0;

  /// Ends the session on every rank: every wait, here and there, returns an error. The first cause
  /// is kept.
  virtual void fail(const Status &cause) = 0;
  /// Why the session ended, as this rank should report it; ok while it lives.
  virtual Status failure() const = 0;
  /// After fail(): takes back what is lent. When it returns nobody reads or writes this rank's
  /// buffers.
  virtual void withdraw() = 0;
};

/// What all ranks of a session must have in common, and what one brings.
struct Agreement {
  int64_t rank = 0;
  uint64_t digest = 0;
  uint32_t version = 0;
  uint64_t epoch = 0;
  bool checksums = false;
  std::span<const int64_t> ranks; ///< of the job, ascending
  /// The messages of one replay, by slot, those of one kind in the order in which they cross.
  std::span<const Envelope> sends, receives;
};

} // namespace xfer::runtime

/// Where ranks meet. Thread safe.
struct xfer_group {
  virtual ~xfer_group() = default;
  /// Whether messages need memory of the receiver's to arrive in; else it reads the sender's.
  virtual bool needsBuffers() const = 0;
  /// Agrees with the other ranks and makes the session of one. Here: one that replays on the host,
  /// through the connection that join() gives.
  virtual xfer::runtime::Status openSession(const xfer_plan &plan,
                                            const xfer::runtime::Program &program, int64_t timeout,
                                            const xfer_session_options_t &options,
                                            std::unique_ptr<xfer_session> &session);
  /// Waits until every rank of the job has called it and agrees.
  virtual xfer::runtime::Status join(const xfer::runtime::Agreement &agreement,
                                     const xfer::runtime::Deadline &deadline,
                                     std::unique_ptr<xfer::runtime::Connection> &connection) = 0;
};

#endif
