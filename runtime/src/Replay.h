//===- Replay.h - Runs one rank's program -----------------------*- C++ -*-===//
//
// Window by window: prepare packs and posts what this rank contributes or sends,
// complete exchanges, reduces and writes targets. prepare looks only at a bucket's
// source role, finalize only at its target role, whatever the transport. All
// memory is allocated when the Replay is opened.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_REPLAY_H
#define XFER_RUNTIME_REPLAY_H

#include "Messages.h"
#include "Progress.h"
#include "ReplayMemory.h"
#include "Timeline.h"

namespace xfer::runtime {

class Replay {
public:
  Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds, bool checksums,
         bool needsBuffers);

  /// Takes the connection and allocates staging.
  void open(std::unique_ptr<Connection> newConnection);
  /// Runs the program once on the bound tensors. On failure the session has ended on every rank and
  /// nobody reads or writes this rank's memory any more.
  Status run();

  const xfer_plan &plan;
  const Program &program;
  const Messages messages;
  ReplayMemory memory;
  std::unique_ptr<Connection> connection;
  Timeline timeline;
  Progress progress;

private:
  Status runWindows();
  void writeZeros();
  Status expect(size_t window);
  Status prepare(size_t window);
  Status complete(size_t window);
  Status settle(size_t window);

  Status contribute(size_t window, size_t bucket);
  Status packAndDeliver(size_t window, size_t bucket);
  Status deliver(size_t window, size_t bucket, size_t segment);
  Status post(size_t window, size_t slot, const std::byte *data, uint64_t checksum);

  Status gatherAndFold(size_t window, size_t bucket);
  Status receiveAndFinalize(size_t window, size_t bucket);
  void finalize(const Segment &segment, const std::byte *wire);
  Status receive(size_t window, size_t slot, std::span<const ChunkStep> chunks, Received &message);

  Deadline deadline() const { return Deadline::in(timeout); }
  uint64_t checksumOf(const std::byte *bytes, int64_t count) const;

  const int64_t timeout;
  const bool checksums;
  std::vector<Received> received; ///< contributions of the bucket being folded
};

} // namespace xfer::runtime

#endif
