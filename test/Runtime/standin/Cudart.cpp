//===- Cudart.cpp - The stand-in's CUDA runtime ---------------------------===//
//
// The functions that the runtime and its tests use, on host memory. Each begins
// with enter(), which counts it and may make it fail.
//===----------------------------------------------------------------------===//
#include "SimulationState.h"
#include <cstdlib>
#include <cstring>

using namespace standin;

#define EXPORT extern "C" __attribute__((visibility("default")))
/// Begins a function: what no-operation mode and injected failures return.
#define ENTER()                                                                                    \
  do {                                                                                             \
    if (isNoOperation())                                                                           \
      return 0;                                                                                    \
    if (const int error = enter(__func__); error != 0)                                             \
      return error;                                                                                \
  } while (false)

namespace {

enum : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kMemoryAllocation = 2,
  kInvalidDevice = 101,
  kNotReady = 600,
  kInvalidHandle = 400,
  kCaptureUnsupported = 900,
  kCaptureUnjoined = 904,
  kCaptureIsolation = 905,
  kCapturedEvent = 907,
};

constexpr int kNumDevices = 64;

/// Functions that must not be called while something is captured.
int refuseWhileCapturing(const char *function) {
  if (state().numCaptures == 0)
    return kSuccess;
  violate(concat(function, " is called while a stream is captured"));
  return kCaptureUnsupported;
}

int fail(int error, const std::string &text) {
  violate(text);
  return error;
}

} // namespace

EXPORT int cudaRuntimeGetVersion(int *version) {
  ENTER();
  *version = 13000;
  return kSuccess;
}

EXPORT int cudaGetDeviceCount(int *count) {
  ENTER();
  *count = kNumDevices;
  return kSuccess;
}

EXPORT int cudaGetDevice(int *device) {
  ENTER();
  *device = currentDevice();
  return kSuccess;
}

EXPORT int cudaSetDevice(int device) {
  ENTER();
  if (device < 0 || device >= kNumDevices)
    return kInvalidDevice;
  deviceOfThread() = device;
  return kSuccess;
}

EXPORT int cudaGetLastError() { return kSuccess; }

EXPORT const char *cudaGetErrorString(int error) {
  switch (error) {
  case kSuccess:
    return "no error";
  case kMemoryAllocation:
    return "out of memory";
  case kNotReady:
    return "device not ready";
  default:
    return "an error of the stand-in";
  }
}

static int allocate(void **address, size_t bytes, bool isPinned, const char *function) {
  std::lock_guard lock(mutex);
  if (const int error = refuseWhileCapturing(function); error != 0)
    return error;
  *address = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!*address)
    return kMemoryAllocation;
  std::memset(*address, 0xcd, bytes);
  state().memory[*address] = {bytes, currentDevice(), isPinned};
  if (!isPinned) {
    std::lock_guard shadowLock(state().shadowMutex);
    state().shadow.add(reinterpret_cast<uintptr_t>(*address), bytes);
  }
  return kSuccess;
}

/// Whether a device has work of NCCL's, which may wait for other ranks.
static bool hasNcclWork(int device) {
  return std::any_of(state().streams.begin(), state().streams.end(), [&](const Stream *stream) {
    return stream->device == device &&
           (stream->isRunningNccl || std::any_of(stream->tasks.begin(), stream->tasks.end(),
                                                 [](const Task &task) { return task.isNccl; }));
  });
}

static bool isIdle(int device) {
  return std::none_of(state().streams.begin(), state().streams.end(), [&](const Stream *stream) {
    return stream->device == device && (stream->isRunning || !stream->tasks.empty());
  });
}

static int release(void *address, const char *function) {
  if (!address)
    return kSuccess;
  std::unique_lock lock(mutex);
  if (const int error = refuseWhileCapturing(function); error != 0)
    return error;
  auto found = state().memory.find(address);
  if (found == state().memory.end())
    return fail(kInvalidValue, concat(function, " frees what is not allocated"));
  // The real one waits for the whole device, and so for other ranks if NCCL does.
  if (hasNcclWork(found->second.device))
    return fail(kInvalidValue, concat(function, " while NCCL is at work on the device"));
  changed.wait(lock, [&] { return isIdle(found->second.device); });
  if (!found->second.isPinned) {
    std::lock_guard shadowLock(state().shadowMutex);
    state().shadow.remove(reinterpret_cast<uintptr_t>(address), found->second.bytes);
  }
  state().memory.erase(found);
  std::free(address);
  return kSuccess;
}

EXPORT int cudaMalloc(void **address, size_t bytes) {
  ENTER();
  return allocate(address, bytes, false, __func__);
}

EXPORT int cudaFree(void *address) {
  ENTER();
  return release(address, __func__);
}

EXPORT int cudaMallocHost(void **address, size_t bytes) {
  ENTER();
  return allocate(address, bytes, true, __func__);
}

EXPORT int cudaFreeHost(void *address) {
  ENTER();
  return release(address, __func__);
}

EXPORT int cudaPointerGetAttributes(void *attributes, const void *address) {
  ENTER();
  struct {
    int type, device;
  } result = {0, -1};
  std::lock_guard lock(mutex);
  auto after = state().memory.upper_bound(const_cast<void *>(address));
  if (after != state().memory.begin())
    if (auto found = std::prev(after);
        static_cast<const char *>(address) <
        static_cast<const char *>(found->first) + found->second.bytes)
      result = {found->second.isPinned ? 1 : 2, found->second.device};
  std::memcpy(attributes, &result, sizeof(result));
  return kSuccess;
}

EXPORT int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, Stream *stream) {
  ENTER();
  std::lock_guard lock(mutex);
  auto body = [=](const Context &context) {
    if (kind != 1)
      context.read(from, bytes);
    if (kind != 2)
      context.write(to, bytes);
    if (bytes == sizeof(uint32_t)) // a word that kernels may read at the same time
      __atomic_store_n(static_cast<uint32_t *>(to), *static_cast<const uint32_t *>(from),
                       __ATOMIC_RELAXED);
    else
      std::memcpy(to, from, bytes);
  };
  return enqueue(stream, "cudaMemcpyAsync", body) ? kSuccess : kInvalidHandle;
}

EXPORT int cudaMemsetAsync(void *to, int value, size_t bytes, Stream *stream) {
  ENTER();
  std::lock_guard lock(mutex);
  auto body = [=](const Context &context) {
    context.write(to, bytes);
    std::memset(to, value, bytes);
  };
  return enqueue(stream, "cudaMemsetAsync", body) ? kSuccess : kInvalidHandle;
}

EXPORT int cudaStreamCreateWithFlags(Stream **stream, unsigned) {
  ENTER();
  std::lock_guard lock(mutex);
  if (const int error = refuseWhileCapturing(__func__); error != 0)
    return error;
  *stream = makeStream(currentDevice());
  state().streams.insert(*stream);
  return kSuccess;
}

EXPORT int cudaStreamDestroy(Stream *stream) {
  ENTER();
  {
    std::lock_guard lock(mutex);
    if (state().streams.erase(stream) == 0)
      return fail(kInvalidHandle, "cudaStreamDestroy of a stream that does not exist");
    state().busy.erase(stream);
    stream->isStopping = true;
    changed.notify_all();
  }
  stream->worker.join(); // work in flight goes on to its end
  delete stream;
  return kSuccess;
}

EXPORT int cudaStreamIsCapturing(Stream *stream, int *status) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream)
    return kInvalidHandle;
  *status = stream->capture ? 1 : 0;
  return kSuccess;
}

EXPORT int cudaEventCreateWithFlags(Event **event, unsigned flags) {
  ENTER();
  constexpr unsigned kDisableTiming = 2;
  std::lock_guard lock(mutex);
  *event = new Event;
  (*event)->isTimed = (flags & kDisableTiming) == 0;
  state().events.insert(*event);
  return kSuccess;
}

EXPORT int cudaEventDestroy(Event *event) {
  ENTER();
  std::lock_guard lock(mutex);
  if (state().events.erase(event) == 0)
    return fail(kInvalidHandle, "cudaEventDestroy of an event that does not exist");
  delete event;
  return kSuccess;
}

EXPORT int cudaEventRecord(Event *event, Stream *stream) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream || !state().events.contains(event))
    return fail(kInvalidHandle, "cudaEventRecord of an event or stream that does not exist");
  event->capture = stream->capture;
  if (stream->capture) {
    stream->capture->nodes.push_back(
        {"cudaEventRecord", {}, stream->timeline, stream->captureTail, false});
    stream->captureTail = {stream->capture->nodes.size()};
    event->captureNode = stream->capture->nodes.size();
    return kSuccess;
  }
  Task task;
  task.name = "cudaEventRecord";
  task.completes = event->last = std::make_shared<Completion>();
  push(*stream, std::move(task));
  event->clock = stream->clock;
  return kSuccess;
}

EXPORT int cudaEventQuery(Event *event) {
  ENTER();
  std::lock_guard lock(mutex);
  if (!state().events.contains(event))
    return fail(kInvalidHandle, "cudaEventQuery of an event that does not exist");
  if (event->capture)
    return fail(kCapturedEvent, "cudaEventQuery of an event that was last recorded in a capture");
  if (event->last && !event->last->isDone)
    return kNotReady;
  state().hostClocks[currentDevice()].join(event->clock);
  return kSuccess;
}

EXPORT int cudaEventElapsedTime(float *milliseconds, Event *from, Event *to) {
  ENTER();
  std::lock_guard lock(mutex);
  for (Event *event : {from, to}) {
    if (!state().events.contains(event))
      return fail(kInvalidHandle, "cudaEventElapsedTime of an event that does not exist");
    if (!event->isTimed)
      return fail(kInvalidHandle, "cudaEventElapsedTime of an event without timing");
    if (event->capture)
      return fail(kInvalidHandle,
                  "cudaEventElapsedTime of an event that was last recorded in a capture");
    if (!event->last)
      return fail(kInvalidHandle, "cudaEventElapsedTime of an event that was never recorded");
    if (!event->last->isDone)
      return kNotReady;
  }
  *milliseconds =
      std::chrono::duration<float, std::milli>(to->last->time - from->last->time).count();
  return kSuccess;
}

EXPORT int cudaStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream || !state().events.contains(event))
    return fail(kInvalidHandle, "cudaStreamWaitEvent of an event or stream that does not exist");
  if (event->capture) {
    if (!event->capture->isActive || (stream->capture && stream->capture != event->capture))
      return fail(kCapturedEvent, "cudaStreamWaitEvent of an event of another capture");
    stream->capture = event->capture;
    stream->capture->streams.insert(stream);
    stream->captureTail.insert(event->captureNode);
    return kSuccess;
  }
  if (stream->capture)
    return fail(kCaptureIsolation,
                "a captured stream waits for an event that was recorded outside the capture");
  if (!event->last)
    return kSuccess;
  stream->clock.join(event->clock);
  Task task;
  task.name = "cudaStreamWaitEvent";
  task.waitsFor = event->last;
  push(*stream, std::move(task));
  return kSuccess;
}

EXPORT int cudaStreamSynchronize(Stream *stream) {
  ENTER();
  std::unique_lock lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream)
    return kInvalidHandle;
  if (const int error = refuseWhileCapturing(__func__); error != 0)
    return error;
  const VectorClock clock = stream->clock;
  auto done = std::make_shared<Completion>();
  Task task;
  task.name = __func__;
  task.completes = done;
  push(*stream, std::move(task));
  changed.wait(lock, [&] { return done->isDone; });
  state().hostClocks[currentDevice()].join(clock);
  return kSuccess;
}

EXPORT int cudaStreamBeginCapture(Stream *stream, int) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream || stream->capture)
    return kInvalidHandle;
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->streams.insert(stream);
  ++state().numCaptures;
  return kSuccess;
}

/// Whether every node is before the end of the captured stream.
static bool isJoined(const Capture &capture) {
  std::vector<bool> isReached(capture.nodes.size() + 1);
  for (uint64_t node : capture.tail)
    isReached[node] = true;
  for (size_t i = capture.nodes.size(); i > 0; --i)
    if (isReached[i])
      for (uint64_t before : capture.nodes[i - 1].after)
        isReached[before] = true;
  // A stream's waits without work after them count too, but leave no node.
  for (size_t i = 1; i < isReached.size(); ++i)
    if (!isReached[i])
      return false;
  return true;
}

EXPORT int cudaStreamEndCapture(Stream *stream, Graph **graph) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream || !stream->capture || stream->capture->origin != stream)
    return kInvalidHandle;
  const std::shared_ptr<Capture> capture = stream->capture;
  capture->isActive = false;
  capture->tail = stream->captureTail;
  for (Stream *each : capture->streams) {
    each->capture = nullptr;
    each->captureTail.clear();
  }
  --state().numCaptures;
  if (!isJoined(*capture))
    return fail(kCaptureUnjoined, "a capture ends with work that its stream does not wait for");
  *graph = new Graph{capture};
  state().graphs.insert(*graph);
  return kSuccess;
}

EXPORT int cudaGraphInstantiate(Graph **executable, Graph *graph, unsigned long long) {
  ENTER();
  std::lock_guard lock(mutex);
  *executable = new Graph{graph->capture};
  state().graphs.insert(*executable);
  return kSuccess;
}

EXPORT int cudaGraphLaunch(Graph *executable, Stream *stream) {
  ENTER();
  std::lock_guard lock(mutex);
  stream = checkedStream(stream, __func__);
  if (!stream || !state().graphs.contains(executable))
    return fail(kInvalidHandle, "cudaGraphLaunch of a graph or stream that does not exist");
  // Nodes run in the order in which they were captured, each with the clock that its
  // predecessors give it: an order that the capture lacks is missed here too.
  const std::shared_ptr<Capture> capture = executable->capture;
  VectorClock start = stream->clock;
  start.join(state().hostClocks[stream->device]);
  std::map<uint32_t, uint32_t> timelines;
  std::vector<VectorClock> clocks(capture->nodes.size() + 1);
  std::vector<Task> tasks;
  bool hasNccl = false;
  for (size_t i = 0; i < capture->nodes.size(); ++i) {
    const CaptureNode &node = capture->nodes[i];
    VectorClock &clock = clocks[i + 1] = start;
    for (uint64_t before : node.after)
      clock.join(clocks[before]);
    uint32_t &timeline = timelines[node.timeline];
    if (timeline == 0)
      timeline = ++state().numTimelines;
    Task &task = tasks.emplace_back();
    task.name = node.name;
    task.body = node.body;
    task.stamp = clock.tick(timeline);
    task.clock = clock;
    hasNccl |= node.isNccl;
  }
  for (uint64_t node : capture->tail)
    stream->clock.join(clocks[node]);
  Task launch;
  launch.name = "cudaGraphLaunch";
  launch.isNccl = hasNccl;
  launch.body = [tasks = std::move(tasks), device = stream->device](const Context &) {
    for (const Task &task : tasks)
      if (task.body)
        task.body({device, task.stamp, &task.clock, task.name});
  };
  push(*stream, std::move(launch));
  return kSuccess;
}

static int destroyGraph(Graph *graph) {
  std::lock_guard lock(mutex);
  if (state().graphs.erase(graph) == 0)
    return fail(kInvalidHandle, "a graph that does not exist is destroyed");
  delete graph;
  return kSuccess;
}

EXPORT int cudaGraphDestroy(Graph *graph) {
  ENTER();
  return destroyGraph(graph);
}

EXPORT int cudaGraphExecDestroy(Graph *graph) {
  ENTER();
  return destroyGraph(graph);
}
