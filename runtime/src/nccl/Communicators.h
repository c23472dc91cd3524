//===- Communicators.h - One session's NCCL communicators -------*- C++ -*-===//
//
// Number 0 holds all ranks; the others hold a broadcast set each. No other session
// uses them, so that ending one leaves the others alone. All are non-blocking: a
// call that is in progress is polled until it is not, under a deadline. Used by one
// thread at a time.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_COMMUNICATORS_H
#define XFER_RUNTIME_NCCL_COMMUNICATORS_H

#include "../Backend.h"
#include "NcclApi.h"
#include <atomic>
#include <vector>

namespace xfer::runtime {

class Communicators {
public:
  explicit Communicators(const NcclApi &api) : api(api) {}
  /// Aborts what close() has not closed.
  ~Communicators() { abort(); }
  Communicators(const Communicators &) = delete;

  /// Makes a communicator of ranks that all have `id`. All of them call it.
  Status make(const NcclUniqueId &id, int numRanks, int rank, const Deadline &deadline);
  /// Makes a communicator from `parent` for the ranks that give the same color, ordered by `key`.
  /// A rank without a color (kNcclSplitNoColor) takes part and gets none. All ranks of the parent
  /// call it.
  Status split(NcclComm parent, int color, int key, const Deadline &deadline);

  NcclComm operator[](size_t index) const { return comms[index]; }
  size_t size() const { return comms.size(); }

  /// Waits while a call on `comm` is in progress. `what` finishes "cannot ...".
  Status finish(NcclResult result, NcclComm comm, const char *what, const Deadline &deadline) {
    return result == kNcclSuccess ? Status() : finishSlowly(result, comm, what, deadline);
  }

  /// The first error that NCCL has noticed by itself.
  Status asynchronousError() const;

  /// Waits until all ranks are done with the communicators, and frees them.
  Status close(const Deadline &deadline);

  /// Frees them at once; whatever runs on them ends, here at least.
  void abort();

  /// Set by any thread: polling stops, with XFER_ABORTED.
  std::atomic<bool> isAbortRequested = false;

private:
  Status finishSlowly(NcclResult result, NcclComm comm, const char *what,
                      const Deadline &deadline) const;
  Status describe(NcclResult result, NcclComm comm, const char *what) const;

  const NcclApi &api;
  std::vector<NcclComm> comms;
  NcclComm *splitting = nullptr; ///< where NCCL writes what an unfinished split() makes
};

} // namespace xfer::runtime

#endif
