//===- NcclCommunicators.cpp - The stand-in's communicators ---------------===//
//
// How they are made, split and ended, and what may be called on them when.
//===----------------------------------------------------------------------===//
#include "NcclWorld.h"

namespace standin::nccl {

std::set<Comm *> &comms() {
  static auto *all = new std::set<Comm *>;
  return *all;
}

int fail(int error, const std::string &text) {
  violate(text);
  return error;
}

int check(Comm *comm, const char *function, bool mayBeFinalized) {
  if (!comm)
    return kInvalidArgument;
  if (!comms().contains(comm))
    return fail(kInvalidArgument, concat(function, " of a communicator that does not exist"));
  if (comm->state == Comm::State::Gone)
    return fail(kInvalidArgument,
                concat(function, " of a communicator that was aborted or destroyed"));
  if (comm->state == Comm::State::Finalized && !mayBeFinalized)
    return fail(kInvalidUsage, concat(function, " of a communicator that was finalized"));
  if (comm->isBusy)
    return fail(kInvalidUsage, concat(function, " while a call is in progress"));
  return kSuccess;
}

int begin(Comm *comm, Stream *stream, std::function<bool()> isComplete,
          std::unique_lock<std::mutex> &lock) {
  if (comm->isBlocking) {
    if (isComplete)
      changed.wait(lock, isComplete);
    return kSuccess;
  }
  comm->isBusy = true;
  comm->pollsLeft = polls;
  comm->isComplete = std::move(isComplete);
  comm->busyStream = stream;
  if (stream)
    setBusy(stream, true);
  return kInProgress;
}

Comm *makeComm(const std::shared_ptr<World> &world, int rank, bool isBlocking) {
  auto *comm = new Comm;
  comm->world = world;
  comm->rank = rank;
  comm->device = currentDevice();
  comm->isBlocking = isBlocking;
  world->members[rank] = comm;
  comms().insert(comm);
  ++numCommunicators;
  return comm;
}

void abortComm(Comm &comm) {
  comm.isAborted = true;
  comm.isBusy = false;
  if (comm.busyStream)
    setBusy(comm.busyStream, false);
  comm.state = Comm::State::Gone;
  --numCommunicators;
  for (auto &[number, split] : comm.world->splits)
    if (auto found = split.made.extract(comm.rank)) // which nobody else can free
      abortComm(*found.mapped());
  changed.notify_all();
}

void completeSplit(Comm &parent, int64_t number, bool isBlocking) {
  SplitCall &split = parent.world->splits[number];
  std::map<int, std::map<std::pair<int, int>, int>> byColor; // key and rank, in order
  for (const auto &[rank, colorAndKey] : split.colors)
    if (colorAndKey.first != kNoColor)
      byColor[colorAndKey.first][{colorAndKey.second, rank}] = rank;
  for (const auto &[color, ranks] : byColor) {
    auto world = std::make_shared<World>();
    world->size = static_cast<int>(ranks.size());
    int position = 0;
    for (const auto &[order, rank] : ranks) {
      Comm *made = makeComm(world, position++, isBlocking);
      made->device = parent.world->members[rank]->device;
      split.made[rank] = made;
      if (parent.world->members[rank]->isAborted)
        abortComm(*split.made.extract(rank).mapped());
    }
  }
}

} // namespace standin::nccl
