//===- Simulation.cpp - Devices of the stand-in ---------------------------===//
#include "Simulation.h"
#include "SimulationState.h"
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace standin {

std::mutex &mutex = *new std::mutex;
std::condition_variable &changed = *new std::condition_variable;
int64_t numCommunicators = 0;
int polls = 2;

namespace {

std::mutex violationMutex;

void checkAtExit() {
  const std::string alive = describeAlive();
  const std::vector<std::string> violations = takeViolations();
  if (!alive.empty())
    std::fprintf(stderr, "stand-in: still alive at the end: %s\n", alive.c_str());
  if (!alive.empty() || !violations.empty())
    _exit(70);
}

} // namespace

State &state() {
  // Never destroyed: threads of streams that a test leaked may still run.
  static State *const made = [] {
    std::atexit(checkAtExit);
    return new State;
  }();
  return *made;
}

int &deviceOfThread() {
  thread_local int device = 0;
  return device;
}

int currentDevice() { return deviceOfThread(); }

void violate(const std::string &text) {
  std::lock_guard lock(violationMutex);
  std::fprintf(stderr, "stand-in: %s\n", text.c_str());
  state().violations.push_back(text);
}

std::vector<std::string> takeViolations() {
  std::lock_guard lock(violationMutex);
  return std::exchange(state().violations, {});
}

std::string describeAlive() {
  std::lock_guard lock(mutex);
  const State &now = state();
  std::string text;
  auto add = [&](size_t count, const char *what) {
    if (count > 0)
      text += concat(text.empty() ? "" : ", ", count, " ", what, count > 1 ? "s" : "");
  };
  add(static_cast<size_t>(numCommunicators), "communicator");
  add(now.streams.size(), "stream");
  add(now.events.size(), "event");
  add(now.graphs.size(), "graph");
  add(now.memory.size(), "allocation");
  return text;
}

int enter(const char *function) {
  State &now = state();
  std::lock_guard lock(now.callMutex);
  ++now.calls[function];
  auto failing = now.failing.find(function);
  if (failing == now.failing.end() || --failing->second.first > 0)
    return 0;
  const int error = failing->second.second;
  now.failing.erase(failing);
  return error;
}

int64_t numCalls(const std::string &function) {
  State &now = state();
  std::lock_guard lock(now.callMutex);
  int64_t sum = 0;
  for (const auto &[name, count] : now.calls)
    if (function.empty() || name == function)
      sum += count;
  return sum;
}

void resetCalls() {
  State &now = state();
  std::lock_guard lock(now.callMutex);
  now.calls.clear();
}

void failCall(const std::string &function, int64_t nth, int error) {
  State &now = state();
  std::lock_guard lock(now.callMutex);
  now.failing[function] = {nth, error};
}

Faults &faultsOf(int device) { return state().faults[device]; }

void delay(int device, int64_t milliseconds) {
  std::lock_guard lock(mutex);
  faultsOf(device).delay = milliseconds;
}

void dropAfter(int device, int64_t groups) {
  std::lock_guard lock(mutex);
  faultsOf(device).tasksLeft = groups;
}

void damage(int device, int64_t nth) {
  std::lock_guard lock(mutex);
  faultsOf(device).messagesToDamage = nth;
}

void kill(int device, bool isNoticed) {
  std::lock_guard lock(mutex);
  faultsOf(device).isDead = true;
  faultsOf(device).isNoticed = isNoticed;
  changed.notify_all();
}

void heal() {
  {
    std::lock_guard lock(state().callMutex);
    state().failing.clear();
  }
  std::lock_guard lock(mutex);
  state().faults.clear();
  polls = 2;
}

void setPolls(int count) {
  std::lock_guard lock(mutex);
  polls = count;
}

void setNoOperation(bool isOn) { state().noOperation.store(isOn); }
bool isNoOperation() { return state().noOperation.load(std::memory_order_relaxed); }

void Context::read(const void *address, size_t bytes) const {
  if (bytes == 0)
    return;
  std::lock_guard lock(state().shadowMutex);
  const std::string problem =
      state().shadow.read(reinterpret_cast<uintptr_t>(address), bytes, stamp, *clock);
  if (!problem.empty())
    violate(concat(name, " ", problem, ": ", bytes, " bytes on device ", device));
}

void Context::write(const void *address, size_t bytes) const {
  if (bytes == 0)
    return;
  std::lock_guard lock(state().shadowMutex);
  const std::string problem =
      state().shadow.write(reinterpret_cast<uintptr_t>(address), bytes, stamp, *clock);
  if (!problem.empty())
    violate(concat(name, " ", problem, ": ", bytes, " bytes on device ", device));
}

/// Runs a stream's tasks one after the other, until the stream is destroyed and idle.
static void work(Stream &stream) {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return stream.isStopping || !stream.tasks.empty(); });
    if (stream.tasks.empty())
      return;
    Task task = std::move(stream.tasks.front());
    stream.tasks.pop_front();
    stream.isRunning = true;
    stream.isRunningNccl = task.isNccl;
    if (task.waitsFor)
      changed.wait(lock, [&] { return task.waitsFor->isDone; });
    if (task.body) {
      lock.unlock();
      task.body({stream.device, task.stamp, &task.clock, task.name});
      lock.lock();
    }
    if (task.completes) {
      task.completes->time = std::chrono::steady_clock::now();
      task.completes->isDone = true;
    }
    stream.isRunning = stream.isRunningNccl = false;
    changed.notify_all();
  }
}

Stream *makeStream(int device) {
  auto *stream = new Stream;
  stream->device = device;
  stream->timeline = ++state().numTimelines;
  stream->worker = std::thread([stream] { work(*stream); });
  return stream;
}

Stream *checkedStream(Stream *stream, const char *function) {
  State &now = state();
  if (!stream) {
    Stream *&made = now.defaultStreams[currentDevice()];
    if (!made)
      made = makeStream(currentDevice());
    return made;
  }
  if (!now.streams.contains(stream)) {
    violate(concat(function, " uses a stream that does not exist"));
    return nullptr;
  }
  if (stream->device != currentDevice()) {
    violate(concat(function, " uses a stream of device ", stream->device, " while device ",
                   currentDevice(), " is current"));
    return nullptr;
  }
  if (now.busy.contains(stream)) {
    violate(concat(function, " uses a stream whose NCCL call is still in progress"));
    return nullptr;
  }
  return stream;
}

void setBusy(Stream *stream, bool isBusy) {
  if (isBusy)
    state().busy.insert(stream);
  else
    state().busy.erase(stream);
}

void push(Stream &stream, Task task) {
  stream.clock.join(state().hostClocks[stream.device]);
  task.stamp = stream.clock.tick(stream.timeline);
  task.clock = stream.clock;
  stream.tasks.push_back(std::move(task));
  changed.notify_all();
}

bool enqueue(Stream *stream, const char *name, Body body, bool isNccl) {
  stream = checkedStream(stream, name);
  if (!stream)
    return false;
  if (Capture *capture = stream->capture.get()) {
    capture->nodes.push_back(
        {name, std::move(body), stream->timeline, stream->captureTail, isNccl});
    stream->captureTail = {capture->nodes.size()}; // nodes count from 1
    return true;
  }
  Task task;
  task.name = name;
  task.body = std::move(body);
  task.isNccl = isNccl;
  push(*stream, std::move(task));
  return true;
}

} // namespace standin
