//===- Device.cpp - What a session owns on a device -----------------------===//
#include "Device.h"

namespace xfer::runtime {

Status DeviceMemory::make(const CudaApi &api, size_t bytes, DeviceMemory &memory) {
  DeviceMemory made;
  made.api = &api;
  const CudaError error = bytes > 0 ? api.Malloc(&made.address, bytes) : kCudaSuccess;
  const std::string what = concat("allocate ", bytes, " bytes of device memory");
  if (Status status = api.check(error, what.c_str()); !status.isOk()) {
    made.address = nullptr;
    return status;
  }
  memory = std::move(made);
  return {};
}

Status PinnedMemory::make(const CudaApi &api, size_t bytes, PinnedMemory &memory) {
  PinnedMemory made;
  made.api = &api;
  const CudaError error = bytes > 0 ? api.MallocHost(&made.address, bytes) : kCudaSuccess;
  const std::string what = concat("allocate ", bytes, " bytes of pinned memory");
  if (Status status = api.check(error, what.c_str()); !status.isOk()) {
    made.address = nullptr;
    return status;
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
