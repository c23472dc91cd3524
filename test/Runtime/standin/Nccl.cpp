//===- Nccl.cpp - The stand-in's NCCL -------------------------------------===//
//
// The functions that the runtime and its tests use. Each begins with enter(), which
// counts it and may make it fail.
//===----------------------------------------------------------------------===//
#include "NcclWorld.h"
#include <cstring>

using namespace standin;
using namespace standin::nccl;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct UniqueId {
  char bytes[128];
};

struct Config {
  size_t size;
  unsigned magic, version;
  int blocking;
};

std::map<std::string, std::shared_ptr<World>> worlds;
int64_t numIds = 0;

} // namespace

#define ENTER()                                                                                    \
  do {                                                                                             \
    if (isNoOperation())                                                                           \
      return kSuccess;                                                                             \
    if (const int injected = enter(__func__); injected != 0)                                       \
      return injected;                                                                             \
  } while (false)

EXPORT int ncclGetVersion(int *version) {
  *version = 22809;
  return kSuccess;
}

EXPORT const char *ncclGetErrorString(int result) {
  switch (result) {
  case kSuccess:
    return "no error";
  case kRemoteError:
    return "remote process exited or there was a network error";
  case kInProgress:
    return "NCCL operation in progress";
  default:
    return "an error of the stand-in";
  }
}

EXPORT const char *ncclGetLastError(Comm *) { return ""; }

EXPORT int ncclGetUniqueId(UniqueId *id) {
  ENTER();
  std::lock_guard lock(mutex);
  std::memset(id, 0, sizeof(*id));
  std::snprintf(id->bytes, sizeof(id->bytes), "stand-in %lld", static_cast<long long>(++numIds));
  return kSuccess;
}

EXPORT int ncclCommInitRankConfig(Comm **comm, int size, UniqueId id, int rank, Config *config) {
  ENTER();
  std::unique_lock lock(mutex);
  std::shared_ptr<World> &world = worlds[id.bytes];
  if (!world)
    world = std::make_shared<World>();
  if (world->size != 0 && world->size != size)
    return fail(kInvalidArgument, "ranks make one communicator of different sizes");
  if (world->members.contains(rank))
    return fail(kInvalidArgument, concat("rank ", rank, " makes its communicator twice"));
  world->size = size;
  *comm = makeComm(world, rank, config->blocking != 0);
  changed.notify_all();
  return begin(
      *comm, nullptr,
      [world = world] { return static_cast<int>(world->members.size()) == world->size; }, lock);
}

EXPORT int ncclCommSplit(Comm *comm, int color, int key, Comm **newComm, Config *config) {
  ENTER();
  std::unique_lock lock(mutex);
  *newComm = nullptr;
  if (const int error = check(comm, __func__); error != kSuccess)
    return error;
  if (comm->numTasks > 0)
    return fail(kInvalidUsage, "ncclCommSplit of a communicator with work in flight");
  const int64_t number = comm->numSplits++;
  SplitCall &split = comm->world->splits[number];
  split.colors[comm->rank] = {color, key};
  const bool isBlocking = config ? config->blocking != 0 : comm->isBlocking;
  if (static_cast<int>(split.colors.size()) == comm->world->size)
    completeSplit(*comm, number, isBlocking);
  changed.notify_all();
  return begin(
      comm, nullptr,
      [comm, number, newComm] {
        SplitCall &mine = comm->world->splits[number];
        if (static_cast<int>(mine.colors.size()) != comm->world->size)
          return false;
        if (auto found = mine.made.extract(comm->rank))
          *newComm = found.mapped();
        return true;
      },
      lock);
}

EXPORT int ncclCommGetAsyncError(Comm *comm, int *error) {
  ENTER();
  std::lock_guard lock(mutex);
  if (!comm || !comms().contains(comm) || comm->state == Comm::State::Gone)
    return fail(kInvalidArgument, "ncclCommGetAsyncError of a communicator that is gone");
  for (const auto &[rank, member] : comm->world->members)
    if (const Faults &faults = faultsOf(member->device); faults.isDead && faults.isNoticed)
      comm->error = kRemoteError;
  if (comm->isBusy && (comm->pollsLeft-- > 0 || (comm->isComplete && !comm->isComplete()))) {
    *error = comm->error != kSuccess ? comm->error : kInProgress;
    return kSuccess;
  }
  comm->isBusy = false;
  if (comm->busyStream)
    setBusy(std::exchange(comm->busyStream, nullptr), false);
  *error = comm->error;
  return kSuccess;
}

EXPORT int ncclCommCount(const Comm *comm, int *count) {
  ENTER();
  std::lock_guard lock(mutex);
  if (const int error = check(const_cast<Comm *>(comm), __func__); error != kSuccess)
    return error;
  *count = comm->world->size;
  return kSuccess;
}

EXPORT int ncclCommUserRank(const Comm *comm, int *rank) {
  ENTER();
  std::lock_guard lock(mutex);
  if (const int error = check(const_cast<Comm *>(comm), __func__); error != kSuccess)
    return error;
  *rank = comm->rank;
  return kSuccess;
}

EXPORT int ncclCommCuDevice(const Comm *comm, int *device) {
  ENTER();
  std::lock_guard lock(mutex);
  if (const int error = check(const_cast<Comm *>(comm), __func__); error != kSuccess)
    return error;
  *device = comm->device;
  return kSuccess;
}

EXPORT int ncclCommFinalize(Comm *comm) {
  ENTER();
  std::unique_lock lock(mutex);
  if (const int error = check(comm, __func__); error != kSuccess)
    return error;
  comm->state = Comm::State::Finalized;
  return begin(
      comm, nullptr, [comm] { return comm->numTasks == 0; }, lock);
}

EXPORT int ncclCommDestroy(Comm *comm) {
  ENTER();
  std::unique_lock lock(mutex);
  if (const int error = check(comm, __func__, true); error != kSuccess)
    return error;
  changed.wait(lock, [&] { return comm->numTasks == 0; });
  for (const auto *queues : {&comm->world->sends, &comm->world->receives})
    for (const auto &[pair, queue] : *queues)
      if (!queue.empty() && (pair.from == comm->rank || pair.to == comm->rank))
        violate(concat("a communicator is destroyed with ", queue.size(), " messages from rank ",
                       pair.from, " to rank ", pair.to, " unmatched"));
  comm->state = Comm::State::Gone;
  --numCommunicators;
  return kSuccess;
}

EXPORT int ncclCommAbort(Comm *comm) {
  ENTER();
  std::lock_guard lock(mutex);
  if (!comm)
    return kSuccess;
  if (!comms().contains(comm) || comm->state == Comm::State::Gone)
    return fail(kInvalidArgument, "ncclCommAbort of a communicator that is gone");
  if (group().depth > 0)
    group().aborts.push_back(comm);
  else
    abortComm(*comm);
  return kSuccess;
}

EXPORT int ncclGroupStart() {
  ENTER();
  ++group().depth;
  return kSuccess;
}

EXPORT int ncclGroupEnd() {
  if (isNoOperation())
    return kSuccess;
  if (const int injected = enter(__func__); injected != 0) {
    group() = {}; // it has ended all the same
    return injected;
  }
  if (group().depth == 0)
    return fail(kInvalidUsage, "ncclGroupEnd without a group");
  if (--group().depth > 0)
    return kSuccess;
  {
    std::lock_guard lock(mutex);
    for (Comm *comm : std::exchange(group().aborts, {}))
      abortComm(*comm);
  }
  return launch(std::exchange(group().calls, {}));
}

static std::byte *bytesOf(const void *address) {
  return static_cast<std::byte *>(const_cast<void *>(address));
}

EXPORT int ncclSend(const void *data, size_t count, int dtype, int peer, Comm *comm,
                    Stream *stream) {
  ENTER();
  return add({Call::Kind::Send, bytesOf(data), nullptr, count, dtype, peer, comm, stream});
}

EXPORT int ncclRecv(void *data, size_t count, int dtype, int peer, Comm *comm, Stream *stream) {
  ENTER();
  return add({Call::Kind::Receive, nullptr, bytesOf(data), count, dtype, peer, comm, stream});
}

EXPORT int ncclBroadcast(const void *from, void *to, size_t count, int dtype, int root, Comm *comm,
                         Stream *stream) {
  ENTER();
  return add({Call::Kind::Broadcast, bytesOf(from), bytesOf(to), count, dtype, root, comm, stream});
}

EXPORT int ncclAllGather(const void *from, void *to, size_t count, int dtype, Comm *comm,
                         Stream *stream) {
  ENTER();
  return add({Call::Kind::AllGather, bytesOf(from), bytesOf(to), count, dtype, 0, comm, stream});
}
