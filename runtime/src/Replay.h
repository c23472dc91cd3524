//===- Replay.h - Runs one rank's program -----------------------*- C++ -*-===//
//
// Window by window: prepare packs what this rank contributes or sends, complete
// exchanges, reduces and writes targets. prepare looks only at a bucket's
// source role, finalize only at its target role, whatever the transport. All
// memory is allocated when the Replay is made.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_REPLAY_H
#define XFER_RUNTIME_REPLAY_H

#include "Backend.h"
#include "Plan.h"

namespace xfer::runtime {

class Replay {
public:
  Replay(const xfer_plan &plan, const Program &program, int64_t timeoutMilliseconds);

  /// Messages that this rank sends in one replay.
  size_t numSlots() const { return slotsBefore.back(); }
  /// Takes the connection and allocates staging.
  void open(std::unique_ptr<Connection> newConnection);
  /// Runs the program once on `data`. On failure the session has ended on every rank and nobody
  /// reads or writes this rank's memory any more.
  Status run();

  const xfer_plan &plan;
  const Program &program;
  std::vector<std::byte *> data; ///< of each of the program's bindings
  std::unique_ptr<Connection> connection;

private:
  Status runWindows();
  void writeZeros();
  void prepare(size_t window);
  Status post(size_t window);
  Status complete(size_t window);
  Status settle(size_t window);

  Status gatherAndFold(const WindowStep &window, size_t bucket);
  void fold(const BucketStep &bucket, size_t index);
  Status deliver(const WindowStep &window, size_t bucket, size_t &slot);
  void finalize(const BucketStep &bucket, const std::byte *wire);

  Envelope envelopeOf(MessageKind kind, const WindowStep &window, const BucketStep &bucket,
                      int64_t from, int64_t to) const;
  Deadline deadline() const { return Deadline::in(timeout); }
  std::byte *sourceMemory(const BucketStep &bucket) const;
  std::byte *contributionOf(size_t bucket);
  std::byte *wireOf(size_t bucket);

  const int64_t timeout;
  std::vector<std::byte> staging;
  /// Where each bucket stages its contribution and its wire buffer.
  struct Place {
    int64_t contribution = 0, wire = 0;
  };
  std::vector<Place> places;
  std::vector<size_t> slotsBefore;  ///< per window; one more at the end
  std::vector<Received> received;   ///< contributions of the bucket being folded
  std::vector<std::byte> foldBlock; ///< a piece of the running total
  bool hasWritten = false;          ///< a target, in this replay
};

} // namespace xfer::runtime

#endif
