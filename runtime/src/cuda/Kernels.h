//===- Kernels.h - Entry points of the kernels' library ---------*- C++ -*-===//
//
// libxfer_cuda_kernels.so is a library of its own, so that the runtime links
// nothing of NVIDIA's; the runtime opens it when the first device session is
// made. Kernels.cu implements it for devices, the tests' stand-in for host
// memory. Errors are cudaError_t.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_KERNELS_H
#define XFER_RUNTIME_CUDA_KERNELS_H

#include "Steps.h"

#define XFER_KERNELS_API __attribute__((visibility("default")))

extern "C" {

/// kKernelsVersion of the headers that the library was compiled with.
XFER_KERNELS_API int xfer_cuda_kernels_version(void);

/// The major version of the CUDA runtime that the library uses.
XFER_KERNELS_API int xfer_cuda_kernels_runtime(void);

/// Runs tiles [first, first + count) of copy steps on a cudaStream_t. The tables lie in device
/// memory; the structure that names them does not.
XFER_KERNELS_API int xfer_cuda_copy(const xfer::runtime::StepTables *tables, int64_t first,
                                    int64_t count, void *stream);

/// Runs tiles [first, first + count) of fold steps on a cudaStream_t.
XFER_KERNELS_API int xfer_cuda_fold(const xfer::runtime::StepTables *tables, int64_t first,
                                    int64_t count, void *stream);

/// Sums up tiles [first, first + count) of messages.
XFER_KERNELS_API int xfer_cuda_hash(const xfer::runtime::StepTables *tables, int64_t first,
                                    int64_t count, void *stream);

/// Writes the checksums of messages [first, first + count), whose tiles are summed up; of a session
/// that was halted, that it has failed.
XFER_KERNELS_API int xfer_cuda_seal(const xfer::runtime::StepTables *tables, int64_t first,
                                    int64_t count, void *stream);

/// Compares the checksums of messages [first, first + count), whose tiles are summed up. Reports
/// the first that differs and halts the session.
XFER_KERNELS_API int xfer_cuda_verify(const xfer::runtime::StepTables *tables, int64_t first,
                                      int64_t count, void *stream);
}

#endif
