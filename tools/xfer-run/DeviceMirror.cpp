//===- DeviceMirror.cpp - Local tensors in device memory ------------------===//
#include "DeviceMirror.h"
#include "cuda/CudaApi.h"
#include "nccl/NcclApi.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdlib>
#include <filesystem>
#include <thread>

using llvm::Twine;

namespace xfer::run {

LogicalResult DeviceMirror::checkDevices(Diagnostics &diagnostics) {
  const runtime::CudaApi *cuda = nullptr;
  const runtime::NcclApi *nccl = nullptr;
  runtime::Status status = runtime::CudaApi::get(cuda);
  if (status.isOk())
    status = runtime::NcclApi::get(nccl);
  return status.isOk() ? success()
                       : diagnostics.error({}, "backend 'nccl' cannot run here: " + status.text());
}

std::unique_ptr<DeviceMirror> DeviceMirror::create(const Job &job, const LocalTensors &locals,
                                                   Diagnostics &diagnostics) {
  if (failed(checkDevices(diagnostics)))
    return nullptr;
  const runtime::CudaApi *cuda = nullptr;
  (void)runtime::CudaApi::get(cuda);
  if (static_cast<size_t>(cuda->numDevices) < job.ranks.size()) {
    (void)diagnostics.error({}, "backend 'nccl' needs a CUDA device for each of " +
                                    Twine(job.ranks.size()) + " ranks, but there are " +
                                    Twine(cuda->numDevices));
    return nullptr;
  }
  std::unique_ptr<DeviceMirror> mirror(new DeviceMirror(job, locals, *cuda));
  return succeeded(mirror->open(diagnostics)) ? std::move(mirror) : nullptr;
}

/// Calls a function of CUDA with a rank's device current.
LogicalResult DeviceMirror::onDevice(size_t index, llvm::StringRef action, Diagnostics &diagnostics,
                                     const std::function<int()> &call) const {
  const runtime::CurrentDevice current(cuda, static_cast<int>(index));
  runtime::Status status = current.status();
  if (status.isOk())
    status = cuda.check(call(), action.str().c_str());
  return status.isOk() ? success()
                       : diagnostics.error({}, "device " + Twine(index) + ": " + status.text());
}

LogicalResult DeviceMirror::open(Diagnostics &diagnostics) {
  std::error_code error;
  std::string pattern = (std::filesystem::temp_directory_path(error) / "xfer-run-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    return diagnostics.error({}, "cannot make a directory like '" + pattern + "'");
  directory = pattern;
  if (xfer_store_create_directory(directory.c_str(), &store) != XFER_OK)
    return diagnostics.error({}, xfer_last_error());
  for (size_t i = 0; i < devices.size(); ++i) {
    xfer_nccl_options_t options = {};
    options.size = sizeof(options);
    options.store = store;
    options.device = static_cast<int32_t>(i);
    if (xfer_group_create_nccl(&options, &devices[i].group) != XFER_OK)
      return diagnostics.error({}, xfer_last_error());
    if (failed(onDevice(i, "make a stream", diagnostics, [&] {
          return cuda.StreamCreateWithFlags(
              reinterpret_cast<runtime::CudaStream *>(&devices[i].stream),
              runtime::kCudaStreamNonBlocking);
        })))
      return failure();
  }
  for (const LocalTensor &local : locals.all()) {
    void *&copy = copies[&local];
    if (local.bytes > 0 && failed(onDevice(indexOf(local), "allocate a tensor", diagnostics, [&] {
          return cuda.Malloc(&copy, static_cast<size_t>(local.bytes));
        })))
      return failure();
  }
  return success();
}

DeviceMirror::~DeviceMirror() {
  for (const Device &device : devices)
    xfer_group_destroy(device.group);
  for (const auto &[local, copy] : copies) {
    const runtime::CurrentDevice current(cuda, static_cast<int>(indexOf(*local)));
    (void)cuda.Free(copy);
  }
  for (size_t i = 0; i < devices.size(); ++i) {
    const runtime::CurrentDevice current(cuda, static_cast<int>(i));
    if (devices[i].stream)
      (void)cuda.StreamDestroy(static_cast<runtime::CudaStream>(devices[i].stream));
  }
  xfer_store_destroy(store);
  std::error_code error;
  if (!directory.empty())
    std::filesystem::remove_all(directory, error);
}

size_t DeviceMirror::indexOf(const LocalTensor &local) const {
  return static_cast<size_t>(llvm::lower_bound(job.ranks, local.rank) - job.ranks.begin());
}

LogicalResult DeviceMirror::upload(Diagnostics &diagnostics) const {
  for (const LocalTensor &local : locals.all())
    if (local.bytes > 0 &&
        failed(onDevice(indexOf(local), "copy a tensor to the device", diagnostics, [&] {
          return cuda.MemcpyAsync(dataOf(local), local.data, static_cast<size_t>(local.bytes),
                                  runtime::kCudaMemcpyHostToDevice,
                                  static_cast<runtime::CudaStream>(devices[indexOf(local)].stream));
        })))
      return failure();
  return synchronize(diagnostics);
}

LogicalResult DeviceMirror::download(Diagnostics &diagnostics) const {
  for (const LocalTensor &local : locals.targets())
    if (local.bytes > 0 &&
        failed(onDevice(indexOf(local), "copy a tensor from the device", diagnostics, [&] {
          return cuda.MemcpyAsync(local.data, dataOf(local), static_cast<size_t>(local.bytes),
                                  runtime::kCudaMemcpyDeviceToHost,
                                  static_cast<runtime::CudaStream>(devices[indexOf(local)].stream));
        })))
      return failure();
  return synchronize(diagnostics);
}

/// Waits for the copies.
LogicalResult DeviceMirror::synchronize(Diagnostics &diagnostics) const {
  for (size_t i = 0; i < devices.size(); ++i) {
    runtime::CudaEvent event = nullptr;
    if (failed(onDevice(i, "wait for copies", diagnostics, [&] {
          int result = cuda.EventCreateWithFlags(&event, runtime::kCudaEventDisableTiming);
          if (result == runtime::kCudaSuccess)
            result = cuda.EventRecord(event, static_cast<runtime::CudaStream>(devices[i].stream));
          while (result == runtime::kCudaSuccess &&
                 (result = cuda.EventQuery(event)) == runtime::kCudaErrorNotReady) {
            std::this_thread::yield();
            result = runtime::kCudaSuccess;
          }
          return result;
        })))
      return failure();
    if (event)
      (void)onDevice(i, "destroy an event", diagnostics, [&] { return cuda.EventDestroy(event); });
  }
  return success();
}

} // namespace xfer::run
