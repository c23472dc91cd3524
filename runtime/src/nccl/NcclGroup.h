//===- NcclGroup.h - Where the ranks of NCCL meet ---------------*- C++ -*-===//
//
// One rank's way to the others: a store to meet in, or a communicator of the
// caller's, from which each session splits one for itself.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_NCCLGROUP_H
#define XFER_RUNTIME_NCCL_NCCLGROUP_H

#include "NcclSession.h"

namespace xfer::runtime {

class NcclGroup final : public xfer_group {
public:
  static Status create(const xfer_nccl_options_t &options, std::unique_ptr<xfer_group> &group);

  bool needsBuffers() const override { return true; }
  Status openSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                     const xfer_session_options_t &options,
                     std::unique_ptr<xfer_session> &session) override;
  /// Sessions exchange no messages of the host's.
  Status join(const Agreement &agreement, const Deadline &deadline,
              std::unique_ptr<Connection> &connection) override;

private:
  NcclGroup(const NcclApi &nccl, const CudaApi &cuda) : parent(nccl, cuda) {}
  Status borrow(void *comm);

  NcclParent parent;
  std::mutex mutex; ///< one session is opened at a time
  Status lastFailure;
};

} // namespace xfer::runtime

#endif
