//===- DeviceMirror.h - Local tensors in device memory ----------*- C++ -*-===//
//
// For the nccl backend: each rank's tensors once more on a CUDA device of its
// own, with a stream and a group for each rank. Sources and targets are copied to the
// devices before a replay, and targets back after it.
//===----------------------------------------------------------------------===//
#pragma once
#include "Job.h"
#include "LocalTensors.h"
#include <functional>
#include <map>

namespace xfer::runtime {
struct CudaApi;
} // namespace xfer::runtime

namespace xfer::run {

class DeviceMirror {
public:
  /// Fails, with the reason, if NCCL or devices are missing.
  static LogicalResult checkDevices(Diagnostics &diagnostics);
  /// Fails if there are fewer devices than ranks. `locals` must outlive this object.
  static std::unique_ptr<DeviceMirror> create(const Job &job, const LocalTensors &locals,
                                              Diagnostics &diagnostics);
  /// The sessions that use it must be gone.
  ~DeviceMirror();
  DeviceMirror(const DeviceMirror &) = delete;

  /// Of the rank at an index of Job::ranks.
  xfer_group_t *group(size_t index) const { return devices[index].group; }
  void *stream(size_t index) const { return devices[index].stream; }
  void *dataOf(const LocalTensor &local) const { return copies.at(&local); }

  LogicalResult upload(Diagnostics &diagnostics) const;
  LogicalResult download(Diagnostics &diagnostics) const;

private:
  struct Device {
    xfer_group_t *group = nullptr;
    void *stream = nullptr;
  };
  DeviceMirror(const Job &job, const LocalTensors &locals, const runtime::CudaApi &cuda)
      : job(job), locals(locals), cuda(cuda), devices(job.ranks.size()) {}
  LogicalResult open(Diagnostics &diagnostics);
  size_t indexOf(const LocalTensor &local) const;
  LogicalResult onDevice(size_t index, llvm::StringRef action, Diagnostics &diagnostics,
                         const std::function<int()> &call) const;
  LogicalResult synchronize(Diagnostics &diagnostics) const;

  const Job &job;
  const LocalTensors &locals;
  const runtime::CudaApi &cuda;
  std::string directory; ///< where the ranks meet
  xfer_store_t *store = nullptr;
  std::vector<Device> devices;                  ///< by index in Job::ranks
  std::map<const LocalTensor *, void *> copies; ///< null of an empty tensor
};

} // namespace xfer::run
