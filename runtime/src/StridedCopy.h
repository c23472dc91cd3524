//===- StridedCopy.h - Between a tensor and a packed buffer -----*- C++ -*-===//
//
// A LoopNest names elements of a dense local tensor; packNest() copies them one
// after the other into a buffer, unpackNest() puts them back, both casting on
// the way. Nothing is checked here: the plan's loader has proved that every
// element lies inside its tensor.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_STRIDEDCOPY_H
#define XFER_RUNTIME_STRIDEDCOPY_H

#include "Elements.h"
#include <span>

namespace xfer::runtime {

struct Loop {
  int64_t size;   ///< at least 2
  int64_t stride; ///< at least 1, in elements
};

/// A nest of more would have more than 2^63 elements.
inline constexpr int kMaxLoops = 62;

/// Elements offset + sum i_k * stride_k, the last loop fastest. Loops that continue each other are
/// merged, so that a contiguous nest has at most one loop.
struct LoopNest {
  int64_t offset = 0;
  std::span<const Loop> loops;
  int64_t numElements = 1;
  bool isContiguous() const { return loops.empty() || (loops.size() == 1 && loops[0].stride == 1); }
  /// Whether a tensor of `stored` elements has the nest's as a buffer of `bytes` bytes would that
  /// holds them as `packed`, so that its memory serves as that buffer.
  bool isPackedIn(xfer_dtype_t stored, xfer_dtype_t packed, int64_t bytes) const {
    return isContiguous() && stored == packed && numElements * byteWidth(stored) == bytes;
  }
};

/// A copy between a tensor's elements and a packed buffer's.
struct ElementCopy {
  CopyFunction copy = nullptr;
  int64_t fromBytes = 0; ///< of one element
  int64_t toBytes = 0;
  bool isCast = false;
  static ElementCopy make(xfer_dtype_t from, xfer_dtype_t to) {
    return {copyFunction(from, to), byteWidth(from), byteWidth(to), from != to};
  }
};

void packNest(const ElementCopy &element, const LoopNest &nest, const std::byte *tensor,
              std::byte *packed);
void unpackNest(const ElementCopy &element, const LoopNest &nest, const std::byte *packed,
                std::byte *tensor);
/// Fills the nest's elements, each of `elementBytes`, with zero bytes.
void zeroNest(int64_t elementBytes, const LoopNest &nest, std::byte *tensor);

} // namespace xfer::runtime

#endif
