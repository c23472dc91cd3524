//===- NcclWorld.h - Communicators and calls of the stand-in ----*- C++ -*-===//
//
// A World is what all ranks of a communicator share: queues of sends and
// receives for each ordered pair of ranks, and collective calls by number. Private
// to libnccl.so.2's files.
//===----------------------------------------------------------------------===//
#pragma once
#include "Simulation.h"
#include <cstddef>

namespace standin::nccl {

enum : int {
  kSuccess = 0,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7,
};

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
  std::map<int, Comm *> made;                ///< and not yet handed out
};

struct World {
  int size = 0;
  std::map<int, Comm *> members;
  std::map<Pair, std::deque<Post *>> sends, receives;
  std::map<int64_t, Collective> collectives;
  std::map<int64_t, SplitCall> splits;
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

/// All that were ever made: never freed, so that use after abort is seen.
std::set<Comm *> &comms();

int fail(int error, const std::string &text);

// Holding the mutex:

/// Whether a function may be called on a communicator.
int check(Comm *comm, const char *function, bool mayBeFinalized = false);
/// What a call that is complete, or will be, returns.
int begin(Comm *comm, Stream *stream, std::function<bool()> isComplete,
          std::unique_lock<std::mutex> &lock);
Comm *makeComm(const std::shared_ptr<World> &world, int rank, bool isBlocking);
void completeSplit(Comm &parent, int64_t number, bool isBlocking);
/// Ends a communicator at once.
void abortComm(Comm &comm);

// Not holding it:

/// What this thread's group holds until it ends.
struct GroupState {
  int depth = 0;
  std::vector<Call> calls;
  std::vector<Comm *> aborts;
};
GroupState &group();
/// Adds a call to the group, or enqueues it by itself.
int add(const Call &call);
/// Enqueues calls that were grouped.
int launch(std::vector<Call> calls);

} // namespace standin::nccl
