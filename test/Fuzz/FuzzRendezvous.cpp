//===- FuzzRendezvous.cpp - A store that returns any bytes ----------------===//
//
// One rank of three meets the others in a store whose values are the input: each
// begins with a byte that says how it comes to be. However they lie, meeting ends with
// a status.
//===----------------------------------------------------------------------===//
#include "Rendezvous.h"
#include <algorithm>
#include <cstring>
#include <map>

using namespace xfer::runtime;

namespace {

/// What a get returns. A rank's own value, set for the same kind of key, is what others would show
/// that agree; a card must name its own rank besides.
enum Answer : uint8_t { NotThere, OwnValue, DamagedOwnValue, AnyValue, NumAnswers };
constexpr size_t kRankInCard = 16;

struct HostileStore {
  const uint8_t *data;
  size_t size;
  std::map<std::string, std::vector<uint8_t>> own; ///< by kind of key
  std::vector<uint8_t> value;

  uint8_t take() {
    if (size == 0)
      return 0;
    --size;
    return *data++;
  }
  static std::string kindOf(const char *key) { return std::strrchr(key, '/'); }

  static xfer_status_t set(void *user, const char *key, const void *value, size_t bytes) {
    const auto *begin = static_cast<const uint8_t *>(value);
    static_cast<HostileStore *>(user)->own[kindOf(key)].assign(begin, begin + bytes);
    return XFER_OK;
  }
  static xfer_status_t wait(void *user, const char *key, int64_t) {
    auto &store = *static_cast<HostileStore *>(user);
    if (store.size == 0)
      return XFER_PEER_FAILED; // the input has ended, and with it the store
    const auto answer = static_cast<Answer>(store.take() % NumAnswers);
    if (answer == NotThere)
      return XFER_TIMEOUT;
    store.value.clear();
    if (answer != AnyValue)
      store.value = store.own[kindOf(key)];
    if (const int64_t rank = std::atoll(key + std::strlen("fuzz/"));
        store.value.size() >= kRankInCard + sizeof(rank) && kindOf(key) == "/card")
      std::memcpy(store.value.data() + kRankInCard, &rank, sizeof(rank));
    if (answer == DamagedOwnValue && !store.value.empty())
      for (int changes = store.take() % 8; changes > 0; --changes)
        store.value[store.take() % store.value.size()] = store.take();
    for (int more = answer == OwnValue ? 0 : store.take(); more > 0 && store.size > 0; --more)
      store.value.push_back(store.take());
    return XFER_OK;
  }
  static xfer_status_t get(void *user, const char *, void *value, size_t capacity,
                           size_t *out_bytes) {
    const auto &store = *static_cast<HostileStore *>(user);
    std::copy_n(store.value.begin(), std::min(capacity, store.value.size()),
                static_cast<uint8_t *>(value));
    *out_bytes = store.value.size();
    return XFER_OK;
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  HostileStore hostile{data, size, {}, {}};
  const xfer_store_t store = {sizeof(store), &hostile, HostileStore::set, HostileStore::get,
                              HostileStore::wait};
  const int64_t ranks[] = {0, 1, 5};
  Agreement agreement;
  agreement.rank = 1;
  agreement.ranks = ranks;
  std::vector<Rendezvous::Bytes> attachments;
  uint64_t meeting = 0;
  const Status status =
      Rendezvous(store, "fuzz").meet(agreement, {}, Deadline::in(5), attachments, meeting);
  if (status.isOk() && attachments.size() != std::size(ranks))
    std::abort();
  return 0;
}
