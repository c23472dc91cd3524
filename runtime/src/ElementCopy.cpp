//===- ElementCopy.cpp - Copies and casts of rows -------------------------===//
//
// One row loop per pair of types, chosen once per chunk. The loops for the
// casts that training jobs live on (f32 to and from bf16 and f16) avoid branches and
// use what the processor has (ElementCopyAvx2.h); the rest goes element by element
// through ElementCast.h.
//===----------------------------------------------------------------------===//
#include "ElementCast.h"
#include "ElementCopyAvx2.h"
#include "Elements.h"
#include <array>
#include <utility>

namespace xfer::runtime {
namespace {

template <typename T>
void copyRow(const std::byte *from, int64_t fromStride, std::byte *to, int64_t toStride,
             int64_t count) {
  if (fromStride == 1 && toStride == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    storeElement(to + i * toStride * int64_t{sizeof(T)},
                 loadElement<T>(from + i * fromStride * int64_t{sizeof(T)}));
}

template <xfer_dtype_t FROM, xfer_dtype_t TO>
void castRow(const std::byte *from, int64_t fromStride, std::byte *to, int64_t toStride,
             int64_t count) {
  using From = typename Element<FROM>::Storage;
  using To = typename Element<TO>::Storage;
  if (fromStride == 1 && toStride == 1) { // constant strides, so that it vectorises
    static const VectorCast castVectors = vectorCast(FROM, TO);
    for (int64_t i = castVectors ? castVectors(from, to, count) : 0; i < count; ++i)
      storeElement<To>(to + i * int64_t{sizeof(To)},
                       castElement<FROM, TO>(loadElement<From>(from + i * int64_t{sizeof(From)})));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    storeElement<To>(
        to + i * toStride * int64_t{sizeof(To)},
        castElement<FROM, TO>(loadElement<From>(from + i * fromStride * int64_t{sizeof(From)})));
}

constexpr bool isFloatTarget(int dtype) { return dtype <= XFER_F8E5M2; }

template <int FROM, int TO> constexpr CopyFunction copyFor() {
  constexpr auto kFrom = static_cast<xfer_dtype_t>(FROM);
  constexpr auto kTo = static_cast<xfer_dtype_t>(TO);
  if constexpr (FROM == TO) {
    switch (sizeof(typename Element<kFrom>::Storage)) {
    case 1:
      return copyRow<uint8_t>;
    case 2:
      return copyRow<uint16_t>;
    case 4:
      return copyRow<uint32_t>;
    default:
      return copyRow<uint64_t>;
    }
  } else if constexpr (isFloatTarget(TO) && FROM != XFER_I1) {
    return castRow<kFrom, kTo>;
  } else {
    return nullptr;
  }
}

template <int... PAIRS> constexpr auto makeTable(std::integer_sequence<int, PAIRS...>) {
  return std::array<CopyFunction, sizeof...(PAIRS)>{
      copyFor<PAIRS / kNumDTypes, PAIRS % kNumDTypes>()...};
}

constexpr auto kCopies = makeTable(std::make_integer_sequence<int, kNumDTypes * kNumDTypes>());

} // namespace

CopyFunction copyFunction(xfer_dtype_t from, xfer_dtype_t to) {
  return kCopies[from * kNumDTypes + to];
}

} // namespace xfer::runtime
