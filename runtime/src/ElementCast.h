//===- ElementCast.h - One element of one type to another -------*- C++ -*-===//
//
// castElement() rounds once. Casts between f32, f16 and bf16, and from them to
// f8, avoid branches and double arithmetic; the rest goes through ElementCodec.h.
// Processors and CUDA kernels run the same code.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_ELEMENTCAST_H
#define XFER_RUNTIME_ELEMENTCAST_H

#include "ElementCodec.h"

namespace xfer::runtime {

XFER_HOST_DEVICE inline uint16_t bf16FromFloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

XFER_HOST_DEVICE inline float floatFromBf16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t{bits} << 16);
}

/// A float to a type with fewer exponent and mantissa bits. Rounds in the integer bits where the
/// result is normal; where it is subnormal, adds a number whose last place is that of the result.
template <xfer_dtype_t TO, int BIAS, int MANTISSA_BITS>
XFER_HOST_DEVICE typename Element<TO>::Storage narrowFloat(float value) {
  using To = Element<TO>;
  constexpr int kShift = 23 - MANTISSA_BITS;
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - BIAS) << 23;
  constexpr uint32_t kAligner = static_cast<uint32_t>(127 + 24 - BIAS - MANTISSA_BITS) << 23;
  constexpr uint32_t kFirstTooLarge = To::kOverflow;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  const uint32_t odd = (magnitude >> kShift) & 1;
  const uint32_t normal = (magnitude - kRebias + ((1u << (kShift - 1)) - 1) + odd) >> kShift;
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + std::bit_cast<float>(kAligner)) -
      kAligner;
  uint32_t result = magnitude < kRebias + (1u << 23) ? subnormal : normal;
  result = result < kFirstTooLarge ? result : To::kOverflow;
  if (magnitude > 0x7f800000) // quiet, with what fits of the payload, as F16C does
    result = To::kQuietNaN | ((magnitude >> kShift) & ((1u << MANTISSA_BITS) - 1));
  return static_cast<typename To::Storage>(bits >> 31 << To::kSignShift | result);
}

XFER_HOST_DEVICE inline float floatFromF16(uint16_t bits) {
  const uint32_t mantissa = bits & 0x3ff, sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  if (Element<XFER_F16>::isNaN(bits))
    return std::bit_cast<float>(sign | 0x7fc00000 | mantissa << 13);
  return static_cast<float>(Element<XFER_F16>::toDouble(bits));
}

template <xfer_dtype_t FROM> XFER_HOST_DEVICE float toFloat(typename Element<FROM>::Storage value) {
  if constexpr (FROM == XFER_BF16)
    return floatFromBf16(value);
  else if constexpr (FROM == XFER_F16)
    return floatFromF16(value);
  else
    return value;
}

template <xfer_dtype_t FROM, xfer_dtype_t TO>
XFER_HOST_DEVICE typename Element<TO>::Storage castElement(typename Element<FROM>::Storage value) {
  constexpr bool kIsFloat = FROM == XFER_F32 || FROM == XFER_BF16 || FROM == XFER_F16;
  if constexpr (kIsFloat && TO == XFER_F32)
    return toFloat<FROM>(value);
  else if constexpr (kIsFloat && TO == XFER_BF16)
    return bf16FromFloat(toFloat<FROM>(value));
  else if constexpr (kIsFloat && TO == XFER_F16)
    return narrowFloat<TO, 15, 10>(toFloat<FROM>(value));
  else if constexpr (kIsFloat && TO == XFER_F8E4M3FN)
    return narrowFloat<TO, 7, 3>(toFloat<FROM>(value));
  else if constexpr (kIsFloat && TO == XFER_F8E5M2)
    return narrowFloat<TO, 15, 2>(toFloat<FROM>(value));
  else if constexpr (FROM == XFER_I64 && TO == XFER_F64)
    return static_cast<double>(value); // to nearest, not to odd
  else
    return Element<TO>::fromDouble(Element<FROM>::toDouble(value));
}

} // namespace xfer::runtime

#endif
