//===- ElementCodec.h - One element to and from double ----------*- C++ -*-===//
//
// Element<DTYPE> says how an element lies in memory and what number it is. Every
// type but i64 and f64 is exact in double with room to spare, so that rounding
// a double once to the type is the correctly rounded result of a cast, a sum, a
// product or a quotient. A wide i64 reaches double rounded to odd, which keeps
// that true.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_ELEMENTCODEC_H
#define XFER_RUNTIME_ELEMENTCODEC_H

#include "HostDevice.h"
#include "xfer/runtime.h"
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace xfer::runtime {

template <typename T> XFER_HOST_DEVICE T loadElement(const std::byte *address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

template <typename T> XFER_HOST_DEVICE void storeElement(std::byte *address, T value) {
  std::memcpy(address, &value, sizeof(T));
}

/// A binary float of at most 16 bits: a sign, EXPONENT_BITS, MANTISSA_BITS. Without infinity (the
/// "fn" formats) only the all-ones pattern is NaN and the rest of the last binade is finite.
template <typename STORAGE, int EXPONENT_BITS, int MANTISSA_BITS, bool HAS_INFINITY>
struct SmallFloat {
  using Storage = STORAGE;
  static constexpr int kBias = (1 << (EXPONENT_BITS - 1)) - 1;
  static constexpr int kSignShift = EXPONENT_BITS + MANTISSA_BITS;
  static constexpr unsigned kMagnitude = (1u << kSignShift) - 1;
  static constexpr unsigned kInfinity = ((1u << EXPONENT_BITS) - 1) << MANTISSA_BITS;
  static constexpr unsigned kQuietNaN =
      HAS_INFINITY ? kInfinity | (1u << (MANTISSA_BITS - 1)) : kMagnitude;
  /// What is too large becomes.
  static constexpr unsigned kOverflow = HAS_INFINITY ? kInfinity : kQuietNaN;

  XFER_HOST_DEVICE static bool isNaN(Storage bits) {
    const unsigned magnitude = bits & kMagnitude;
    return HAS_INFINITY ? magnitude > kInfinity : magnitude == kMagnitude;
  }

  XFER_HOST_DEVICE static double toDouble(Storage bits) {
    // The exponent and mantissa fields, moved to where float has them, are off by a power of two.
    const uint32_t magnitude = bits & kMagnitude;
    const uint32_t sign = static_cast<uint32_t>(bits >> kSignShift) << 31;
    const float scale = std::bit_cast<float>(static_cast<uint32_t>(254 - kBias) << 23);
    float value = std::bit_cast<float>(magnitude << (23 - MANTISSA_BITS)) * scale;
    if (isNaN(bits))
      value = std::bit_cast<float>(0x7fc00000u);
    else if (HAS_INFINITY && magnitude == kInfinity)
      value = std::bit_cast<float>(0x7f800000u);
    return static_cast<double>(std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign));
  }

  XFER_HOST_DEVICE static Storage fromDouble(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    const unsigned sign = static_cast<unsigned>(bits >> 63) << kSignShift;
    const uint64_t magnitude = bits & ~(uint64_t{1} << 63);
    constexpr uint64_t kDoubleInfinity = uint64_t{0x7ff} << 52;
    if (magnitude >= kDoubleInfinity)
      return static_cast<Storage>(sign | (magnitude > kDoubleInfinity ? kQuietNaN : kOverflow));
    const int exponent = static_cast<int>(magnitude >> 52) - 1023;
    if (exponent > kBias + 1)
      return static_cast<Storage>(sign | kOverflow);
    // Drop `shift` bits of the 53-bit significand. Below the smallest normal number the exponent
    // field stays 0 and more bits are dropped.
    const bool isNormal = exponent >= 1 - kBias;
    const int shift = 52 - MANTISSA_BITS + (isNormal ? 0 : 1 - kBias - exponent);
    if (shift > 60)
      return static_cast<Storage>(sign); // less than half of the smallest number
    const uint64_t significand =
        (magnitude & ((uint64_t{1} << 52) - 1)) | (exponent == -1023 ? 0 : uint64_t{1} << 52);
    const uint64_t dropped = significand & ((uint64_t{1} << shift) - 1);
    const uint64_t half = uint64_t{1} << (shift - 1);
    uint64_t kept = significand >> shift;
    kept += dropped > half || (dropped == half && (kept & 1)) ? 1 : 0;
    // A normal `kept` carries the implicit bit, which counts one in the exponent field; a carry out
    // of the mantissa moves into the exponent by itself.
    const uint64_t result =
        isNormal ? kept + (static_cast<uint64_t>(exponent + kBias - 1) << MANTISSA_BITS) : kept;
    constexpr unsigned kFirstTooLarge = HAS_INFINITY ? kInfinity : kMagnitude;
    return static_cast<Storage>(sign | (result >= kFirstTooLarge ? kOverflow : result));
  }
};

/// An integer; only ever read, since nothing casts to an integer.
template <typename STORAGE> struct Integer {
  using Storage = STORAGE;
  XFER_HOST_DEVICE static double toDouble(Storage value) {
    if constexpr (sizeof(Storage) < 8) {
      return static_cast<double>(value);
    } else {
      const uint64_t magnitude =
          value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
      uint64_t odd = magnitude;
      if (const int excess = std::bit_width(magnitude) - 53; excess > 0) {
        const bool isInexact = magnitude & ((uint64_t{1} << excess) - 1);
        odd = ((magnitude >> excess) | (isInexact ? 1 : 0)) << excess;
      }
      return value < 0 ? -static_cast<double>(odd) : static_cast<double>(odd);
    }
  }
};

template <xfer_dtype_t DTYPE> struct Element;

template <> struct Element<XFER_F64> {
  using Storage = double;
  XFER_HOST_DEVICE static bool isNaN(double value) { return std::isnan(value); }
  XFER_HOST_DEVICE static double toDouble(double value) { return value; }
  XFER_HOST_DEVICE static double fromDouble(double value) { return value; }
};
template <> struct Element<XFER_F32> {
  using Storage = float;
  XFER_HOST_DEVICE static bool isNaN(float value) { return std::isnan(value); }
  XFER_HOST_DEVICE static double toDouble(float value) { return value; }
  XFER_HOST_DEVICE static float fromDouble(double value) { return static_cast<float>(value); }
};
template <> struct Element<XFER_F16> : SmallFloat<uint16_t, 5, 10, true> {};
template <> struct Element<XFER_BF16> : SmallFloat<uint16_t, 8, 7, true> {};
template <> struct Element<XFER_F8E4M3FN> : SmallFloat<uint8_t, 4, 3, false> {};
template <> struct Element<XFER_F8E5M2> : SmallFloat<uint8_t, 5, 2, true> {};
template <> struct Element<XFER_I64> : Integer<int64_t> {};
template <> struct Element<XFER_I32> : Integer<int32_t> {};
template <> struct Element<XFER_I16> : Integer<int16_t> {};
template <> struct Element<XFER_I8> : Integer<int8_t> {};
template <> struct Element<XFER_U8> : Integer<uint8_t> {};
template <> struct Element<XFER_I1> : Integer<uint8_t> {};

} // namespace xfer::runtime

#endif
