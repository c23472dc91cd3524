//===- Rendezvous.cpp - Processes meet through a store --------------------===//
//
// Three keys per rank. `card`; `seen`, the numbers of the cards that it has read: when the
// `seen` of every other lists a rank's own card, everyone has read everyone's present
// card, whatever an earlier job left behind; and `met`, the meeting's number, once that is so.
//===----------------------------------------------------------------------===//
#include "Rendezvous.h"
#include <cstring>
#include <random>
#include <thread>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {
namespace {

constexpr uint64_t kMagic = 0x3130647261636678; // "xfcard01"

struct SeenEntry {
  int64_t rank;
  uint64_t nonce;
  uint64_t hasAnswered;
};

/// Between two looks.
class Pause {
public:
  void sleep() {
    std::this_thread::sleep_for(length);
    length = std::min(2 * length, std::chrono::milliseconds(20));
  }

private:
  std::chrono::milliseconds length{1};
};

Status isLate(int64_t rank, const std::vector<int64_t> &missing, const Deadline &deadline) {
  return failure(XFER_TIMEOUT, "ranks ", listRanks(missing), " did not join within the ",
                 deadline.milliseconds, " ms that rank ", rank, " waited");
}

uint64_t makeNonce() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch().count();
  const uint64_t parts[] = {std::random_device()(), std::random_device()(),
                            static_cast<uint64_t>(time), static_cast<uint64_t>(::getpid())};
  return XXH3_64bits(parts, sizeof(parts)) | 1;
}

template <typename T> void append(std::vector<std::byte> &bytes, const T &value) {
  const auto *data = reinterpret_cast<const std::byte *>(&value);
  bytes.insert(bytes.end(), data, data + sizeof(value));
}

} // namespace

struct Rendezvous::CardHeader {
  uint64_t magic = kMagic;
  uint64_t nonce = 0;
  Card card;
};

/// A rank of the job as another sees it.
struct Rendezvous::Guest {
  int64_t rank = 0;
  uint64_t nonce = 0; ///< 0 until its card was read
  Card card;
  Bytes attachment;
  bool hasAnswered = false;
  std::vector<SeenEntry> vouchedFor; ///< whom it has seen, as far as they have answered it
};

Status checkStore(const xfer_store_t *store) {
  if (!store)
    return failure(XFER_INVALID_ARGUMENT, "'options.store' is NULL");
  if (store->size < sizeof(xfer_store_t) || !store->set || !store->get || !store->wait)
    return failure(XFER_INVALID_ARGUMENT, "'options.store' has size ", store->size, ", expected ",
                   sizeof(xfer_store_t), ", or lacks a callback");
  return {};
}

std::string Rendezvous::keyOf(int64_t rank, const char *what) const {
  return concat(prefix, "/", rank, "/", what);
}

Status Rendezvous::set(const std::string &key, const Bytes &value) const {
  const xfer_status_t status = store.set(store.user, key.c_str(), value.data(), value.size());
  return status == XFER_OK ? Status()
                           : failure(XFER_PEER_FAILED, "the store cannot set '", key,
                                     "': ", xfer_status_name(status));
}

Status Rendezvous::get(const std::string &key, Bytes &value, bool &isThere) const {
  // Not zero, which PyTorch's stores take for no limit.
  xfer_status_t status = store.wait(store.user, key.c_str(), 1);
  isThere = status == XFER_OK;
  if (status == XFER_TIMEOUT)
    return {};
  size_t bytes = 0;
  if (status == XFER_OK)
    status = store.get(store.user, key.c_str(), value.data(), value.size(), &bytes);
  while (status == XFER_OK && bytes > value.size()) { // it may grow meanwhile
    value.resize(bytes);
    status = store.get(store.user, key.c_str(), value.data(), value.size(), &bytes);
  }
  if (status != XFER_OK)
    return failure(XFER_PEER_FAILED, "the store cannot get '", key,
                   "': ", xfer_status_name(status));
  value.resize(bytes);
  return {};
}

/// Reads the card of a rank and whether it has answered ours.
Status Rendezvous::look(Guest &guest, const CardHeader &mine, bool &hasChanged) const {
  Bytes value(1024);
  bool isThere = false;
  if (Status status = get(keyOf(guest.rank, "card"), value, isThere); !status.isOk() || !isThere)
    return status;
  CardHeader header;
  if (value.size() < sizeof(header))
    return {};
  std::memcpy(static_cast<void *>(&header), value.data(), sizeof(header));
  if (header.magic != kMagic || header.card.rank != guest.rank || header.nonce == 0)
    return {};
  if (header.nonce != guest.nonce) {
    hasChanged = true;
    guest.hasAnswered = false;
    guest.nonce = header.nonce;
    guest.card = header.card;
    guest.attachment.assign(value.begin() + sizeof(header), value.end());
  }
  if (Status status = get(keyOf(guest.rank, "seen"), value, isThere); !status.isOk() || !isThere)
    return status;
  bool isItsOwn = false, isAnswer = false;
  std::vector<SeenEntry> vouchedFor;
  for (size_t i = 0; i + sizeof(SeenEntry) <= value.size(); i += sizeof(SeenEntry)) {
    SeenEntry entry;
    std::memcpy(&entry, value.data() + i, sizeof(entry));
    isItsOwn |= entry.rank == guest.rank && entry.nonce == guest.nonce;
    isAnswer |= entry.rank == mine.card.rank && entry.nonce == mine.nonce;
    if (entry.hasAnswered)
      vouchedFor.push_back(entry);
  }
  if (!isItsOwn || !isAnswer)
    return {};
  hasChanged |= !guest.hasAnswered;
  guest.hasAnswered = true;
  guest.vouchedFor = std::move(vouchedFor);
  return {};
}

/// Tells which cards this rank has read.
Status Rendezvous::answer(const CardHeader &mine, const std::vector<Guest> &guests) const {
  Bytes value;
  for (const Guest &guest : guests)
    if (guest.nonce != 0)
      append(value, SeenEntry{guest.rank, guest.nonce, guest.hasAnswered});
  return set(keyOf(mine.card.rank, "seen"), value);
}

/// Compares the cards that were read, in the order of ranks, so that all find the same difference.
Status Rendezvous::compareAll(const std::vector<Guest> &guests) {
  const Guest *first = nullptr;
  for (const Guest &guest : guests) {
    if (guest.nonce == 0)
      continue;
    if (first)
      if (Status status = compareCards(first->card, guest.card); !status.isOk())
        return status;
    first = first ? first : &guest;
  }
  return {};
}

/// Whether a rank that has not answered was here all the same: it has found a difference and left.
bool Rendezvous::isVouchedFor(const Guest &guest, const std::vector<Guest> &guests) {
  for (const Guest &other : guests)
    for (const SeenEntry &entry : other.vouchedFor)
      if (other.hasAnswered && entry.rank == guest.rank && entry.nonce == guest.nonce)
        return true;
  return false;
}

Status Rendezvous::meet(const Agreement &agreement, const Bytes &attachment,
                        const Deadline &deadline, std::vector<Bytes> &attachments,
                        uint64_t &meeting) {
  CardHeader mine;
  mine.nonce = makeNonce();
  mine.card = Card(agreement);
  Bytes value;
  append(value, mine);
  value.insert(value.end(), attachment.begin(), attachment.end());
  if (Status status = set(keyOf(agreement.rank, "card"), value); !status.isOk())
    return status;

  std::vector<Guest> guests(agreement.ranks.size());
  for (size_t i = 0; i < guests.size(); ++i) {
    guests[i].rank = agreement.ranks[i];
    if (guests[i].rank == agreement.rank)
      guests[i] = {agreement.rank, mine.nonce, mine.card, attachment, true, {}};
  }
  if (Status status = waitForAnswers(mine, guests, deadline); !status.isOk())
    return status;
  std::vector<uint64_t> nonces;
  attachments.clear();
  for (Guest &guest : guests) {
    nonces.push_back(guest.nonce);
    attachments.push_back(std::move(guest.attachment));
  }
  meeting = XXH3_64bits(nonces.data(), nonces.size() * sizeof(uint64_t));
  return waitForAll(agreement.rank, meeting, guests, deadline);
}

/// Waits until every rank has read this one's card, or a difference is known to all.
Status Rendezvous::waitForAnswers(const CardHeader &mine, std::vector<Guest> &guests,
                                  const Deadline &deadline) const {
  bool hasChanged = true;
  std::vector<int64_t> missing;
  for (Pause pause;; pause.sleep()) {
    if (hasChanged) // others wait for the answer
      if (Status status = answer(mine, guests); !status.isOk())
        return status;
    hasChanged = false;
    missing.clear();
    bool areVouchedFor = true;
    for (Guest &guest : guests) {
      if (guest.rank == mine.card.rank)
        continue;
      if (Status status = look(guest, mine, hasChanged); !status.isOk())
        return status;
      if (guest.hasAnswered)
        continue;
      missing.push_back(guest.rank);
      areVouchedFor = areVouchedFor && isVouchedFor(guest, guests);
    }
    if (hasChanged)
      continue;
    const Status difference = compareAll(guests);
    if (missing.empty() || (areVouchedFor && !difference.isOk()))
      return difference;
    if (std::chrono::steady_clock::now() < deadline.time)
      continue;
    const Status late = isLate(mine.card.rank, missing, deadline);
    return difference.isOk()
               ? late
               : Status(difference.code(), concat(difference.text(), "; ", late.text()));
  }
}

/// Waits until every rank has come this far: one that is ahead may come back for its next session
/// and replace what others still need to read.
Status Rendezvous::waitForAll(int64_t rank, uint64_t meeting, const std::vector<Guest> &guests,
                              const Deadline &deadline) const {
  Bytes value;
  append(value, meeting);
  if (Status status = set(keyOf(rank, "met"), value); !status.isOk())
    return status;
  std::vector<int64_t> missing;
  for (const Guest &guest : guests)
    if (guest.rank != rank)
      missing.push_back(guest.rank);
  for (Pause pause; !missing.empty(); pause.sleep()) {
    Status status;
    std::erase_if(missing, [&](int64_t other) {
      Bytes theirs(sizeof(meeting));
      bool isThere = false;
      if (status.isOk())
        status = get(keyOf(other, "met"), theirs, isThere);
      return status.isOk() && isThere && theirs == value;
    });
    if (!status.isOk())
      return status;
    if (!missing.empty() && std::chrono::steady_clock::now() >= deadline.time)
      return isLate(rank, missing, deadline);
  }
  return {};
}

} // namespace xfer::runtime
