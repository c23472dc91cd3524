//===- HostDevice.h - Functions for processors and devices ------*- C++ -*-===//
//
// Element arithmetic and index arithmetic are written once, for the CPU and for
// CUDA kernels; what a kernel may call is marked with XFER_HOST_DEVICE.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_HOSTDEVICE_H
#define XFER_RUNTIME_HOSTDEVICE_H

#if defined(__CUDACC__)
#define XFER_HOST_DEVICE __host__ __device__
#else
#define XFER_HOST_DEVICE
#endif

#endif
