//===- DeviceReplay.h - Enqueues one replay ---------------------*- C++ -*-===//
//
// Owns a session's streams, events, staging and tables, and enqueues the
// schedule on them. Enqueuing allocates nothing and waits for nothing but NCCL
// calls in progress.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_DEVICEREPLAY_H
#define XFER_RUNTIME_NCCL_DEVICEREPLAY_H

#include "../Timeline.h"
#include "../cuda/Device.h"
#include "Communicators.h"
#include "Schedule.h"
#include <array>

namespace xfer::runtime {

class DeviceReplay {
public:
  DeviceReplay(const NcclApi &nccl, const CudaApi &cuda, Communicators &comms, Schedule &schedule)
      : nccl(nccl), cuda(cuda), comms(comms), schedule(schedule) {}

  /// Makes streams, events and staging, for tensors in `numBindings` places.
  Status allocate(size_t numBindings);
  /// Connects every pair of ranks that will exchange messages, so that no replay does. All ranks
  /// call it.
  Status connect(const Deadline &deadline);
  /// Makes and uploads the tables for tensors at `data`. No replay may be in flight.
  Status bind(std::span<std::byte *const> data, const Deadline &deadline);
  /// Enqueues one replay after everything on `stream`, and makes `stream` wait for it. A stream
  /// that is being captured records it instead, and says so.
  Status enqueue(CudaStream stream, const Deadline &deadline, bool &isCaptured);

  /// Looks which replays have finished; those that were captured are not counted.
  Status update();
  int64_t numFinished() const { return finished; }
  /// What those took on the device, together.
  int64_t finishedNanoseconds() const { return finishedTime; }
  int64_t numInFlight() const { return enqueued - finished; }
  /// How far a window of the last replay has come.
  struct WindowState {
    bool isWired = false; ///< nothing of it is on the wire any more
    bool isDone = false;
  };
  Status stateOf(size_t window, WindowState &state) const;
  /// Writes when each stage of the last replay ran. No replay may be in flight.
  Status readTimes(Timeline &timeline, const Deadline &deadline) const;

  /// Waits until the device has done what was enqueued; false if it has not by the deadline.
  bool drain(const Deadline &deadline);

  /// From here on kernels that have not begun do less: kWriteNoTarget or kTouchNothing.
  void halt(uint32_t how, const Deadline &deadline);

  /// The first message that was not what its checksum says, or null. Once there is one, no kernel
  /// writes a target any more.
  const DamageReport *damage() const {
    const auto *found = reinterpret_cast<const DamageReport *>(report.data());
    return found && __atomic_load_n(&found->isSet, __ATOMIC_ACQUIRE) ? found : nullptr;
  }

private:
  /// One call of NCCL with its addresses.
  struct Call {
    WireOperation::Kind kind;
    int32_t peer;
    NcclComm comm;
    std::byte *address;
    size_t bytes;
  };
  /// The ends of a window's stages, for what waits for them.
  using WindowEvents = std::array<OwnedEvent, std::size(kStages)>;
  /// The first and the last thing of a replay.
  struct ReplayEvents {
    OwnedEvent began, ended;
  };
  enum StreamRole { kPack, kWire, kUnpack, kNumStreams };

  void enqueueWindow(size_t window, const Deadline &deadline);
  const ReplayEvents &eventsOf(int64_t replay) const {
    return replayEvents[static_cast<size_t>(replay) % replayEvents.size()];
  }
  static StreamRole streamOf(Stage stage);
  CudaEvent endOf(size_t window, Stage stage) const {
    return events[window][static_cast<size_t>(stage)];
  }
  CudaEvent lastEventOf(size_t window) const;
  CudaStream use(StreamRole role);
  void wait(StreamRole role, CudaEvent event);
  void record(CudaEvent event, StreamRole role);
  void launch(CudaApi::Kernel kernel, int64_t first, int64_t count, StreamRole role);
  void launch(const KernelWork &work, CudaApi::Kernel kernel, StreamRole role);
  void issue(const IndexRange &groups, const Deadline &deadline);
  NcclResult call(const Call &each) const;
  Status query(CudaEvent event, bool &isComplete) const;
  Status readClock(CudaEvent event, const Deadline &deadline, Moment &moment) const;
  Status elapsed(CudaEvent from, CudaEvent to, int64_t &nanoseconds) const;
  Status waitFor(CudaEvent event, const char *what, const Deadline &deadline) const;
  /// The same of a session that may be dead.
  bool isDoneBy(const Deadline &deadline, CudaEvent event) const;
  Status upload(const StepBuilder &builder, std::span<std::byte *const> bases,
                const Deadline &deadline);

  bool isGoing() const { return trouble.isOk(); }
  void note(CudaError error, const char *what) {
    if (error != kCudaSuccess && isGoing())
      trouble = cuda.check(error, what);
  }

  const NcclApi &nccl;
  const CudaApi &cuda;
  Communicators &comms;
  Schedule &schedule;

  OwnedStream streams[kNumStreams];
  OwnedStream stopStream; ///< free when the others are stuck
  OwnedEvent packTail, unpackTail, uploadedEvent, clockEvent;
  /// Of the last replays, by their number; beyond that a replay counts when a later one has
  /// finished.
  std::array<ReplayEvents, 64> replayEvents;
  ReplayEvents captureEvents; ///< which tell nothing: they become edges of the graph
  std::vector<WindowEvents> events;
  DeviceMemory staging, tableMemory, haltFlag;
  PinnedMemory tableCopy; ///< the host's side of the tables; starts with haltFlag's new value
  PinnedMemory report;    ///< a DamageReport
  size_t tableCapacity = 0;
  StepTables tables;
  std::vector<Call> calls; ///< by index in Schedule::operations

  Status trouble;                     ///< the first of this enqueuing
  CudaEvent began = nullptr;          ///< of this enqueuing
  bool isUsed[kNumStreams];           ///< in this enqueuing
  int64_t enqueued = 0, finished = 0; ///< replays
  int64_t finishedTime = 0;           ///< nanoseconds
  size_t numEnqueued = 0;             ///< windows of the last replay
  bool wasCaptured = false;           ///< the last replay
};

} // namespace xfer::runtime

#endif
