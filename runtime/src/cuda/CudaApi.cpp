//===- CudaApi.cpp - The CUDA runtime, found at run time ------------------===//
#include "CudaApi.h"
#include "SharedLibrary.h"

namespace xfer::runtime {
namespace {

/// Verifies:
/// - the kernels' library is that of this runtime library;
/// - it uses the CUDA runtime that the process uses.
Status loadKernels(CudaApi &api) {
  SharedLibrary library;
  if (Status status = SharedLibrary::openBeside("libxfer_cuda_kernels.so", library); !status.isOk())
    return status;
  decltype(&xfer_cuda_kernels_version) version = nullptr, runtime = nullptr;
  for (const Status &status : {library.resolve("xfer_cuda_kernels_version", version),
                               library.resolve("xfer_cuda_kernels_runtime", runtime)})
    if (!status.isOk())
      return status;
  if (version() != kKernelsVersion)
    return failure(XFER_UNSUPPORTED, "'libxfer_cuda_kernels.so' has version ", version(),
                   ", expected ", kKernelsVersion);
  if (runtime() != api.version / 1000)
    return failure(XFER_UNSUPPORTED, "'libxfer_cuda_kernels.so' was built for CUDA ", runtime(),
                   ", but this process uses CUDA ", api.version / 1000);
  for (const Status &status :
       {library.resolve("xfer_cuda_copy", api.copy), library.resolve("xfer_cuda_fold", api.fold),
        library.resolve("xfer_cuda_hash", api.hash), library.resolve("xfer_cuda_seal", api.seal),
        library.resolve("xfer_cuda_verify", api.verify)})
    if (!status.isOk())
      return status;
  return {};
}

Status load(CudaApi &api) {
  SharedLibrary library;
  if (Status status = SharedLibrary::open("cudaGetDeviceCount",
                                          {"libcudart.so.13", "libcudart.so.12"}, library);
      !status.isOk())
    return status;
#define XFER_CUDA_RESOLVE(NAME, PARAMETERS)                                                        \
  if (Status status = library.resolve("cuda" #NAME, api.NAME); !status.isOk())                     \
    return status;
  XFER_CUDA_FUNCTIONS(XFER_CUDA_RESOLVE)
#undef XFER_CUDA_RESOLVE
  if (Status status = library.resolve("cudaGetErrorString", api.GetErrorString); !status.isOk())
    return status;
  if (Status status = api.check(api.RuntimeGetVersion(&api.version), "read the CUDA version");
      !status.isOk())
    return status;
  const CudaError error = api.GetDeviceCount(&api.numDevices);
  if (error != kCudaSuccess || api.numDevices < 1) {
    (void)api.GetLastError(); // leave no error behind for the process's own calls
    return failure(XFER_UNSUPPORTED, "no CUDA device: ",
                   error == kCudaSuccess ? "the count is 0" : api.GetErrorString(error));
  }
  return loadKernels(api);
}

} // namespace

Status CudaApi::get(const CudaApi *&api) {
  struct Loaded {
    CudaApi api;
    Status status = load(api);
  };
  static const Loaded loaded;
  api = &loaded.api;
  return loaded.status;
}

Status CudaApi::check(CudaError error, const char *what) const {
  if (error == kCudaSuccess)
    return {};
  (void)GetLastError();
  return failure(error == kCudaErrorMemoryAllocation ? XFER_OUT_OF_BUDGET : XFER_BACKEND_FAILED,
                 "cannot ", what, ": ", GetErrorString(error), " (CUDA error ", error, ")");
}

CurrentDevice::CurrentDevice(const CudaApi &api, int device) : api(api) {
  result = api.check(api.GetDevice(&before), "read the current device");
  if (!result.isOk() || before == device)
    return;
  result = api.check(api.SetDevice(device), "make the device current");
  hasChanged = result.isOk();
}

CurrentDevice::~CurrentDevice() {
  if (hasChanged)
    (void)api.SetDevice(before);
}

} // namespace xfer::runtime
