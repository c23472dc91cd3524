//===- CudaApi.h - The CUDA runtime, found at run time ----------*- C++ -*-===//
//
// What the runtime declares of the CUDA runtime, so that building needs none of
// its headers, and the table of functions of the copy that the process uses.
// test/Runtime/ApiTest.cpp compares the declarations with NVIDIA's.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_CUDAAPI_H
#define XFER_RUNTIME_CUDA_CUDAAPI_H

#include "../Status.h"
#include "Kernels.h"

namespace xfer::runtime {

struct CudaStreamTag;
struct CudaEventTag;
using CudaStream = CudaStreamTag *;
using CudaEvent = CudaEventTag *;
using CudaError = int;

inline constexpr CudaError kCudaSuccess = 0;
inline constexpr CudaError kCudaErrorMemoryAllocation = 2;
inline constexpr CudaError kCudaErrorNotReady = 600;
inline constexpr int kCudaMemcpyHostToDevice = 1;
inline constexpr int kCudaMemcpyDeviceToHost = 2;
inline constexpr int kCudaMemoryTypeDevice = 2;
inline constexpr int kCudaMemoryTypeManaged = 3;
inline constexpr unsigned kCudaStreamNonBlocking = 1;
inline constexpr unsigned kCudaEventDisableTiming = 2;
inline constexpr int kCudaStreamCaptureStatusNone = 0;

/// cudaPointerAttributes, with room for what later versions append.
struct CudaPointerAttributes {
  int type;
  int device;
  void *devicePointer;
  void *hostPointer;
  int64_t later[16];
};

/// One row per function: name without "cuda", parameters. All return CudaError but the last ones.
#define XFER_CUDA_FUNCTIONS(FUNCTION)                                                              \
  FUNCTION(RuntimeGetVersion, (int *version))                                                      \
  FUNCTION(GetDeviceCount, (int *count))                                                           \
  FUNCTION(GetDevice, (int *device))                                                               \
  FUNCTION(SetDevice, (int device))                                                                \
  FUNCTION(GetLastError, ())                                                                       \
  FUNCTION(Malloc, (void **address, size_t bytes))                                                 \
  FUNCTION(Free, (void *address))                                                                  \
  FUNCTION(MallocHost, (void **address, size_t bytes))                                             \
  FUNCTION(FreeHost, (void *address))                                                              \
  FUNCTION(MemcpyAsync, (void *to, const void *from, size_t bytes, int kind, CudaStream stream))   \
  FUNCTION(MemsetAsync, (void *to, int value, size_t bytes, CudaStream stream))                    \
  FUNCTION(PointerGetAttributes, (CudaPointerAttributes * attributes, const void *address))        \
  FUNCTION(StreamCreateWithFlags, (CudaStream * stream, unsigned flags))                           \
  FUNCTION(StreamDestroy, (CudaStream stream))                                                     \
  FUNCTION(StreamWaitEvent, (CudaStream stream, CudaEvent event, unsigned flags))                  \
  FUNCTION(StreamIsCapturing, (CudaStream stream, int *status))                                    \
  FUNCTION(EventCreateWithFlags, (CudaEvent * event, unsigned flags))                              \
  FUNCTION(EventDestroy, (CudaEvent event))                                                        \
  FUNCTION(EventRecord, (CudaEvent event, CudaStream stream))                                      \
  FUNCTION(EventQuery, (CudaEvent event))                                                          \
  FUNCTION(EventElapsedTime, (float *milliseconds, CudaEvent from, CudaEvent to))

/// The functions of one copy of the CUDA runtime and of the kernels that go with it.
struct CudaApi {
#define XFER_CUDA_MEMBER(NAME, PARAMETERS) CudaError(*NAME) PARAMETERS = nullptr;
  XFER_CUDA_FUNCTIONS(XFER_CUDA_MEMBER)
#undef XFER_CUDA_MEMBER
  const char *(*GetErrorString)(CudaError error) = nullptr;
  using Kernel = decltype(&xfer_cuda_copy); ///< each takes the same
  Kernel copy = nullptr, fold = nullptr, hash = nullptr, seal = nullptr, verify = nullptr;
  int version = 0;    ///< of the runtime, 13000 for 13.0
  int numDevices = 0; ///< at least 1

  /// Finds the runtime, a device and the kernels; the same answer at every call.
  static Status get(const CudaApi *&api);

  /// Ok, or what failed and why.
  Status check(CudaError error, const char *what) const;
};

/// Makes `device` current on this thread as long as it lives, and then what was current before.
class CurrentDevice {
public:
  CurrentDevice(const CudaApi &api, int device);
  ~CurrentDevice();
  CurrentDevice(const CurrentDevice &) = delete;
  const Status &status() const { return result; }

private:
  const CudaApi &api;
  int before = 0;
  bool hasChanged = false;
  Status result;
};

} // namespace xfer::runtime

#endif
