//===- NcclGroup.cpp - Where the ranks of NCCL meet -----------------------===//
#include "NcclGroup.h"
#include <new>

namespace xfer::runtime {
namespace {

constexpr int32_t kDefaultMaxCommunicators = 8;

} // namespace

/// Verifies:
/// - the ranks can meet, by a store or a communicator;
/// - NCCL, the CUDA runtime and a device are there.
Status NcclGroup::create(const xfer_nccl_options_t &options, std::unique_ptr<xfer_group> &group) {
  if (options.size < sizeof(options))
    return failure(XFER_INVALID_ARGUMENT, "options have size ", options.size,
                   ", expected at least ", sizeof(options));
  if (options.comm && options.store)
    return failure(XFER_INVALID_ARGUMENT,
                   "'options' have a communicator and a store, expected one");
  if (!options.comm)
    if (Status status = checkStore(options.store); !status.isOk())
      return status;
  const CudaApi *cuda = nullptr;
  const NcclApi *nccl = nullptr;
  if (Status status = CudaApi::get(cuda); !status.isOk())
    return status;
  if (Status status = NcclApi::get(nccl); !status.isOk())
    return status;
  std::unique_ptr<NcclGroup> made(new NcclGroup(*nccl, *cuda));
  NcclParent &parent = made->parent;
  parent.maxCommunicators =
      static_cast<size_t>(options.max_communicators == 0 ? kDefaultMaxCommunicators
                                                         : std::max(options.max_communicators, 0));
  if (options.comm) {
    if (Status status = made->borrow(options.comm); !status.isOk())
      return status;
  } else {
    if (options.device < 0 || options.device >= cuda->numDevices)
      return failure(XFER_INVALID_ARGUMENT, "device ", options.device,
                     " does not exist, there are ", cuda->numDevices);
    parent.device = options.device;
    parent.store = options.store;
    parent.prefix = options.prefix ? options.prefix : "xfer";
  }
  group = std::move(made);
  return {};
}

Status NcclGroup::borrow(void *comm) {
  parent.comm = static_cast<NcclComm>(comm);
  for (const NcclResult result : {parent.nccl.CommCount(parent.comm, &parent.commSize),
                                  parent.nccl.CommUserRank(parent.comm, &parent.commRank),
                                  parent.nccl.CommCuDevice(parent.comm, &parent.device)})
    if (result != kNcclSuccess)
      return failure(XFER_INVALID_ARGUMENT,
                     "cannot use 'options.comm': ", parent.nccl.GetErrorString(result),
                     " (NCCL error ", result, ")");
  return {};
}

Status NcclGroup::openSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                              const xfer_session_options_t &options,
                              std::unique_ptr<xfer_session> &session) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  Status status = NcclSession::create(parent, plan, program, timeout, options, session);
  if (status.isOk() || !parent.comm)
    return status;
  // A split that some rank never joined leaves the communicator in progress for good.
  NcclResult result = kNcclSuccess;
  (void)parent.nccl.CommGetAsyncError(parent.comm, &result);
  if (result != kNcclSuccess)
    lastFailure = failure(XFER_PEER_FAILED, "'options.comm' is unusable since: ", status.text());
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
    const Status status = NcclGroup::create(*options, group);
    if (status.isOk())
      *out_group = group.release();
    return reportStatus(status);
  } catch (const std::bad_alloc &) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "cannot allocate a group"));
  }
}
