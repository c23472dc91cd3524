//===- NoticeBoard.h - What ranks tell each other in trouble ----*- C++ -*-===//
//
// NCCL does not say that a peer has failed, left or is silent. Where the group
// has a store, its keys do: of one meeting, so that nothing an earlier session
// left behind is believed. Nothing is written while all is well but a rank's
// leave; nothing is read but by who waits.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_NOTICEBOARD_H
#define XFER_RUNTIME_NCCL_NOTICEBOARD_H

#include "../Backend.h"
#include <optional>
#include <vector>

namespace xfer::runtime {

class NoticeBoard {
public:
  NoticeBoard(const xfer_store_t &store, const std::string &prefix, uint64_t meeting, int64_t rank);

  /// This rank's session has ended; the first to say so is heard.
  void tellFailure(const Status &cause);
  /// Whether it is time to ask the store again.
  bool isDue() const { return std::chrono::steady_clock::now() >= nextLook; }
  /// What another rank's session ended of; ok if none has, and if it is not time to ask.
  Status hearFailure();

  /// This rank has destroyed its session after so many replays.
  void tellLeave(int64_t numReplays);
  /// After how many replays a rank has left, if it has.
  std::optional<int64_t> hearLeave(int64_t peer);

  /// This rank is stuck, though alive.
  void tellStuck();
  /// Those of `peers` that do not say soon that they are stuck too.
  std::vector<int64_t> hearSilent(std::vector<int64_t> peers);

private:
  std::string keyOf(int64_t peer, const char *what) const;
  void set(const std::string &key, const std::string &value) const;
  std::optional<std::string> get(const std::string &key) const;

  const xfer_store_t &store;
  const std::string prefix;
  const int64_t rank;
  bool hasTold = false;
  std::chrono::steady_clock::time_point nextLook;
};

} // namespace xfer::runtime

#endif
