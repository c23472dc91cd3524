//===- Communicators.cpp - One session's NCCL communicators ---------------===//
#include "Communicators.h"
#include "Poll.h"
#include <deque>
#include <mutex>
#include <utility>

namespace xfer::runtime {
namespace {

/// From here on several communicators may be aborted in one group; before, one that waits for
/// another's kernel could block.
constexpr int kFirstGroupedAbort = 22200;

/// Where NCCL writes a communicator that it splits off: perhaps long after this session has given
/// up, so that it stays for good.
NcclComm *newSlot() {
  static std::mutex mutex;
  static auto *const slots = new std::deque<NcclComm>;
  std::lock_guard lock(mutex);
  return &slots->emplace_back(nullptr);
}

} // namespace

Status Communicators::describe(NcclResult result, NcclComm comm, const char *what) const {
  const char *detail = comm ? api.GetLastError(comm) : nullptr;
  return failure(result == kNcclRemoteError ? XFER_PEER_FAILED : XFER_BACKEND_FAILED, "cannot ",
                 what, ": ", api.GetErrorString(result), " (NCCL error ", result, ")",
                 detail && *detail ? ": " : "", detail ? detail : "");
}

Status Communicators::finishSlowly(NcclResult result, NcclComm comm, const char *what,
                                   const Deadline &deadline) const {
  for (Poll poll; result == kNcclInProgress; poll.pause()) {
    if (isAbortRequested.load())
      return failure(XFER_ABORTED, "aborted while waiting to ", what);
    if (const NcclResult asked = api.CommGetAsyncError(comm, &result); asked != kNcclSuccess)
      return describe(asked, comm, what);
    if (result == kNcclInProgress && isPast(deadline))
      return failure(XFER_TIMEOUT, "could not ", what, " within ", deadline.milliseconds, " ms");
  }
  return result == kNcclSuccess ? Status() : describe(result, comm, what);
}

Status Communicators::make(const NcclUniqueId &id, int numRanks, int rank,
                           const Deadline &deadline) {
  NcclConfig config;
  config.blocking = 0;
  const char *what = "make a communicator";
  NcclComm made = nullptr;
  const NcclResult result = api.CommInitRankConfig(&made, numRanks, id, rank, &config);
  if (made)
    comms.push_back(made);
  return made ? finish(result, made, what, deadline) : describe(result, nullptr, what);
}

Status Communicators::split(NcclComm parent, int color, int key, const Deadline &deadline) {
  NcclConfig config;
  config.blocking = 0;
  config.splitShare = 0; // sharing would let one communicator's abort end another
  const char *what = "split a communicator";
  splitting = newSlot();
  const NcclResult result = api.CommSplit(parent, color, key, splitting, &config);
  if (Status status = finish(result, parent, what, deadline); !status.isOk())
    return status;
  NcclComm made = *std::exchange(splitting, nullptr);
  if (color == kNcclSplitNoColor)
    return {};
  if (!made)
    return failure(XFER_BACKEND_FAILED, "NCCL made no communicator");
  comms.push_back(made);
  return finish(kNcclInProgress, made, what, deadline);
}

Status Communicators::asynchronousError() const {
  for (NcclComm comm : comms) {
    NcclResult result = kNcclSuccess;
    if (const NcclResult asked = api.CommGetAsyncError(comm, &result); asked != kNcclSuccess)
      result = asked;
    if (result != kNcclSuccess && result != kNcclInProgress)
      return describe(result, comm, "go on");
  }
  return {};
}

Status Communicators::close(const Deadline &deadline) {
  while (!comms.empty()) {
    NcclComm comm = comms.back();
    if (Status status = finish(api.CommFinalize(comm), comm, "finalize a communicator", deadline);
        !status.isOk())
      return status;
    comms.pop_back();
    if (const NcclResult result = api.CommDestroy(comm); result != kNcclSuccess)
      return describe(result, nullptr, "destroy a communicator");
  }
  return {};
}

void Communicators::abort() {
  const bool isGrouped = comms.size() > 1 && api.version >= kFirstGroupedAbort;
  auto abortAll = [&] {
    for (NcclComm comm : comms)
      (void)api.CommAbort(comm);
  };
  if (isGrouped)
    (void)api.GroupStart();
  abortAll();
  if (isGrouped && api.GroupEnd() != kNcclSuccess)
    abortAll();
  comms.clear();
  // What NCCL has made of a split although the split failed; it may still be writing.
  if (splitting)
    if (NcclComm made = __atomic_load_n(std::exchange(splitting, nullptr), __ATOMIC_ACQUIRE))
      (void)api.CommAbort(made);
}

} // namespace xfer::runtime
