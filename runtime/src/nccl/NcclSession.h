//===- NcclSession.h - One rank's session on a device -----------*- C++ -*-===//
//
// Agrees with the other ranks, makes communicators, and enqueues replays on the
// caller's stream. Nothing runs by itself: deadlines are kept while the session's
// user waits. A session that failed has aborted its communicators and writes
// nothing any more.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_NCCLSESSION_H
#define XFER_RUNTIME_NCCL_NCCLSESSION_H

#include "../Progress.h"
#include "../Rendezvous.h"
#include "../Session.h"
#include "BroadcastSets.h"
#include "DeviceReplay.h"
#include "Exchange.h"
#include "NoticeBoard.h"
#include <mutex>

namespace xfer::runtime {

/// What a session needs of its group.
struct NcclParent {
  NcclParent(const NcclApi &nccl, const CudaApi &cuda) : nccl(nccl), cuda(cuda) {}

  const NcclApi &nccl;
  const CudaApi &cuda;
  int device = 0;
  size_t maxCommunicators = 0; ///< of broadcast sets, on one rank
  /// Either a store to meet in, or the caller's communicator of all ranks, which is only split.
  const xfer_store_t *store = nullptr;
  std::string prefix; ///< of the store's keys
  NcclComm comm = nullptr;
  int commRank = 0, commSize = 0;
};

class NcclSession final : public xfer_session {
public:
  static Status create(const NcclParent &parent, const xfer_plan &plan, const Program &program,
                       int64_t timeout, const xfer_session_options_t &options,
                       std::unique_ptr<xfer_session> &session);
  ~NcclSession() override;

  Status bind(std::span<const xfer_binding_t> bindings) override;
  Status replay(void *stream) override;
  Status wait(int64_t timeoutMilliseconds) override;
  void abort() override;
  std::span<const char *const> incomplete() const override { return incompleteNames; }
  Status counters(xfer_counters_t &counters) const override;
  Status writeTimeline(const char *path) const override;

private:
  NcclSession(const NcclParent &parent, const xfer_plan &plan, const Program &program,
              int64_t timeout, const xfer_session_options_t &options);
  Status open(const Deadline &deadline);
  Status prepare();
  Agreement agreement() const;
  Status meetInStore(const Status &prepared, const Deadline &deadline);
  Status meetOnComm(const Status &prepared, const Deadline &deadline);
  Status splitSets(const Deadline &deadline);
  Status checkMemory(std::span<std::byte *const> data) const;

  /// How far the replays in flight have come.
  struct Position {
    int64_t numReplays = 0; ///< finished
    size_t numWindows = 0;  ///< of the last replay, from the first on
    bool operator==(const Position &) const = default;
  };
  Status look();
  bool isIdle() const { return !replayer || replayer->numInFlight() == 0; }
  Position advance(Position position) const;
  Status hearPeers();
  Status findDamage() const;
  Status whoIsStuck(const Position &position);
  std::string describeStuck(const Position &position, const std::vector<int64_t> &silent) const;
  void end(const Status &cause);
  void noteProgress();

  const NcclParent parent;
  const xfer_plan &plan;
  const Program &program;
  const int64_t timeout;
  const int64_t budget;
  const uint64_t epoch;
  const bool wantsChecksums;
  const int position; ///< of this rank in the job
  const int numRanks;

  mutable std::mutex mutex; ///< held in every call of NCCL and CUDA
  Communicators comms;
  Schedule schedule;
  std::unique_ptr<DeviceReplay> replayer;
  std::unique_ptr<NoticeBoard> board; ///< null without a store
  Progress progress;
  std::vector<std::byte *> data; ///< of each of the program's bindings
  bool isBound = false;
  Status lastFailure;
  std::vector<const char *> incompleteNames;
  Timeline timeline; ///< its counters; moments stay on the device until they are asked for
};

} // namespace xfer::runtime

#endif
