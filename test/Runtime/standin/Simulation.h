//===- Simulation.h - Devices of the stand-in -------------------*- C++ -*-===//
//
// What the three stand-in libraries share; lives in libcudart.so.13. Everything
// is guarded by one mutex, and whoever waits, waits on one condition: there is
// little of it, and every wait can be for anything.
//===----------------------------------------------------------------------===//
#pragma once
#include "Shadow.h"
#include "Standin.h"
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

namespace standin {

// Never destroyed: threads of streams wait on them until the process is gone.
STANDIN_API extern std::mutex &mutex;
STANDIN_API extern std::condition_variable &changed;

/// Notes something forbidden; holding the mutex or not.
STANDIN_API void violate(const std::string &text);

template <typename... PARTS> std::string concat(const PARTS &...parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// Counts a call. Returns the error that a test wants it to have, or 0.
STANDIN_API int enter(const char *function);
STANDIN_API bool isNoOperation();

/// A task as it runs: who it is and what is known to have happened before it.
struct Context {
  int device = 0;
  Stamp stamp;
  const VectorClock *clock = nullptr;
  const char *name = "";
  STANDIN_API void read(const void *address, size_t bytes) const;
  STANDIN_API void write(const void *address, size_t bytes) const;
};
using Body = std::function<void(const Context &)>;

struct Completion {
  bool isDone = false;
  std::chrono::steady_clock::time_point time; ///< when it was done
};

struct Capture;

struct Event {
  bool isTimed = false;
  VectorClock clock;
  std::shared_ptr<Completion> last; ///< null: never recorded
  std::shared_ptr<Capture> capture; ///< of the last record
  uint64_t captureNode = 0;
};

struct Task {
  const char *name;
  Body body;
  std::shared_ptr<Completion> waitsFor, completes;
  VectorClock clock;
  Stamp stamp;
  bool isNccl = false;
};

struct Stream {
  int device = 0;
  uint32_t timeline = 0;
  VectorClock clock;
  std::deque<Task> tasks;
  bool isRunning = false, isRunningNccl = false, isStopping = false;
  std::shared_ptr<Capture> capture;
  std::set<uint64_t> captureTail; ///< nodes that the stream's next captured task comes after
  std::thread worker;
};

/// One thing recorded on one of the streams of a capture.
struct CaptureNode {
  const char *name;
  Body body;
  uint32_t timeline; ///< of the stream
  std::set<uint64_t> after;
  bool isNccl;
};
struct Capture {
  Stream *origin = nullptr;
  std::vector<CaptureNode> nodes;
  std::set<Stream *> streams;
  std::set<uint64_t> tail; ///< of the origin, when it ended
  bool isActive = true;
};

/// Puts a task at the end of a stream, or into the capture that it is part of. Holding the mutex.
/// Null is the current device's default stream. Returns false after a violation.
STANDIN_API bool enqueue(Stream *stream, const char *name, Body body, bool isNccl = false);

STANDIN_API int currentDevice();

/// The stream, which must be alive and of the current device; null after a violation.
STANDIN_API Stream *checkedStream(Stream *stream, const char *function);

/// A stream whose NCCL call is in progress must not be used. Holding the mutex.
STANDIN_API void setBusy(Stream *stream, bool isBusy);

/// NCCL's things alive, for describeAlive().
STANDIN_API extern int64_t numCommunicators;

struct Faults {
  int64_t delay = 0;
  int64_t tasksLeft = -1;       ///< -1: no limit
  int64_t messagesToDamage = 0; ///< 0: none, 1: the next
  bool isDead = false, isNoticed = false;
};
STANDIN_API Faults &faultsOf(int device);
STANDIN_API extern int polls;

} // namespace standin
