//===- Replay.h - Runs one rank's program -----------------------*- C++ -*-===//
//
// Window by window: prepare packs what this rank contributes or sends, complete
// exchanges, reduces and writes targets. prepare looks only at a bucket's
// source role, finalize only at its target role, whatever the transport. All
// memory is allocated when the Replay is opened.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_REPLAY_H
#define XFER_RUNTIME_REPLAY_H

#include "Messages.h"
#include "Progress.h"
#include "Timeline.h"

namespace xfer::runtime {

class Replay {
public:
  Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds, bool checksums,
         bool needsBuffers);

  /// Takes the connection and allocates staging.
  void open(std::unique_ptr<Connection> newConnection);
  /// Runs the program once on `data`. On failure the session has ended on every rank and nobody
  /// reads or writes this rank's memory any more.
  Status run();

  const xfer_plan &plan;
  const Program &program;
  const Messages messages;
  std::vector<std::byte *> data; ///< of each of the program's bindings
  std::unique_ptr<Connection> connection;
  Timeline timeline;
  Progress progress;

private:
  Status runWindows();
  void writeZeros();
  Status expect(size_t window);
  void prepare(size_t window);
  Status post(size_t window);
  Status complete(size_t window);
  Status settle(size_t window);

  Status gatherAndFold(size_t window, size_t bucket);
  void fold(const BucketStep &bucket, size_t index);
  Status deliver(size_t bucket);
  Status receiveAndFinalize(size_t window, size_t bucket);
  void finalize(const BucketStep &bucket, const std::byte *wire);
  Status receive(size_t window, size_t bucket, size_t slot, Received &delivery);
  Status verify(const BucketStep &bucket, const Envelope &envelope, const Received &message) const;

  Deadline deadline() const { return Deadline::in(timeout); }
  uint64_t checksumOf(const std::byte *bytes, int64_t count) const;
  std::byte *sourceMemory(const BucketStep &bucket) const;
  std::byte *targetMemory(const BucketStep &bucket) const;
  std::byte *contributionOf(size_t bucket);
  std::byte *wireOf(size_t bucket);

  const int64_t timeout;
  const bool checksums;
  const bool needsBuffers; ///< see xfer_group
  std::vector<std::byte> staging;
  /// Where each bucket stages what it packs or folds, its contribution, and what it receives.
  struct Place {
    int64_t wire = 0, contribution = 0, received = 0;
  };
  std::vector<Place> places;
  std::vector<Received> received;   ///< contributions of the bucket being folded
  std::vector<std::byte> foldBlock; ///< a piece of the running total
};

} // namespace xfer::runtime

#endif
