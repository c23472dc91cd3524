//===- ThreadsGroup.h - Where the ranks of one process meet -----*- C++ -*-===//
//
// A rendezvous that compares what the ranks bring before any of them may send,
// and then gives each its connection. The next session meets anew.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_THREADS_THREADSGROUP_H
#define XFER_RUNTIME_THREADS_THREADSGROUP_H

#include "../Card.h"
#include "ThreadsConnection.h"

namespace xfer::runtime {

class ThreadsGroup final : public xfer_group {
public:
  bool needsBuffers() const override { return false; }
  Status join(const Agreement &agreement, const Deadline &deadline,
              std::unique_ptr<Connection> &connection) override;

private:
  /// One attempt of all ranks to meet.
  struct Meeting {
    Card first; ///< what the first rank brought
    std::vector<int64_t> ranks;
    std::vector<int64_t> arrived;
    Status failure;
    std::shared_ptr<Fabric> fabric; ///< once everybody is there
    bool isOver() const { return fabric || !failure.isOk(); }
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Meeting> meeting; ///< the latest
};

} // namespace xfer::runtime

#endif
