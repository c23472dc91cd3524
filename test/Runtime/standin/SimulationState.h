//===- SimulationState.h - Everything the stand-in knows --------*- C++ -*-===//
//
// Private to libcudart.so.13's two files.
//===----------------------------------------------------------------------===//
#pragma once
#include "Simulation.h"
#include <atomic>

namespace standin {

struct Graph {
  std::shared_ptr<Capture> capture;
};

struct Allocation {
  size_t bytes;
  int device;
  bool isPinned;
};

struct State {
  std::set<Stream *> streams; ///< made by callers
  std::map<int, Stream *> defaultStreams;
  std::set<Stream *> busy;
  std::set<Event *> events;
  std::set<Graph *> graphs;
  std::map<void *, Allocation> memory;
  std::map<int, VectorClock> hostClocks; ///< what the host has seen of a device
  uint32_t numTimelines = 0;
  int numCaptures = 0; ///< active
  std::map<int, Faults> faults;

  std::mutex shadowMutex;
  Shadow shadow;

  std::mutex callMutex;
  std::map<std::string, int64_t> calls;
  std::map<std::string, std::pair<int64_t, int>> failing;

  std::vector<std::string> violations;
  std::atomic<bool> noOperation = false;
};

State &state();
int &deviceOfThread();
Stream *makeStream(int device);
void push(Stream &stream, Task task);

} // namespace standin
