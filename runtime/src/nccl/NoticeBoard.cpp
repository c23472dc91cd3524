//===- NoticeBoard.cpp - What ranks tell each other in trouble ------------===//
#include "NoticeBoard.h"
#include <cstdlib>
#include <thread>

namespace xfer::runtime {
namespace {

constexpr std::chrono::milliseconds kLookInterval{100};

/// How long others that are stuck may take to say so.
constexpr std::chrono::milliseconds kStuckGrace{300};

} // namespace

NoticeBoard::NoticeBoard(const xfer_store_t &store, const std::string &prefix, uint64_t meeting,
                         int64_t rank)
    : store(store), prefix(concat(prefix, "/nccl/", hexadecimal(meeting), "/")), rank(rank) {}

std::string NoticeBoard::keyOf(int64_t peer, const char *what) const {
  return concat(prefix, peer, "/", what);
}

/// A store that fails makes nothing worse: the ranks still have their deadlines.
void NoticeBoard::set(const std::string &key, const std::string &value) const {
  (void)store.set(store.user, key.c_str(), value.data(), value.size());
}

std::optional<std::string> NoticeBoard::get(const std::string &key) const {
  // Not zero, which PyTorch's stores take for no limit.
  if (store.wait(store.user, key.c_str(), 1) != XFER_OK)
    return std::nullopt;
  std::string value(512, '\0');
  size_t bytes = 0;
  if (store.get(store.user, key.c_str(), value.data(), value.size(), &bytes) != XFER_OK)
    return std::nullopt;
  value.resize(std::min(bytes, value.size()));
  return value;
}

void NoticeBoard::tellFailure(const Status &cause) {
  if (!std::exchange(hasTold, true) && !get(prefix + "failed"))
    set(prefix + "failed", concat(rank, " ", cause.text()));
}

Status NoticeBoard::hearFailure() {
  if (!isDue())
    return {};
  nextLook = std::chrono::steady_clock::now() + kLookInterval;
  const std::optional<std::string> notice = get(prefix + "failed");
  if (!notice)
    return {};
  const size_t space = std::min(notice->find(' '), notice->size());
  hasTold = true;
  return failure(XFER_PEER_FAILED, "rank ", notice->substr(0, space),
                 " failed: ", notice->substr(std::min(space + 1, notice->size())));
}

void NoticeBoard::tellLeave(int64_t numReplays) {
  set(keyOf(rank, "left"), std::to_string(numReplays));
}

std::optional<int64_t> NoticeBoard::hearLeave(int64_t peer) {
  const std::optional<std::string> notice = get(keyOf(peer, "left"));
  return notice ? std::optional<int64_t>(std::strtoll(notice->c_str(), nullptr, 10)) : std::nullopt;
}

void NoticeBoard::tellStuck() { set(keyOf(rank, "stuck"), "stuck"); }

std::vector<int64_t> NoticeBoard::hearSilent(std::vector<int64_t> peers) {
  const auto end = std::chrono::steady_clock::now() + kStuckGrace;
  while (!peers.empty()) {
    std::erase_if(peers, [&](int64_t peer) { return get(keyOf(peer, "stuck")).has_value(); });
    if (std::chrono::steady_clock::now() >= end)
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return peers;
}

} // namespace xfer::runtime
