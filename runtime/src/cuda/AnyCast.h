//===- AnyCast.h - Casts whose types are known when they run ----*- C++ -*-===//
//
// The casts that no training job lives on: one function for all pairs of types
// keeps kernels small.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_ANYCAST_H
#define XFER_RUNTIME_CUDA_ANYCAST_H

#include "../ElementCodec.h"

namespace xfer::runtime {

/// Bytes of an element, for the types of xfer_dtype_t.
XFER_HOST_DEVICE inline int64_t elementBytes(uint8_t dtype) {
  switch (static_cast<xfer_dtype_t>(dtype)) {
  case XFER_F64:
  case XFER_I64:
    return 8;
  case XFER_F32:
  case XFER_I32:
    return 4;
  case XFER_F16:
  case XFER_BF16:
  case XFER_I16:
    return 2;
  default:
    return 1;
  }
}

template <xfer_dtype_t DTYPE> XFER_HOST_DEVICE double loadAsDouble(const std::byte *address) {
  return Element<DTYPE>::toDouble(loadElement<typename Element<DTYPE>::Storage>(address));
}

XFER_HOST_DEVICE inline double loadAsDouble(xfer_dtype_t dtype, const std::byte *address) {
  switch (dtype) {
  case XFER_F64:
    return loadAsDouble<XFER_F64>(address);
  case XFER_F32:
    return loadAsDouble<XFER_F32>(address);
  case XFER_F16:
    return loadAsDouble<XFER_F16>(address);
  case XFER_BF16:
    return loadAsDouble<XFER_BF16>(address);
  case XFER_F8E4M3FN:
    return loadAsDouble<XFER_F8E4M3FN>(address);
  case XFER_F8E5M2:
    return loadAsDouble<XFER_F8E5M2>(address);
  case XFER_I64:
    return loadAsDouble<XFER_I64>(address);
  case XFER_I32:
    return loadAsDouble<XFER_I32>(address);
  case XFER_I16:
    return loadAsDouble<XFER_I16>(address);
  case XFER_I8:
    return loadAsDouble<XFER_I8>(address);
  case XFER_U8:
  case XFER_I1:
    return loadAsDouble<XFER_U8>(address);
  }
  return 0;
}

template <xfer_dtype_t DTYPE>
XFER_HOST_DEVICE void storeFromDouble(std::byte *address, double value) {
  storeElement<typename Element<DTYPE>::Storage>(address, Element<DTYPE>::fromDouble(value));
}

/// Casts one element, rounding once. `to` is a float.
XFER_HOST_DEVICE inline void castAny(xfer_dtype_t from, const std::byte *source, xfer_dtype_t to,
                                     std::byte *target) {
  if (from == XFER_I64 && to == XFER_F64) // to nearest, not to odd
    return storeElement<double>(target, static_cast<double>(loadElement<int64_t>(source)));
  const double value = loadAsDouble(from, source);
  switch (to) {
  case XFER_F64:
    return storeFromDouble<XFER_F64>(target, value);
  case XFER_F32:
    return storeFromDouble<XFER_F32>(target, value);
  case XFER_F16:
    return storeFromDouble<XFER_F16>(target, value);
  case XFER_BF16:
    return storeFromDouble<XFER_BF16>(target, value);
  case XFER_F8E4M3FN:
    return storeFromDouble<XFER_F8E4M3FN>(target, value);
  case XFER_F8E5M2:
    return storeFromDouble<XFER_F8E5M2>(target, value);
  default:
    return;
  }
}

} // namespace xfer::runtime

#endif
