//===- Rendezvous.h - Processes meet through a store ------------*- C++ -*-===//
//
// Every rank shows a card, and with it what others need to reach it; when all
// have seen all cards, all know whether they agree. Nothing in the store needs to
// be cleared: a card carries a number that is new each time, and counts only once
// its owner has answered to the reader's own number.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_RENDEZVOUS_H
#define XFER_RUNTIME_RENDEZVOUS_H

#include "Card.h"
#include <vector>

namespace xfer::runtime {

/// Verifies that a caller's store is complete.
Status checkStore(const xfer_store_t *store);

class Rendezvous {
public:
  using Bytes = std::vector<std::byte>;

  Rendezvous(const xfer_store_t &store, std::string prefix)
      : store(store), prefix(std::move(prefix)) {}

  /// Waits until every rank of the job has come and agrees. `attachments` are what the ranks
  /// brought, by index in the job; `meeting` is one number on all ranks, and a new one each time.
  Status meet(const Agreement &agreement, const Bytes &attachment, const Deadline &deadline,
              std::vector<Bytes> &attachments, uint64_t &meeting);

private:
  struct CardHeader;
  struct Guest;
  Status set(const std::string &key, const Bytes &value) const;
  Status get(const std::string &key, Bytes &value, bool &isThere) const;
  Status look(Guest &guest, const CardHeader &mine, bool &hasChanged) const;
  Status answer(const CardHeader &mine, const std::vector<Guest> &guests) const;
  Status waitForAnswers(const CardHeader &mine, std::vector<Guest> &guests,
                        const Deadline &deadline) const;
  Status waitForAll(int64_t rank, uint64_t meeting, const std::vector<Guest> &guests,
                    const Deadline &deadline) const;
  static Status compareAll(const std::vector<Guest> &guests);
  static bool isVouchedFor(const Guest &guest, const std::vector<Guest> &guests);
  std::string keyOf(int64_t rank, const char *what) const;

  const xfer_store_t &store;
  const std::string prefix;
};

} // namespace xfer::runtime

#endif
