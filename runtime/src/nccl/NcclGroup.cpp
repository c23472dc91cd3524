//===- NcclGroup.cpp - Where the ranks of NCCL meet -----------------------===//
#include "NcclGroup.h"
#include "Poll.h"
#include <cstring>
#include <new>

namespace xfer::runtime {
namespace {

constexpr int64_t kDefaultTimeoutMilliseconds = 60'000;
constexpr int32_t kDefaultMaxCommunicators = 8;

} // namespace

Status NcclGroup::create(const xfer_nccl_options_t &options, std::unique_ptr<xfer_group> &group) {
  if (options.size < sizeof(options))
    return failure(XFER_INVALID_ARGUMENT, "options have size ", options.size,
                   ", expected at least ", sizeof(options));
  if (options.timeout_ms < 0)
    return failure(XFER_INVALID_ARGUMENT, "options have timeout ", options.timeout_ms,
                   " ms, expected 0 or more");
  const CudaApi *cuda = nullptr;
  const NcclApi *nccl = nullptr;
  if (Status status = CudaApi::get(cuda); !status.isOk())
    return status;
  if (Status status = NcclApi::get(nccl); !status.isOk())
    return status;
  std::unique_ptr<NcclGroup> made(new NcclGroup(*nccl, *cuda));
  made->parent.maxCommunicators =
      static_cast<size_t>(options.max_communicators == 0 ? kDefaultMaxCommunicators
                                                         : std::max(options.max_communicators, 0));
  if (Status status = options.comm ? made->borrow(options.comm) : made->make(options);
      !status.isOk())
    return status;
  group = std::move(made);
  return {};
}

Status NcclGroup::borrow(void *comm) {
  parent.comm = static_cast<NcclComm>(comm);
  for (const NcclResult result : {parent.nccl.CommCount(parent.comm, &parent.numRanks),
                                  parent.nccl.CommUserRank(parent.comm, &parent.rank),
                                  parent.nccl.CommCuDevice(parent.comm, &parent.device)})
    if (result != kNcclSuccess)
      return failure(XFER_INVALID_ARGUMENT,
                     "cannot use 'options.comm': ", parent.nccl.GetErrorString(result),
                     " (NCCL error ", result, ")");
  return {};
}

/// Verifies:
/// - position, number of ranks and device make sense;
/// - the ranks can find each other: by a unique id or a store.
Status NcclGroup::make(const xfer_nccl_options_t &options) {
  if (options.num_ranks < 1 || options.num_ranks > INT_MAX || options.position < 0 ||
      options.position >= options.num_ranks)
    return failure(XFER_INVALID_ARGUMENT, "position ", options.position, " of ", options.num_ranks,
                   " ranks does not exist");
  if (options.device < 0 || options.device >= parent.cuda.numDevices)
    return failure(XFER_INVALID_ARGUMENT, "device ", options.device, " does not exist, there are ",
                   parent.cuda.numDevices);
  if (!options.unique_id && !options.store)
    return failure(XFER_INVALID_ARGUMENT,
                   "'options' have no communicator, no unique id and no store");
  parent.rank = static_cast<int>(options.position);
  parent.numRanks = static_cast<int>(options.num_ranks);
  parent.device = options.device;
  const Deadline deadline =
      Deadline::in(options.timeout_ms > 0 ? options.timeout_ms : kDefaultTimeoutMilliseconds);
  NcclUniqueId id = {};
  if (Status status = findUniqueId(options, deadline, id); !status.isOk())
    return status;
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  NcclConfig config;
  config.blocking = 0;
  isOwned = true;
  return waitForComm(
      parent.nccl.CommInitRankConfig(&parent.comm, parent.numRanks, id, parent.rank, &config),
      deadline);
}

/// The caller's id, or the one that position 0 leaves in the store.
Status NcclGroup::findUniqueId(const xfer_nccl_options_t &options, const Deadline &deadline,
                               NcclUniqueId &id) const {
  if (options.unique_id) {
    std::memcpy(&id, options.unique_id, sizeof(id));
    return {};
  }
  const xfer_store_t &store = *options.store;
  if (store.size < sizeof(store) || !store.set || !store.get || !store.wait)
    return failure(XFER_INVALID_ARGUMENT, "'options.store' lacks a callback");
  const std::string key = concat(options.prefix ? options.prefix : "xfer", "/nccl/id");
  if (options.position == 0) {
    if (const NcclResult result = parent.nccl.GetUniqueId(&id); result != kNcclSuccess)
      return failure(XFER_UNSUPPORTED,
                     "cannot make a unique id: ", parent.nccl.GetErrorString(result),
                     " (NCCL error ", result, ")");
    if (const xfer_status_t status = store.set(store.user, key.c_str(), &id, sizeof(id));
        status != XFER_OK)
      return failure(status, "cannot set '", key, "' in the store");
    return {};
  }
  if (const xfer_status_t status = store.wait(store.user, key.c_str(), deadline.milliseconds);
      status != XFER_OK)
    return failure(status, "position 0 did not set '", key, "' in the store within ",
                   deadline.milliseconds, " ms");
  size_t bytes = 0;
  if (const xfer_status_t status = store.get(store.user, key.c_str(), &id, sizeof(id), &bytes);
      status != XFER_OK || bytes != sizeof(id))
    return failure(status == XFER_OK ? XFER_MISMATCH : status, "'", key, "' in the store has ",
                   bytes, " bytes, expected ", sizeof(id));
  return {};
}

Status NcclGroup::waitForComm(NcclResult result, const Deadline &deadline) {
  for (Poll poll; result == kNcclInProgress; poll.pause()) {
    if (!parent.comm || parent.nccl.CommGetAsyncError(parent.comm, &result) != kNcclSuccess)
      break;
    if (result == kNcclInProgress && isPast(deadline))
      return failure(XFER_TIMEOUT, "not all of ", parent.numRanks,
                     " ranks made a communicator within ", deadline.milliseconds, " ms");
  }
  return result == kNcclSuccess
             ? Status()
             : failure(result == kNcclRemoteError ? XFER_PEER_FAILED : XFER_UNSUPPORTED,
                       "cannot make a communicator: ", parent.nccl.GetErrorString(result),
                       " (NCCL error ", result, ")");
}

NcclGroup::~NcclGroup() {
  if (!isOwned || !parent.comm)
    return;
  const CurrentDevice device(parent.cuda, parent.device);
  // Sessions have communicators of their own: nothing can be running on this one.
  (void)parent.nccl.CommAbort(parent.comm);
}

Status NcclGroup::openSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                              const xfer_session_options_t &options,
                              std::unique_ptr<xfer_session> &session) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  Status status = NcclSession::create(parent, plan, program, timeout, options, session);
  if (status.isOk())
    return status;
  // A split that some rank never joined leaves the communicator in progress for good.
  NcclResult result = kNcclSuccess;
  (void)parent.nccl.CommGetAsyncError(parent.comm, &result);
  if (result != kNcclSuccess)
    lastFailure =
        failure(XFER_PEER_FAILED, "the group's communicator is unusable since: ", status.text(),
                "; make a new group");
  return status;
}

Status NcclGroup::join(const Agreement &, const Deadline &, std::unique_ptr<Connection> &) {
  return failure(XFER_UNSUPPORTED, "ranks on devices have no host connection");
}

} // namespace xfer::runtime

xfer_status_t xfer_group_create_nccl(const xfer_nccl_options_t *options, xfer_group_t **out_group) {
  using namespace xfer::runtime;
  if (!options || !out_group)
    return reportStatus(
        failure(XFER_INVALID_ARGUMENT, "'", options ? "out_group" : "options", "' is NULL"));
  try {
    std::unique_ptr<xfer_group> group;
    Status status = NcclGroup::create(*options, group);
    if (status.isOk())
      *out_group = group.release();
    return reportStatus(status);
  } catch (const std::bad_alloc &) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "cannot allocate a group"));
  }
}

xfer_status_t xfer_nccl_get_unique_id(void *out_id) {
  using namespace xfer::runtime;
  if (!out_id)
    return reportStatus(failure(XFER_INVALID_ARGUMENT, "'out_id' is NULL"));
  const NcclApi *nccl = nullptr;
  if (Status status = NcclApi::get(nccl); !status.isOk())
    return reportStatus(status);
  const NcclResult result = nccl->GetUniqueId(static_cast<NcclUniqueId *>(out_id));
  return result == kNcclSuccess
             ? XFER_OK
             : reportStatus(failure(XFER_UNSUPPORTED, "cannot make a unique id: ",
                                    nccl->GetErrorString(result), " (NCCL error ", result, ")"));
}
