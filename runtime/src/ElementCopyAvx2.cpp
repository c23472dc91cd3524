//===- ElementCopyAvx2.cpp - Hot casts with AVX2 and F16C -----------------===//
//
// The casts that compilers do badly on the x86-64 baseline, for processors that
// have more, found at run time: f32 to bf16, f32 to f16, f16 to f32. Whole
// vectors only; what is left over goes through the portable loop, which gives
// the same bits.
//===----------------------------------------------------------------------===//
#include "ElementCopyAvx2.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define XFER_AVX2 __attribute__((target("avx2,f16c")))

namespace xfer::runtime {
namespace {

XFER_AVX2 __m256i loadVector(const std::byte *address) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(address));
}

/// bf16 of eight floats, in the low halves of eight words.
XFER_AVX2 __m256i roundToBf16(__m256i bits) {
  const __m256i high = _mm256_srli_epi32(bits, 16);
  const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
  const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  const __m256i isNaN = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
  return _mm256_blendv_epi8(rounded, quiet, isNaN);
}

XFER_AVX2 int64_t bf16FromF32(const std::byte *from, std::byte *to, int64_t count) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i low = roundToBf16(loadVector(from + 4 * i));
    const __m256i high = roundToBf16(loadVector(from + 4 * i + 32));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + 2 * i), packed);
  }
  return i;
}

XFER_AVX2 int64_t f16FromF32(const std::byte *from, std::byte *to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 wide = _mm256_loadu_ps(reinterpret_cast<const float *>(from + 4 * i));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + 2 * i),
                     _mm256_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  return i;
}

XFER_AVX2 int64_t f32FromF16(const std::byte *from, std::byte *to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + 2 * i));
    _mm256_storeu_ps(reinterpret_cast<float *>(to + 4 * i), _mm256_cvtph_ps(narrow));
  }
  return i;
}

} // namespace

VectorCast vectorCast(xfer_dtype_t from, xfer_dtype_t to) {
  static const bool isSupported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  if (!isSupported)
    return nullptr;
  if (from == XFER_F32 && to == XFER_BF16)
    return bf16FromF32;
  if (from == XFER_F32 && to == XFER_F16)
    return f16FromF32;
  if (from == XFER_F16 && to == XFER_F32)
    return f32FromF16;
  return nullptr;
}

} // namespace xfer::runtime

#else

xfer::runtime::VectorCast xfer::runtime::vectorCast(xfer_dtype_t, xfer_dtype_t) { return nullptr; }

#endif
