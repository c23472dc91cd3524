//===- ApiTest.cpp - The real NCCL and CUDA runtime -----------------------===//
//
// What the runtime declares of them, against their own headers where a machine
// has them; and what happens where the libraries are there but no GPU is. Not
// linked to the stand-in.
//===----------------------------------------------------------------------===//
#include "nccl/NcclApi.h"
#include "xfer/runtime.h"
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#ifdef XFER_TEST_CUDA_HEADERS
#include <cuda_runtime_api.h>
#include <nccl.h>
#endif

using namespace xfer::runtime;

namespace {

#ifdef XFER_TEST_CUDA_HEADERS
static_assert(kCudaSuccess == cudaSuccess && kCudaErrorNotReady == cudaErrorNotReady);
static_assert(kCudaMemcpyHostToDevice == cudaMemcpyHostToDevice);
static_assert(kCudaMemcpyDeviceToHost == cudaMemcpyDeviceToHost);
static_assert(kCudaMemoryTypeDevice == cudaMemoryTypeDevice);
static_assert(kCudaMemoryTypeManaged == cudaMemoryTypeManaged);
static_assert(kCudaStreamNonBlocking == cudaStreamNonBlocking);
static_assert(kCudaEventDisableTiming == cudaEventDisableTiming);
static_assert(kCudaStreamCaptureStatusNone == cudaStreamCaptureStatusNone);
static_assert(sizeof(CudaPointerAttributes) >= sizeof(cudaPointerAttributes));
static_assert(offsetof(CudaPointerAttributes, type) == offsetof(cudaPointerAttributes, type));
static_assert(offsetof(CudaPointerAttributes, device) == offsetof(cudaPointerAttributes, device));

static_assert(kNcclSuccess == ncclSuccess && kNcclRemoteError == ncclRemoteError);
static_assert(kNcclInProgress == ncclInProgress && kNcclUint8 == ncclUint8);
static_assert(kNcclSplitNoColor == NCCL_SPLIT_NOCOLOR);
static_assert(sizeof(NcclUniqueId) == sizeof(ncclUniqueId));
static_assert(sizeof(NcclConfig) <= sizeof(ncclConfig_t));
static_assert(offsetof(NcclConfig, magic) == offsetof(ncclConfig_t, magic));
static_assert(offsetof(NcclConfig, version) == offsetof(ncclConfig_t, version));
static_assert(offsetof(NcclConfig, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(offsetof(NcclConfig, netName) == offsetof(ncclConfig_t, netName));
static_assert(offsetof(NcclConfig, splitShare) == offsetof(ncclConfig_t, splitShare));

/// Calls a function of ours by NVIDIA's declaration: both have the same number of parameters, each
/// of the same size.
template <typename OURS, typename THEIRS> struct HasSameShape : std::false_type {};
template <typename R, typename... OURS, typename S, typename... THEIRS>
struct HasSameShape<R (*)(OURS...), S (*)(THEIRS...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(OURS) != sizeof...(THEIRS))
      return false;
    else
      return sizeof(R) == sizeof(S) && ((sizeof(OURS) == sizeof(THEIRS)) && ...);
  }();
};
#define XFER_CHECK_CUDA(NAME, PARAMETERS)                                                          \
  static_assert(                                                                                   \
      HasSameShape<decltype(CudaApi::NAME), std::decay_t<decltype(&::cuda##NAME)>>::value, #NAME);
#define XFER_CHECK_NCCL(NAME, PARAMETERS)                                                          \
  static_assert(                                                                                   \
      HasSameShape<decltype(NcclApi::NAME), std::decay_t<decltype(&::nccl##NAME)>>::value, #NAME);
XFER_CHECK_NCCL(GetVersion, )
XFER_CHECK_NCCL(GetUniqueId, )
XFER_CHECK_NCCL(CommInitRankConfig, )
XFER_CHECK_NCCL(CommSplit, )
XFER_CHECK_NCCL(CommFinalize, )
XFER_CHECK_NCCL(CommDestroy, )
XFER_CHECK_NCCL(CommAbort, )
XFER_CHECK_NCCL(CommGetAsyncError, )
XFER_CHECK_NCCL(CommCount, )
XFER_CHECK_NCCL(CommUserRank, )
XFER_CHECK_NCCL(CommCuDevice, )
XFER_CHECK_NCCL(GroupStart, )
XFER_CHECK_NCCL(GroupEnd, )
XFER_CHECK_NCCL(Send, )
XFER_CHECK_NCCL(Recv, )
XFER_CHECK_NCCL(Broadcast, )
XFER_CHECK_NCCL(AllGather, )
XFER_CHECK_CUDA(GetDeviceCount, )
XFER_CHECK_CUDA(MemcpyAsync, )
XFER_CHECK_CUDA(MemsetAsync, )
XFER_CHECK_CUDA(PointerGetAttributes, )
XFER_CHECK_CUDA(StreamCreateWithFlags, )
XFER_CHECK_CUDA(StreamIsCapturing, )
XFER_CHECK_CUDA(EventCreateWithFlags, )
XFER_CHECK_CUDA(EventRecord, )
XFER_CHECK_CUDA(EventQuery, )
XFER_CHECK_CUDA(EventElapsedTime, )
#endif

bool canLoad(const char *library) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  return handle != nullptr; // stays: neither likes to be closed
}

TEST(RealLibraries, NcclLoadsWithoutAGpu) {
  if (!canLoad("libnccl.so.2"))
    GTEST_SKIP() << "libnccl.so.2 is not on the library path";
  const NcclApi *api = nullptr;
  const Status status = NcclApi::get(api);
  ASSERT_TRUE(status.isOk()) << status.text();
  EXPECT_GE(api->version, kMinNcclVersion);
  NcclUniqueId id;
  EXPECT_EQ(api->GetUniqueId(&id), kNcclSuccess);
}

TEST(RealLibraries, WithoutADeviceTheReasonIsSaid) {
  const CudaApi *api = nullptr;
  const Status status = CudaApi::get(api);
  if (status.isOk())
    GTEST_SKIP() << "there is a device";
  EXPECT_EQ(status.code(), XFER_UNSUPPORTED);
  const bool hasLibrary = canLoad("libcudart.so.13") || canLoad("libcudart.so.12");
  EXPECT_NE(status.text().find(hasLibrary ? "no CUDA device: " : "cannot load 'libcudart.so.13'"),
            std::string::npos)
      << status.text();
  xfer_store_t *store = nullptr;
  const std::string directory = testing::TempDir() + "xfer-api-test-store";
  ASSERT_EQ(xfer_store_create_directory(directory.c_str(), &store), XFER_OK);
  xfer_nccl_options_t options = {};
  options.size = sizeof(options);
  options.store = store;
  xfer_group_t *group = nullptr;
  EXPECT_EQ(xfer_group_create_nccl(&options, &group), XFER_UNSUPPORTED);
  EXPECT_EQ(xfer_last_error(), status.text());
  xfer_store_destroy(store);
}

} // namespace
