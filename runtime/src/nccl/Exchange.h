//===- Exchange.h - Ranks tell each other what they have --------*- C++ -*-===//
//
// A record of the same size from every rank to every rank, over NCCL: the session
// needs no store. Used before anything moves.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_EXCHANGE_H
#define XFER_RUNTIME_NCCL_EXCHANGE_H

#include "../cuda/Device.h"
#include "Communicators.h"
#include <span>
#include <type_traits>

namespace xfer::runtime {

class Exchange {
public:
  Exchange(const NcclApi &nccl, const CudaApi &cuda, Communicators &comms, size_t numRanks)
      : nccl(nccl), cuda(cuda), comms(comms), numRanks(numRanks) {}

  /// Appends every rank's `mine`, in order of ranks. All ranks call it with equally many records.
  template <typename RECORD>
  Status gather(std::span<const RECORD> mine, std::vector<RECORD> &all, const Deadline &deadline) {
    static_assert(std::is_trivially_copyable_v<RECORD>);
    all.resize(mine.size() * numRanks);
    return gatherBytes(std::as_bytes(mine), std::as_writable_bytes(std::span(all)), deadline);
  }

private:
  Status gatherBytes(std::span<const std::byte> mine, std::span<std::byte> all,
                     const Deadline &deadline);

  const NcclApi &nccl;
  const CudaApi &cuda;
  Communicators &comms;
  const size_t numRanks;
};

} // namespace xfer::runtime

#endif
