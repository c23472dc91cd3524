//===- NcclGroup.h - Where the ranks of NCCL meet ---------------*- C++ -*-===//
//
// One rank's hold on a communicator of all ranks, its own or the caller's, from
// which each session splits one for itself.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_NCCLGROUP_H
#define XFER_RUNTIME_NCCL_NCCLGROUP_H

#include "NcclSession.h"

namespace xfer::runtime {

class NcclGroup final : public xfer_group {
public:
  static Status create(const xfer_nccl_options_t &options, std::unique_ptr<xfer_group> &group);
  ~NcclGroup() override;

  bool needsBuffers() const override { return true; }
  Status openSession(const xfer_plan &plan, const Program &program, int64_t timeout,
                     const xfer_session_options_t &options,
                     std::unique_ptr<xfer_session> &session) override;
  /// Sessions exchange no messages of the host's.
  Status join(const Agreement &agreement, const Deadline &deadline,
              std::unique_ptr<Connection> &connection) override;

private:
  NcclGroup(const NcclApi &nccl, const CudaApi &cuda) : parent{nccl, cuda} {}
  Status borrow(void *comm);
  Status make(const xfer_nccl_options_t &options);
  Status findUniqueId(const xfer_nccl_options_t &options, const Deadline &deadline,
                      NcclUniqueId &id) const;
  Status waitForComm(NcclResult result, const Deadline &deadline);

  NcclParent parent;
  bool isOwned = false;
  std::mutex mutex;
  Status lastFailure; ///< of the communicator
};

} // namespace xfer::runtime

#endif
