//===- Nccl.cpp - The stand-in's NCCL -------------------------------------===//
//
// A World is what all ranks of a communicator share: queues of sends and
// receives for each ordered pair of ranks, and collective calls by number. A group
// is one task on its stream that posts everything and ends when everything has
// been met, as a kernel would: nothing is buffered, order is kept, waits are real.
//===----------------------------------------------------------------------===//
#include "Simulation.h"
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstring>

using namespace standin;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum : int {
  kSuccess = 0,
  kInternalError = 3,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7,
};

/// Calls that a group may hold, and messages for one ordered pair of ranks.
constexpr int64_t kMaxGroupCalls = 4096;
constexpr int kNoColor = -1;

struct Comm;

/// One end of a message, while its task waits.
struct Post {
  Comm *comm = nullptr;
  std::byte *address = nullptr;
  size_t bytes = 0;
  int dtype = 0;
  const Context *context = nullptr;
  bool isDone = false;
};

struct Pair {
  int from, to;
  auto operator<=>(const Pair &) const = default;
};

/// One collective call of all ranks.
struct Collective {
  std::string text; ///< what the first rank called
  std::map<int, Post *> posts;
  bool isDone = false;
};

struct SplitCall {
  std::map<int, std::pair<int, int>> colors; ///< and keys, by rank
  std::map<int, Comm *> made;
};

struct World {
  int size = 0;
  std::map<int, Comm *> members;
  std::map<Pair, std::deque<Post *>> sends, receives;
  std::map<int64_t, Collective> collectives;
  std::map<int64_t, SplitCall> splits;
  bool hasDied = false; ///< a member's process has
};

struct Comm {
  std::shared_ptr<World> world;
  int rank = 0, device = 0;
  bool isBlocking = true;
  enum class State { Alive, Finalized, Gone } state = State::Alive;
  bool isAborted = false;
  int64_t numCollectives = 0, numSplits = 0;
  int64_t numTasks = 0; ///< in flight
  // A call in progress, of a non-blocking communicator.
  bool isBusy = false;
  int pollsLeft = 0;
  Stream *busyStream = nullptr;
  std::function<bool()> isComplete; ///< null: at once
  int error = kSuccess;
};

struct Call {
  enum class Kind { Send, Receive, Broadcast, AllGather } kind;
  std::byte *from, *to;
  size_t count;
  int dtype, peer;
  Comm *comm;
  Stream *stream;
};

struct UniqueId {
  char bytes[128];
};

struct Config {
  size_t size;
  unsigned magic, version;
  int blocking;
};

std::set<Comm *> &comms() {
  static auto *all = new std::set<Comm *>; // never freed, so that use after abort is seen
  return *all;
}
std::map<std::string, std::shared_ptr<World>> worlds;
int64_t numIds = 0;

struct GroupState {
  int depth = 0;
  std::vector<Call> calls;
  std::vector<Comm *> aborts;
};
thread_local GroupState group;

int fail(int error, const std::string &text) {
  violate(text);
  return error;
}

size_t widthOf(int dtype) {
  switch (dtype) {
  case 2:
  case 3:
  case 7:
    return 4;
  case 4:
  case 5:
  case 8:
    return 8;
  case 6:
  case 9:
    return 2;
  default:
    return 1;
  }
}

/// Holding the mutex.
int check(Comm *comm, const char *function, bool mayBeFinalized = false) {
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

/// What a call that is complete, or will be, returns.
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

bool isStuck(const Comm &comm) { return faultsOf(comm.device).isDead; }

/// Copies what a rank receives, damaged if a test wants it. Holding the mutex.
void deliver(const Post &to, const std::byte *from, size_t bytes) {
  to.context->write(to.address, bytes);
  std::memcpy(to.address, from, bytes);
  Faults &faults = faultsOf(to.comm->device);
  if (faults.messagesToDamage > 0 && --faults.messagesToDamage == 0)
    to.address[bytes / 3] ^= std::byte{16};
}

/// Moves a message whose ends have both come. Holding the mutex.
void transfer(Post &send, Post &receive) {
  if (send.bytes != receive.bytes || send.dtype != receive.dtype)
    violate(concat("rank ", send.comm->rank, " sends ", send.bytes, " bytes of type ", send.dtype,
                   ", but rank ", receive.comm->rank, " receives ", receive.bytes, " of type ",
                   receive.dtype));
  const size_t bytes = std::min(send.bytes, receive.bytes);
  send.context->read(send.address, bytes);
  deliver(receive, send.address, bytes);
  send.isDone = receive.isDone = true;
}

/// Meets the oldest ends of a pair of ranks, as long as there are two.
void match(World &world, Pair pair) {
  std::deque<Post *> &sends = world.sends[pair], &receives = world.receives[pair];
  while (!sends.empty() && !receives.empty()) {
    transfer(*sends.front(), *receives.front());
    sends.pop_front();
    receives.pop_front();
  }
}

void completeCollective(const Call &call, Collective &collective) {
  if (call.kind == Call::Kind::Broadcast) {
    Post &root = *collective.posts[call.peer];
    root.context->read(root.address, root.bytes);
    for (auto &[rank, post] : collective.posts)
      if (rank != call.peer)
        deliver(*post, root.address, std::min(post->bytes, root.bytes));
  } else {
    // Every post's address is its rank's output; its own input lies at its place in it by now.
    for (auto &[from, source] : collective.posts)
      for (auto &[to, target] : collective.posts)
        if (from != to)
          std::memcpy(target->address + static_cast<size_t>(from) * source->bytes,
                      source->address + static_cast<size_t>(from) * source->bytes, source->bytes);
  }
  for (auto &[rank, post] : collective.posts)
    post->isDone = true;
  collective.isDone = true;
}

std::string describe(const Call &call) {
  return concat(call.kind == Call::Kind::Broadcast ? "broadcast" : "all-gather", " of ", call.count,
                " elements of type ", call.dtype, " with root ", call.peer);
}

/// Posts one call. Holding the mutex.
void post(const Call &call, Post &mine, int64_t number) {
  World &world = *call.comm->world;
  const int rank = call.comm->rank;
  switch (call.kind) {
  case Call::Kind::Send:
    world.sends[{rank, call.peer}].push_back(&mine);
    return match(world, {rank, call.peer});
  case Call::Kind::Receive:
    world.receives[{call.peer, rank}].push_back(&mine);
    return match(world, {call.peer, rank});
  case Call::Kind::Broadcast:
  case Call::Kind::AllGather:
    break;
  }
  Collective &collective = world.collectives[number];
  if (collective.posts.empty())
    collective.text = describe(call);
  else if (collective.text != describe(call))
    violate(concat("call ", number, " of a communicator is a ", describe(call), " on rank ", rank,
                   ", but a ", collective.text, " on rank ", collective.posts.begin()->first));
  if (call.kind == Call::Kind::AllGather) {
    mine.context->read(call.from, mine.bytes);
    mine.context->write(call.to, mine.bytes * static_cast<size_t>(world.size));
    std::memcpy(call.to + static_cast<size_t>(rank) * mine.bytes, call.from, mine.bytes);
  }
  collective.posts[rank] = &mine;
  if (static_cast<int>(collective.posts.size()) == world.size)
    completeCollective(call, collective);
}

/// Takes back what has not been met.
void withdraw(const Call &call, Post &mine, int64_t number) {
  World &world = *call.comm->world;
  auto drop = [&](std::deque<Post *> &queue) { std::erase(queue, &mine); };
  if (call.kind == Call::Kind::Send)
    drop(world.sends[{call.comm->rank, call.peer}]);
  else if (call.kind == Call::Kind::Receive)
    drop(world.receives[{call.peer, call.comm->rank}]);
  else if (!mine.isDone)
    world.collectives[number].posts.erase(call.comm->rank);
  if (!mine.isDone && call.kind != Call::Kind::Send) { // what an abort leaves is garbage
    const bool gathers = call.kind == Call::Kind::AllGather;
    const size_t bytes = mine.bytes * static_cast<size_t>(gathers ? world.size : 1);
    mine.context->write(mine.address, bytes);
    std::memset(mine.address, 0xa5, bytes);
  }
}

/// A group as its stream runs it.
void runGroup(const std::vector<Call> &calls, const std::vector<int64_t> &numbers,
              const Context &context) {
  std::unique_lock lock(mutex);
  Comm &first = *calls.front().comm;
  Faults &faults = faultsOf(first.device);
  if (faults.delay > 0) {
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(faults.delay));
    lock.lock();
  }
  auto isAborted = [&] {
    return std::any_of(calls.begin(), calls.end(),
                       [](const Call &call) { return call.comm->isAborted; });
  };
  const bool isDropped = faults.tasksLeft == 0;
  faults.tasksLeft -= faults.tasksLeft > 0;
  if (isDropped || isStuck(first))
    changed.wait(lock, isAborted);
  std::vector<Post> posts(calls.size());
  for (size_t i = 0; i < calls.size(); ++i)
    posts[i] = {calls[i].comm,
                calls[i].kind == Call::Kind::Send ? calls[i].from : calls[i].to,
                calls[i].count * widthOf(calls[i].dtype),
                calls[i].dtype,
                &context,
                false};
  if (!isAborted())
    for (size_t i = 0; i < calls.size(); ++i)
      post(calls[i], posts[i], numbers[i]);
  changed.notify_all();
  changed.wait(lock, [&] {
    return isAborted() || (!isStuck(first) && std::all_of(posts.begin(), posts.end(),
                                                          [](const Post &p) { return p.isDone; }));
  });
  for (size_t i = 0; i < calls.size(); ++i)
    withdraw(calls[i], posts[i], numbers[i]);
  for (const Call &call : calls)
    --call.comm->numTasks;
  changed.notify_all();
}

/// Verifies:
/// - one stream, one device, communicators that may be called;
/// - no more than one message for an ordered pair of ranks, nor too many calls;
/// - collectives and messages are not mixed.
int checkGroup(const std::vector<Call> &calls) {
  std::set<std::pair<Comm *, Pair>> pairs;
  std::set<bool> kinds;
  if (static_cast<int64_t>(calls.size()) > kMaxGroupCalls)
    return fail(kInvalidUsage,
                concat("a group has ", calls.size(), " calls, expected at most ", kMaxGroupCalls));
  for (const Call &call : calls) {
    if (call.stream != calls.front().stream)
      return fail(kInvalidUsage, "a group uses several streams");
    if (call.comm->device != currentDevice())
      return fail(kInvalidUsage, "a communicator of another device than the current one is used");
    const bool isMessage = call.kind == Call::Kind::Send || call.kind == Call::Kind::Receive;
    kinds.insert(isMessage);
    if (!isMessage)
      continue;
    const Pair pair = call.kind == Call::Kind::Send ? Pair{call.comm->rank, call.peer}
                                                    : Pair{call.peer, call.comm->rank};
    if (call.peer < 0 || call.peer >= call.comm->world->size || call.peer == call.comm->rank)
      return fail(kInvalidArgument, concat("rank ", call.comm->rank, " names peer ", call.peer));
    if (!pairs.insert({call.comm, pair}).second)
      return fail(kInvalidUsage,
                  concat("a group holds two messages from rank ", pair.from, " to rank ", pair.to));
  }
  return kinds.size() > 1 ? fail(kInvalidUsage, "a group mixes messages and collectives")
                          : kSuccess;
}

/// Enqueues calls that were grouped, or one by itself.
int launch(std::vector<Call> calls) {
  if (calls.empty())
    return kSuccess;
  std::unique_lock lock(mutex);
  for (const Call &call : calls)
    if (const int error = check(call.comm, "a call"); error != kSuccess)
      return error;
  if (const int error = checkGroup(calls); error != kSuccess)
    return error;
  std::vector<int64_t> numbers;
  for (const Call &call : calls) {
    const bool isCollective =
        call.kind == Call::Kind::Broadcast || call.kind == Call::Kind::AllGather;
    numbers.push_back(isCollective ? call.comm->numCollectives++ : 0);
  }
  Comm *last = calls.back().comm;
  Stream *stream = calls.back().stream;
  const bool isCaptured = stream && stream->capture;
  for (const Call &call : calls)
    call.comm->numTasks += !isCaptured;
  auto body = [calls = std::move(calls), numbers, isCaptured](const Context &context) {
    std::vector<int64_t> own = numbers;
    if (isCaptured) { // every launch of a graph is a call of its own
      std::lock_guard again(mutex);
      for (size_t i = 0; i < calls.size(); ++i) {
        ++calls[i].comm->numTasks;
        if (calls[i].kind == Call::Kind::Broadcast || calls[i].kind == Call::Kind::AllGather)
          own[i] = calls[i].comm->numCollectives++;
      }
    }
    runGroup(calls, own, context);
  };
  if (!enqueue(stream, "an NCCL operation", std::move(body), true))
    return kInvalidArgument;
  return begin(last, stream, nullptr, lock);
}

int add(const Call &call) {
  if (group.depth > 0) {
    group.calls.push_back(call);
    return kSuccess;
  }
  return launch({call});
}

/// Ends a communicator at once. Holding the mutex.
void abortComm(Comm &comm) {
  comm.isAborted = true;
  comm.isBusy = false;
  if (comm.busyStream)
    setBusy(comm.busyStream, false);
  comm.state = Comm::State::Gone;
  --numCommunicators;
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
    }
  }
}

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
        const SplitCall &mine = comm->world->splits[number];
        if (static_cast<int>(mine.colors.size()) != comm->world->size)
          return false;
        if (auto found = mine.made.find(comm->rank); found != mine.made.end())
          *newComm = found->second;
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
  if (group.depth > 0)
    group.aborts.push_back(comm);
  else
    abortComm(*comm);
  return kSuccess;
}

EXPORT int ncclGroupStart() {
  ENTER();
  ++group.depth;
  return kSuccess;
}

EXPORT int ncclGroupEnd() {
  if (isNoOperation())
    return kSuccess;
  if (const int injected = enter(__func__); injected != 0) {
    group = {}; // it has ended all the same
    return injected;
  }
  if (group.depth == 0)
    return fail(kInvalidUsage, "ncclGroupEnd without a group");
  if (--group.depth > 0)
    return kSuccess;
  {
    std::lock_guard lock(mutex);
    for (Comm *comm : std::exchange(group.aborts, {}))
      abortComm(*comm);
  }
  return launch(std::exchange(group.calls, {}));
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
