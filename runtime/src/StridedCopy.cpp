//===- StridedCopy.cpp - Between a tensor and a packed buffer -------------===//
//
// Rows are the innermost loop and go through the element copy. Where rows are a
// few bytes and nothing is cast, the call per row would cost more than the bytes:
// those nests copy the two innermost loops with a fixed-size move. Long rows of a
// target go past the caches.
//===----------------------------------------------------------------------===//
#include "StridedCopy.h"
#include <array>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace xfer::runtime {
namespace {

/// Calls visit(offset) with the offset in elements of every iteration of `loops`, in order.
template <typename VISIT>
void forEachOffset(std::span<const Loop> loops, int64_t offset, VISIT visit) {
  std::array<int64_t, kMaxLoops> index = {};
  while (true) {
    visit(offset);
    size_t depth = loops.size();
    while (depth > 0) {
      const Loop &loop = loops[depth - 1];
      offset += loop.stride;
      if (++index[depth - 1] < loop.size)
        break;
      offset -= loop.stride * loop.size;
      index[depth - 1] = 0;
      --depth;
    }
    if (depth == 0)
      return;
  }
}

/// Copies `count` blocks of BYTES between places `fromStride` and `toStride` bytes apart.
template <int64_t BYTES>
void copyBlocks(const std::byte *from, int64_t fromStride, std::byte *to, int64_t toStride,
                int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + i * toStride, from + i * fromStride, BYTES);
}

using BlockCopy = void (*)(const std::byte *, int64_t, std::byte *, int64_t, int64_t);

BlockCopy blockCopy(int64_t bytes) {
  switch (bytes) {
  case 2:
    return copyBlocks<2>;
  case 4:
    return copyBlocks<4>;
  case 8:
    return copyBlocks<8>;
  case 16:
    return copyBlocks<16>;
  case 32:
    return copyBlocks<32>;
  case 64:
    return copyBlocks<64>;
  default:
    return nullptr;
  }
}

/// Rows from this size on are written past the caches.
constexpr int64_t kStreamedRowBytes = 2048;

/// Copies a long row to a target tensor. Nobody reads it soon: stores that bypass the caches spare
/// reading the lines that they overwrite, which is a third of a copy's memory traffic.
void streamRow(const std::byte *from, std::byte *to, int64_t bytes) {
#if defined(__SSE2__)
  const auto misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) % 64);
  const int64_t head = misaligned == 0 ? 0 : 64 - misaligned;
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + 64 <= bytes; i += 64)
    for (int64_t part = i; part < i + 64; part += 16)
      _mm_stream_si128(reinterpret_cast<__m128i *>(to + part),
                       _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + part)));
  std::memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

/// Visits the nest's rows: visit(tensorOffset, packedOffset, stride, count), all in elements.
template <typename VISIT> void forEachRow(const LoopNest &nest, VISIT visit) {
  const Loop row = nest.loops.empty() ? Loop{1, 1} : nest.loops.back();
  const auto outer = nest.loops.first(nest.loops.empty() ? 0 : nest.loops.size() - 1);
  int64_t packedOffset = 0;
  forEachOffset(outer, nest.offset, [&](int64_t offset) {
    visit(offset, packedOffset, row.stride, row.size);
    packedOffset += row.size;
  });
}

/// The nest as blocks of raw bytes, if its rows are short, whole and of a common size.
BlockCopy shortRowCopy(const ElementCopy &element, const LoopNest &nest) {
  const size_t depth = nest.loops.size();
  if (element.isCast || depth < 2 || nest.loops[depth - 1].stride != 1)
    return nullptr;
  return blockCopy(nest.loops[depth - 1].size * element.fromBytes);
}

} // namespace

void packNest(const ElementCopy &element, const LoopNest &nest, const std::byte *tensor,
              std::byte *packed) {
  if (BlockCopy copy = shortRowCopy(element, nest)) {
    const Loop &row = nest.loops.back(), &rows = nest.loops[nest.loops.size() - 2];
    const int64_t rowBytes = row.size * element.fromBytes;
    forEachOffset(nest.loops.first(nest.loops.size() - 2), nest.offset, [&](int64_t offset) {
      copy(tensor + offset * element.fromBytes, rows.stride * element.fromBytes, packed, rowBytes,
           rows.size);
      packed += rows.size * rowBytes;
    });
    return;
  }
  forEachRow(nest, [&](int64_t tensorOffset, int64_t packedOffset, int64_t stride, int64_t count) {
    element.copy(tensor + tensorOffset * element.fromBytes, stride,
                 packed + packedOffset * element.toBytes, 1, count);
  });
}

void unpackNest(const ElementCopy &element, const LoopNest &nest, const std::byte *packed,
                std::byte *tensor) {
  if (BlockCopy copy = shortRowCopy(element, nest)) {
    const Loop &row = nest.loops.back(), &rows = nest.loops[nest.loops.size() - 2];
    const int64_t rowBytes = row.size * element.toBytes;
    forEachOffset(nest.loops.first(nest.loops.size() - 2), nest.offset, [&](int64_t offset) {
      copy(packed, rowBytes, tensor + offset * element.toBytes, rows.stride * element.toBytes,
           rows.size);
      packed += rows.size * rowBytes;
    });
    return;
  }
  forEachRow(nest, [&](int64_t tensorOffset, int64_t packedOffset, int64_t stride, int64_t count) {
    if (!element.isCast && stride == 1 && count * element.toBytes >= kStreamedRowBytes)
      return streamRow(packed + packedOffset * element.fromBytes,
                       tensor + tensorOffset * element.toBytes, count * element.toBytes);
    element.copy(packed + packedOffset * element.fromBytes, 1,
                 tensor + tensorOffset * element.toBytes, stride, count);
  });
}

void zeroNest(int64_t elementBytes, const LoopNest &nest, std::byte *tensor) {
  forEachRow(nest, [&](int64_t tensorOffset, int64_t, int64_t stride, int64_t count) {
    std::byte *row = tensor + tensorOffset * elementBytes;
    if (stride == 1) {
      std::memset(row, 0, static_cast<size_t>(count * elementBytes));
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      std::memset(row + i * stride * elementBytes, 0, static_cast<size_t>(elementBytes));
  });
}

} // namespace xfer::runtime
