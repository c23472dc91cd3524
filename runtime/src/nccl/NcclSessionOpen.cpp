//===- NcclSessionOpen.cpp - Making a session on a device -----------------===//
//
// A session is opened in the same steps on every rank, so that they meet in each
// collective call: compare cards, make a communicator, split off broadcast sets,
// connect. A rank that cannot go on says so when they meet; the others then need
// not wait for their deadline.
//===----------------------------------------------------------------------===//
#include "../Card.h"
#include "../Messages.h"
#include "../Rendezvous.h"
#include "Exchange.h"
#include "NcclSession.h"
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {
namespace {

/// Sets that a rank asks communicators for.
constexpr size_t kMaxStatedSets = 64;

/// What a rank tells all others. Plain bytes.
struct Greeting {
  Card card;                ///< where there is no store that shows it
  NcclUniqueId id = {};     ///< of the first rank
  uint64_t balance = 0;     ///< of the messages of its program
  int32_t status = XFER_OK; ///< why the rank cannot go on
  char text[124] = {};

  Greeting() = default;
  Greeting(const Messages &messages, const Status &prepared) : balance(balanceOf(messages)) {
    setStatus(prepared);
  }
  void setStatus(const Status &prepared) {
    status = prepared.code();
    std::strncpy(text, prepared.text().c_str(), sizeof(text) - 1);
  }
};

/// Verifies:
/// - every rank can go on; `mine` is what this rank has found itself;
/// - every message has the same name, size and place at both ends: NCCL would not notice.
Status checkGreetings(std::span<const Greeting> all, const std::vector<int64_t> &ranks,
                      const Status &mine) {
  if (!mine.isOk())
    return mine;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].status != XFER_OK)
      return failure(XFER_PEER_FAILED, "rank ", ranks[i], " failed: ",
                     std::string(all[i].text, strnlen(all[i].text, sizeof(all[i].text))));
  uint64_t balance = 0;
  for (const Greeting &greeting : all)
    balance += greeting.balance;
  return balance == 0 ? Status()
                      : failure(XFER_MISMATCH, "the programs of the ", ranks.size(),
                                " ranks disagree about the messages between them");
}

uint64_t hashOf(const Schedule::BroadcastSet &set) {
  return std::max<uint64_t>(XXH3_64bits(set.data(), set.size() * sizeof(set[0])), 1);
}

} // namespace

Status NcclSession::open(const Deadline &deadline) {
  replayer = std::make_unique<DeviceReplay>(parent.nccl, parent.cuda, comms, schedule);
  const Status prepared = prepare();
  if (Status status =
          parent.store ? meetInStore(prepared, deadline) : meetOnComm(prepared, deadline);
      !status.isOk())
    return status;
  if (Status status = splitSets(deadline); !status.isOk())
    return status;
  return replayer->connect(deadline);
}

/// Verifies that staging on the device is within the budget; allocates.
Status NcclSession::prepare() {
  if (budget > 0 && schedule.stagingBytes > budget)
    return failure(XFER_OUT_OF_BUDGET, "rank ", program.rank, " stages ", schedule.stagingBytes,
                   " bytes on the device, but only ", budget, " are allowed");
  return replayer->allocate(program.bindings.size());
}

Agreement NcclSession::agreement() const {
  return {program.rank, plan.digest, plan.version, epoch, wantsChecksums, plan.ranks, {}, {}};
}

/// Meets without NCCL, so that ranks that are missing or disagree leave nothing behind; then makes
/// a communicator with the first rank's id.
Status NcclSession::meetInStore(const Status &prepared, const Deadline &deadline) {
  Greeting mine(Messages(plan, program), prepared);
  if (position == 0 && prepared.isOk())
    if (const NcclResult result = parent.nccl.GetUniqueId(&mine.id); result != kNcclSuccess)
      mine.setStatus(failure(XFER_BACKEND_FAILED, "cannot make a unique id: ",
                             parent.nccl.GetErrorString(result), " (NCCL error ", result, ")"));
  Rendezvous rendezvous(*parent.store, parent.prefix);
  Rendezvous::Bytes attachment(sizeof(mine));
  std::memcpy(attachment.data(), &mine, sizeof(mine));
  std::vector<Rendezvous::Bytes> attachments;
  uint64_t meeting = 0;
  if (Status status = rendezvous.meet(agreement(), attachment, deadline, attachments, meeting);
      !status.isOk())
    return status;
  std::vector<Greeting> all(attachments.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (attachments[i].size() == sizeof(Greeting))
      std::memcpy(static_cast<void *>(&all[i]), attachments[i].data(), sizeof(Greeting));
    else
      return failure(XFER_MISMATCH, "rank ", plan.ranks[i], " is of another version of xfer");
  if (Status status = checkGreetings(all, plan.ranks, prepared); !status.isOk())
    return status;
  board = std::make_unique<NoticeBoard>(*parent.store, parent.prefix, meeting, program.rank);
  return comms.make(all.front().id, numRanks, position, deadline);
}

/// Splits the caller's communicator, and compares cards on the new one. The first difference is the
/// same on all ranks.
Status NcclSession::meetOnComm(const Status &prepared, const Deadline &deadline) {
  if (Status status = comms.split(parent.comm, 0, parent.commRank, deadline); !status.isOk())
    return status;
  Greeting mine(Messages(plan, program), prepared);
  mine.card = Card(agreement());
  std::vector<Greeting> all;
  Exchange exchange(parent.nccl, parent.cuda, comms, static_cast<size_t>(parent.commSize));
  if (Status status = exchange.gather(std::span<const Greeting>(&mine, 1), all, deadline);
      !status.isOk())
    return status;
  for (const Greeting &other : all)
    if (Status status = compareCards(all.front().card, other.card); !status.isOk())
      return status;
  if (all.size() != plan.ranks.size())
    return failure(XFER_MISMATCH, "the communicator has ", all.size(), " ranks, but the plan ",
                   plan.ranks.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].card.rank != plan.ranks[i])
      return failure(XFER_MISMATCH, "position ", i, " of the communicator is rank ",
                     all[i].card.rank, ", expected rank ", plan.ranks[i]);
  return checkGreetings(all, plan.ranks, prepared);
}

/// Makes communicators for broadcast sets, as many as allowed.
Status NcclSession::splitSets(const Deadline &deadline) {
  Exchange exchange(parent.nccl, parent.cuda, comms, static_cast<size_t>(numRanks));
  std::vector<SetRecord> mine;
  std::map<uint64_t, const Schedule::BroadcastSet *> byHash;
  for (const auto &[set, bytes] : schedule.broadcastSets()) {
    mine.push_back({hashOf(set), bytes, static_cast<int64_t>(set.size())});
    byHash[mine.back().hash] = &set;
  }
  std::stable_sort(mine.begin(), mine.end(),
                   [](const SetRecord &a, const SetRecord &b) { return a.bytes > b.bytes; });
  const auto numSets = static_cast<int64_t>(std::min(mine.size(), kMaxStatedSets));
  std::vector<int64_t> counts;
  if (Status status = exchange.gather(std::span<const int64_t>(&numSets, 1), counts, deadline);
      !status.isOk())
    return status;
  const auto perRank = static_cast<size_t>(*std::max_element(counts.begin(), counts.end()));
  std::map<Schedule::BroadcastSet, int32_t> communicators;
  if (perRank > 0 && parent.maxCommunicators > 0) {
    mine.resize(perRank);
    std::vector<SetRecord> all;
    if (Status status = exchange.gather(std::span<const SetRecord>(mine), all, deadline);
        !status.isOk())
      return status;
    for (const SplitRound &round : chooseSplits(all, perRank, parent.maxCommunicators)) {
      int color = kNcclSplitNoColor;
      for (size_t i = 0; i < round.hashes.size(); ++i)
        if (byHash.contains(round.hashes[i])) {
          color = static_cast<int>(i);
          communicators[*byHash[round.hashes[i]]] = static_cast<int32_t>(comms.size());
        }
      if (Status status = comms.split(comms[0], color, position, deadline); !status.isOk())
        return status;
    }
  }
  schedule.plan(communicators);
  return {};
}

} // namespace xfer::runtime
