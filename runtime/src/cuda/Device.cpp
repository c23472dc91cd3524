//===- Device.cpp - What a session owns on a device -----------------------===//
#include "Device.h"

namespace xfer::runtime {

Status DeviceMemory::make(const CudaApi &api, size_t bytes, DeviceMemory &memory) {
  DeviceMemory made;
  made.api = &api;
  if (const CudaError error = bytes > 0 ? api.Malloc(&made.address, bytes) : kCudaSuccess;
      error != kCudaSuccess) {
    made.address = nullptr;
    (void)api.GetLastError();
    return failure(XFER_OUT_OF_BUDGET, "cannot allocate ", bytes,
                   " bytes of device memory: ", api.GetErrorString(error));
  }
  memory = std::move(made);
  return {};
}

Status PinnedMemory::make(const CudaApi &api, size_t bytes, PinnedMemory &memory) {
  PinnedMemory made;
  made.api = &api;
  if (const CudaError error = bytes > 0 ? api.MallocHost(&made.address, bytes) : kCudaSuccess;
      error != kCudaSuccess) {
    made.address = nullptr;
    (void)api.GetLastError();
    return failure(XFER_OUT_OF_BUDGET, "cannot allocate ", bytes,
                   " bytes of pinned memory: ", api.GetErrorString(error));
  }
  memory = std::move(made);
  return {};
}

Status OwnedStream::make(const CudaApi &newApi) {
  api = &newApi;
  return api->check(api->StreamCreateWithFlags(&stream, kCudaStreamNonBlocking), "make a stream");
}

Status OwnedEvent::make(const CudaApi &newApi, bool isTimed) {
  api = &newApi;
  const unsigned flags = isTimed ? 0 : kCudaEventDisableTiming;
  return api->check(api->EventCreateWithFlags(&event, flags), "make an event");
}

} // namespace xfer::runtime
