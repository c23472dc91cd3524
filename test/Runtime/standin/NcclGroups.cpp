//===- NcclGroups.cpp - How calls of the stand-in meet --------------------===//
//
// A group is one task on its stream that posts everything and ends when everything
// has been met, as a kernel would: nothing is buffered, order is kept, waits are
// real.
//===----------------------------------------------------------------------===//
#include "NcclWorld.h"
#include <cstring>

namespace standin::nccl {
namespace {

/// Calls that a group may hold, and messages for one ordered pair of ranks.
constexpr int64_t kMaxGroupCalls = 4096;

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

} // namespace

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
  if (group().depth > 0) {
    group().calls.push_back(call);
    return kSuccess;
  }
  return launch({call});
}

GroupState &group() {
  thread_local GroupState state;
  return state;
}

} // namespace standin::nccl
