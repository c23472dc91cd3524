//===- Schedule.h - One rank's program as device work -----------*- C++ -*-===//
//
// Turns a program into what is enqueued for it: per window the copies that pack,
// groups of wire operations, folds, and the copies that unpack; with checksums what
// it seals and verifies; and lays out staging in device memory. Everything is decided when the
// session is created, from the plan alone, so that both ends of a message decide alike.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_SCHEDULE_H
#define XFER_RUNTIME_NCCL_SCHEDULE_H

#include "../Messages.h"
#include "../cuda/StepBuilder.h"
#include <map>

namespace xfer::runtime {

/// One call of NCCL. Bytes cross as they are: element types matter to the kernels alone.
struct WireOperation {
  enum class Kind : uint8_t { Send, Receive, Broadcast };
  Kind kind = Kind::Send;
  int32_t communicator = 0; ///< 0: of all ranks; 1 + i: of broadcast set i
  int32_t peer = 0;         ///< in the communicator; the root of a broadcast
  Place place;              ///< where the bytes lie or go
  int64_t bytes = 0;
};

/// Indices [first, first + count).
struct IndexRange {
  size_t first = 0;
  size_t count = 0;
};

/// What a window does, in this order; each stage waits for the one before.
enum class Stage : uint8_t {
  Pack,
  Gather, ///< contributions, to the rank that folds them
  Fold,
  Deliver,
  Unpack,
};
inline constexpr Stage kStages[] = {Stage::Pack, Stage::Gather, Stage::Fold, Stage::Deliver,
                                    Stage::Unpack};

/// What kernels do in one stage: verify what has arrived, copy or fold, seal what will be sent.
struct KernelWork {
  MessageRange verified;
  TileRange tiles;
  MessageRange sealed;
  bool isEmpty() const { return verified.count + tiles.count + sealed.count == 0; }
};

struct DeviceWindow {
  int64_t index = 0; ///< in the job
  KernelWork pack, fold, unpack;
  IndexRange gathers, deliveries; ///< groups

  bool has(Stage stage) const {
    switch (stage) {
    case Stage::Pack:
      return !pack.isEmpty();
    case Stage::Gather:
      return gathers.count > 0;
    case Stage::Fold:
      return !fold.isEmpty();
    case Stage::Deliver:
      return deliveries.count > 0;
    case Stage::Unpack:
      return !unpack.isEmpty();
    }
    return false;
  }
};

class Schedule {
public:
  /// Positions of a job's ranks that take part in a broadcast, ascending.
  using BroadcastSet = std::vector<int32_t>;

  /// Lays out staging, within `budget` bytes if it can be done; 0: no limit. With checksums all
  /// messages are staged, and longer by their checksum.
  Schedule(const xfer_plan &plan, const Program &program, int64_t budget, bool checksums);

  /// The sets this rank broadcasts in, each with the bytes that it moves.
  const std::map<BroadcastSet, int64_t> &broadcastSets() const { return sets; }

  /// Lists the wire operations. `communicators` numbers the sets that got a communicator; the
  /// others are served point to point.
  void plan(const std::map<BroadcastSet, int32_t> &communicators);

  /// Adds every copy, fold and checksum, and notes which launch runs which tiles.
  void buildSteps(StepBuilder &builder);

  /// A message whose checksum is made or verified here.
  struct HashedMessage {
    size_t window = 0;
    size_t bucket = 0; ///< Program::buckets
    MessageKind kind = MessageKind::Delivery;
    int64_t from = 0; ///< rank
  };
  Envelope envelopeOf(const HashedMessage &message) const;

  /// A rank that a window exchanges with, and a bucket in which it does.
  struct WindowPeer {
    int64_t rank = 0;
    int64_t bucket = 0; ///< ordinal
  };
  std::vector<WindowPeer> peersOf(size_t window) const; ///< ascending

  /// True if a bucket is received into its target's own memory.
  bool arrivesInPlace(const BucketStep &bucket) const {
    return bucket.unpacksInPlace && !checksums; // which are compared before the target is written
  }

  std::vector<DeviceWindow> windows;
  std::vector<IndexRange> groups; ///< of operations
  std::vector<WireOperation> operations;
  IndexRange warmUp; ///< groups that connect every pair of ranks once
  TileRange zeros;
  int64_t stagingBytes = 0;
  std::vector<HashedMessage> hashed; ///< by index of their steps

private:
  /// Where a bucket's buffers lie on this rank.
  struct BucketPlaces {
    Place contribution, wire;
    std::vector<Place> contributions; ///< of all contributors, in fold order; on the sender
  };

  void layOut(int64_t alignment);
  void placeBucket(const BucketStep &bucket, int64_t alignment, BucketPlaces &places,
                   int64_t &end) const;
  void planWindow(size_t window, const std::map<BroadcastSet, int32_t> &communicators);
  void packWindow(size_t window, StepBuilder &builder);
  void foldWindow(size_t window, StepBuilder &builder);
  void unpackWindow(size_t window, StepBuilder &builder);
  void hash(size_t window, const BucketStep &bucket, MessageKind kind, int64_t from, Place place,
            StepBuilder &builder);
  bool isSent(const BucketStep &bucket) const;
  int64_t messageBytes(int64_t bytes) const;
  void addGroups(const std::vector<WireOperation> &messages, IndexRange &range);
  std::vector<WireOperation> warmUpMessages() const;
  int32_t distanceOf(const WireOperation &message) const;
  BroadcastSet setOf(const BucketStep &bucket) const;
  int32_t positionOf(int64_t rank) const;

  const xfer_plan &job;
  const Program &program;
  const bool checksums;
  std::vector<BucketPlaces> places; ///< per bucket
  std::map<BroadcastSet, int64_t> sets;
};

} // namespace xfer::runtime

#endif
