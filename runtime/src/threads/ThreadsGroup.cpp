//===- ThreadsGroup.cpp - Where the ranks of one process meet -------------===//
//
// The first rank to come says what the others must bring. Ranks that disagree
// end the meeting for everybody, also for those still to come: a rank that
// comes to an ended meeting for the first time is told why; one that comes back
// opens the next.
//===----------------------------------------------------------------------===//
#include "ThreadsGroup.h"
#include <algorithm>

namespace xfer::runtime {
namespace {

bool isAmong(const std::vector<int64_t> &ranks, int64_t rank) {
  return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
}

std::string listMissing(const std::vector<int64_t> &ranks, const std::vector<int64_t> &arrived) {
  std::vector<int64_t> missing;
  for (int64_t rank : ranks)
    if (!isAmong(arrived, rank))
      missing.push_back(rank);
  return listRanks(missing);
}

} // namespace

Status ThreadsGroup::join(const Agreement &agreement, const Deadline &deadline,
                          std::unique_ptr<Connection> &connection) {
  std::unique_lock lock(mutex);
  const bool isMismatch = meeting && meeting->failure.code() == XFER_MISMATCH;
  if (!meeting || (meeting->isOver() && !(isMismatch && isAmong(meeting->ranks, agreement.rank) &&
                                          !isAmong(meeting->arrived, agreement.rank)))) {
    meeting = std::make_shared<Meeting>();
    meeting->ranks.assign(agreement.ranks.begin(), agreement.ranks.end());
    meeting->first = Card(agreement);
  }
  const std::shared_ptr<Meeting> mine = meeting;
  if (isAmong(mine->arrived, agreement.rank))
    return failure(XFER_INVALID_ARGUMENT, "rank ", agreement.rank, " has joined twice");
  mine->arrived.push_back(agreement.rank);
  if (!mine->failure.isOk())
    return mine->failure;

  if (Status status = compareCards(mine->first, Card(agreement)); !status.isOk()) {
    mine->failure = status;
    for (int64_t rank : agreement.ranks) // whoever either plan expects shall be told
      if (!isAmong(mine->ranks, rank))
        mine->ranks.push_back(rank);
    changed.notify_all();
    return status;
  }
  if (mine->arrived.size() == mine->ranks.size()) {
    mine->fabric = std::make_shared<Fabric>(mine->ranks);
    changed.notify_all();
  }
  if (!changed.wait_until(lock, deadline.time, [&] { return mine->isOver(); })) {
    mine->failure = failure(XFER_TIMEOUT, "ranks ", listMissing(mine->ranks, mine->arrived),
                            " did not join within the ", deadline.milliseconds, " ms that rank ",
                            agreement.rank, " waited");
    changed.notify_all();
  }
  if (!mine->failure.isOk())
    return mine->failure;
  connection = std::make_unique<ThreadsConnection>(mine->fabric, agreement);
  return {};
}

} // namespace xfer::runtime

xfer_status_t xfer_group_create_threads(xfer_group_t **out_group) {
  using namespace xfer::runtime;
  if (!out_group)
    return reportStatus(failure(XFER_INVALID_ARGUMENT, "'out_group' is NULL"));
  *out_group = new (std::nothrow) ThreadsGroup();
  return *out_group ? XFER_OK
                    : reportStatus(failure(XFER_OUT_OF_BUDGET, "cannot allocate a group"));
}

void xfer_group_destroy(xfer_group_t *group) { delete group; }
