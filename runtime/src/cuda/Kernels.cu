//===- Kernels.cu - Pack, unpack, cast and fold on a device ---------------===//
//
// One block of threads for each tile; everything else is in CopyTile.h and
// FoldTile.h, which processors run too.
//===----------------------------------------------------------------------===//
#include "CopyTile.h"
#include "FoldTile.h"
#include "Kernels.h"
#include <cuda_runtime.h>

using namespace xfer::runtime;

namespace {

__global__ void __launch_bounds__(kBlockThreads) copyKernel(StepTables tables, int64_t first) {
  if (*tables.isDead == 0)
    copyTile(tables, tables.tiles[first + blockIdx.x], threadIdx.x, kBlockThreads);
}

__global__ void __launch_bounds__(kBlockThreads) foldKernel(StepTables tables, int64_t first) {
  if (*tables.isDead == 0)
    foldTile(tables, tables.tiles[first + blockIdx.x], threadIdx.x, kBlockThreads);
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

} // namespace

int xfer_cuda_kernels_version() { return kKernelsVersion; }

int xfer_cuda_kernels_runtime() { return CUDART_VERSION / 1000; }

int xfer_cuda_copy(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(copyKernel, *tables, first, count, stream);
}

int xfer_cuda_fold(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(foldKernel, *tables, first, count, stream);
}
