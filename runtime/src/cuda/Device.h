//===- Device.h - What a session owns on a device ---------------*- C++ -*-===//
//
// Streams, events and memory that free themselves. Made and destroyed with the
// device current; never in a replay.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_DEVICE_H
#define XFER_RUNTIME_CUDA_DEVICE_H

#include "CudaApi.h"
#include <utility>

namespace xfer::runtime {

/// Memory of the device.
class DeviceMemory {
public:
  DeviceMemory() = default;
  DeviceMemory(DeviceMemory &&other) noexcept
      : api(std::exchange(other.api, nullptr)), address(std::exchange(other.address, nullptr)) {}
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(api, other.api);
    std::swap(address, other.address);
    return *this;
  }
  ~DeviceMemory() {
    if (address)
      (void)api->Free(address);
  }
  static Status make(const CudaApi &api, size_t bytes, DeviceMemory &memory);
  std::byte *data() const { return static_cast<std::byte *>(address); }

private:
  const CudaApi *api = nullptr;
  void *address = nullptr;
};

/// Memory of the host that the device copies without the host's help.
class PinnedMemory {
public:
  PinnedMemory() = default;
  PinnedMemory(PinnedMemory &&other) noexcept
      : api(std::exchange(other.api, nullptr)), address(std::exchange(other.address, nullptr)) {}
  PinnedMemory &operator=(PinnedMemory &&other) noexcept {
    std::swap(api, other.api);
    std::swap(address, other.address);
    return *this;
  }
  ~PinnedMemory() {
    if (address)
      (void)api->FreeHost(address);
  }
  static Status make(const CudaApi &api, size_t bytes, PinnedMemory &memory);
  std::byte *data() const { return static_cast<std::byte *>(address); }

private:
  const CudaApi *api = nullptr;
  void *address = nullptr;
};

/// A stream that the legacy default stream does not wait for.
class OwnedStream {
public:
  OwnedStream() = default;
  OwnedStream(const OwnedStream &) = delete;
  ~OwnedStream() {
    if (stream)
      (void)api->StreamDestroy(stream);
  }
  Status make(const CudaApi &newApi);
  operator CudaStream() const { return stream; }

private:
  const CudaApi *api = nullptr;
  CudaStream stream = nullptr;
};

/// An event, with the time at which it completes or without.
class OwnedEvent {
public:
  OwnedEvent() = default;
  OwnedEvent(OwnedEvent &&other) noexcept
      : api(std::exchange(other.api, nullptr)), event(std::exchange(other.event, nullptr)) {}
  ~OwnedEvent() {
    if (event)
      (void)api->EventDestroy(event);
  }
  Status make(const CudaApi &newApi, bool isTimed);
  operator CudaEvent() const { return event; }

private:
  const CudaApi *api = nullptr;
  CudaEvent event = nullptr;
};

} // namespace xfer::runtime

#endif
