//===- Kernels.cu - Pack, unpack, cast, fold and hash on a device ---------===//
//
// One block of threads for each tile; everything else is in CopyTile.h,
// FoldTile.h and MessageHash.h, which processors run too.
//===----------------------------------------------------------------------===//
#include "CopyTile.h"
#include "FoldTile.h"
#include "Kernels.h"
#include "MessageHash.h"
#include <cuda_runtime.h>

using namespace xfer::runtime;

namespace {

constexpr uint32_t kWarpThreads = 32, kBlockWarps = kBlockThreads / kWarpThreads;

__global__ void __launch_bounds__(kBlockThreads) copyKernel(StepTables tables, int64_t first) {
  const Tile &tile = tables.tiles[first + blockIdx.x];
  if (!isHalted(tables, tile))
    copyTile(tables, tile, threadIdx.x, kBlockThreads);
}

__global__ void __launch_bounds__(kBlockThreads) foldKernel(StepTables tables, int64_t first) {
  if (haltOf(tables) < kTouchNothing)
    foldTile(tables, tables.tiles[first + blockIdx.x], threadIdx.x, kBlockThreads);
}

/// In the warp's first thread.
__device__ uint64_t sumOverWarp(uint64_t value) {
  for (uint32_t distance = kWarpThreads / 2; distance > 0; distance /= 2)
    value += __shfl_down_sync(~0u, value, distance);
  return value;
}

__global__ void __launch_bounds__(kBlockThreads) hashKernel(StepTables tables, int64_t first) {
  __shared__ uint64_t sums[kBlockWarps];
  if (__syncthreads_or(haltOf(tables) >= kTouchNothing)) // one answer for all threads
    return;
  const int64_t tile = first + blockIdx.x;
  const uint64_t sum =
      sumOverWarp(hashTile(tables, tables.tiles[tile], threadIdx.x, kBlockThreads));
  if (threadIdx.x % kWarpThreads == 0)
    sums[threadIdx.x / kWarpThreads] = sum;
  __syncthreads();
  if (threadIdx.x != 0)
    return;
  uint64_t total = 0;
  for (uint32_t warp = 0; warp < kBlockWarps; ++warp)
    total += sums[warp];
  tables.tileSums[tile] = total;
}

/// One block, in which each warp takes every eighth message.
template <typename VISIT>
__device__ void forEachMessage(const StepTables &tables, int64_t first, int64_t count,
                               VISIT visit) {
  const uint32_t lane = threadIdx.x % kWarpThreads;
  for (int64_t i = threadIdx.x / kWarpThreads; i < count; i += kBlockWarps) {
    const MessageStep &message = tables.messages[first + i];
    const uint64_t sum = sumOverWarp(sumTiles(tables, message, lane, kWarpThreads));
    if (lane == 0)
      visit(i, message, checksumOf(sum));
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    sealKernel(StepTables tables, int64_t first, int64_t count) {
  const uint32_t halt = haltOf(tables);
  if (__syncthreads_or(halt >= kTouchNothing))
    return;
  forEachMessage(tables, first, count, [&](int64_t, const MessageStep &message, uint64_t checksum) {
    sentChecksum(tables, message) = halt == kRunning ? checksum : kFailedSender;
  });
}

__global__ void __launch_bounds__(kBlockThreads)
    verifyKernel(StepTables tables, int64_t first, int64_t count) {
  __shared__ long long firstDamaged;
  if (__syncthreads_or(haltOf(tables) != kRunning))
    return;
  if (threadIdx.x == 0)
    firstDamaged = count;
  __syncthreads();
  forEachMessage(tables, first, count, [&](int64_t i, const MessageStep &message, uint64_t sum) {
    if (sentChecksum(tables, message) != sum)
      atomicMin(&firstDamaged, static_cast<long long>(i));
  });
  __syncthreads();
  if (threadIdx.x != 0 || firstDamaged == count)
    return;
  describeDamage(tables, first + firstDamaged);
  __threadfence_system(); // the host must not see the mark without the rest
  tables.damage->isSet = 1;
  *tables.halt = kWriteNoTarget;
}

using Kernel = void (*)(StepTables, int64_t);

int launch(Kernel kernel, const StepTables &tables, int64_t first, int64_t count, void *stream) {
  constexpr int64_t kMaxBlocks = 0x7fffffff;
  for (; count > 0; first += kMaxBlocks, count -= kMaxBlocks) {
    const auto blocks = static_cast<unsigned>(count < kMaxBlocks ? count : kMaxBlocks);
    kernel<<<blocks, kBlockThreads, 0, static_cast<cudaStream_t>(stream)>>>(tables, first);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
      return error;
  }
  return cudaSuccess;
}

using MessageKernel = void (*)(StepTables, int64_t, int64_t);

int launch(MessageKernel kernel, const StepTables &tables, int64_t first, int64_t count,
           void *stream) {
  kernel<<<1, kBlockThreads, 0, static_cast<cudaStream_t>(stream)>>>(tables, first, count);
  return cudaGetLastError();
}

} // namespace

int xfer_cuda_kernels_version() { return kKernelsVersion; }

int xfer_cuda_kernels_runtime() { return CUDART_VERSION / 1000; }

int xfer_cuda_copy(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(copyKernel, *tables, first, count, stream);
}

int xfer_cuda_fold(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(foldKernel, *tables, first, count, stream);
}

int xfer_cuda_hash(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(hashKernel, *tables, first, count, stream);
}

int xfer_cuda_seal(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(sealKernel, *tables, first, count, stream);
}

int xfer_cuda_verify(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(verifyKernel, *tables, first, count, stream);
}
