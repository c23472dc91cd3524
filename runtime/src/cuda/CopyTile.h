//===- CopyTile.h - Packs or unpacks one tile -------------------*- C++ -*-===//
//
// The body of the copy kernel and of its twin for processors: thread `thread` of
// `numThreads` moves its units of a tile. Units without a cast are moved as
// whole words of up to 16 bytes.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_COPYTILE_H
#define XFER_RUNTIME_CUDA_COPYTILE_H

#include "../ElementCast.h"
#include "AnyCast.h"
#include "Steps.h"

namespace xfer::runtime {

/// Bytes that are loaded and stored at once. May alias anything, as bytes may.
template <int BYTES> struct Word;
template <> struct __attribute__((may_alias)) Word<1> { uint8_t part; };
template <> struct __attribute__((may_alias)) Word<2> { uint16_t part; };
template <> struct __attribute__((may_alias)) Word<4> { uint32_t part; };
template <> struct __attribute__((may_alias, aligned(8))) Word<8> { uint32_t parts[2]; };
template <> struct __attribute__((may_alias, aligned(16))) Word<16> { uint32_t parts[4]; };

/// Division that is short where both fit 32 bits, as they do in all but enormous chunks.
XFER_HOST_DEVICE inline uint64_t divide(uint64_t dividend, uint64_t divisor) {
  if (((dividend | divisor) >> 32) == 0)
    return static_cast<uint32_t>(dividend) / static_cast<uint32_t>(divisor);
  return dividend / divisor;
}

/// Where the strided side of a step has its unit `unit`, in bytes from the step's offset.
XFER_HOST_DEVICE inline int64_t stridedOffset(const StepLoop *loops, int32_t numLoops,
                                              int64_t unit) {
  int64_t offset = 0;
  auto rest = static_cast<uint64_t>(unit);
  for (int32_t i = numLoops - 1; i > 0; --i) {
    const auto size = static_cast<uint64_t>(loops[i].size);
    const uint64_t next = divide(rest, size);
    offset += static_cast<int64_t>(rest - next * size) * loops[i].stride;
    rest = next;
  }
  return numLoops > 0 ? offset + static_cast<int64_t>(rest) * loops[0].stride : offset;
}

template <int BYTES> struct WordMove {
  XFER_HOST_DEVICE void operator()(const std::byte *from, std::byte *to) const {
    *reinterpret_cast<Word<BYTES> *>(to) = *reinterpret_cast<const Word<BYTES> *>(from);
  }
};

template <int BYTES> struct WordZero {
  XFER_HOST_DEVICE void operator()(const std::byte *, std::byte *to) const {
    *reinterpret_cast<Word<BYTES> *>(to) = Word<BYTES>{};
  }
};

/// Casts COUNT elements, loaded and stored as a word each.
template <xfer_dtype_t FROM, xfer_dtype_t TO, int COUNT> struct WordCast {
  XFER_HOST_DEVICE void operator()(const std::byte *from, std::byte *to) const {
    using From = typename Element<FROM>::Storage;
    using To = typename Element<TO>::Storage;
    const Word<COUNT * sizeof(From)> word =
        *reinterpret_cast<const Word<COUNT * sizeof(From)> *>(from);
    Word<COUNT * sizeof(To)> result;
    const auto *in = reinterpret_cast<const std::byte *>(&word);
    auto *out = reinterpret_cast<std::byte *>(&result);
    for (int i = 0; i < COUNT; ++i)
      storeElement<To>(out + i * sizeof(To),
                       castElement<FROM, TO>(loadElement<From>(in + i * sizeof(From))));
    *reinterpret_cast<Word<COUNT * sizeof(To)> *>(to) = result;
  }
};

/// Moves this thread's units of a tile with `move`, which knows what a unit is.
template <typename MOVE>
XFER_HOST_DEVICE void moveUnits(const CopyStep &step, const StepTables &tables, const Tile &tile,
                                int64_t runUnitBytes, uint32_t thread, uint32_t numThreads,
                                MOVE move) {
  const std::byte *from = tables.bases[step.fromBase] + step.fromOffset;
  std::byte *to = tables.bases[step.toBase] + step.toOffset;
  const StepLoop *loops = tables.loops + step.firstLoop;
  for (auto i = static_cast<int64_t>(thread); i < tile.count; i += numThreads) {
    const int64_t unit = tile.first + i;
    const int64_t strided = stridedOffset(loops, step.numLoops, unit);
    const int64_t run = unit * runUnitBytes;
    if (step.kind == StepKind::Pack)
      move(from + strided, to + run);
    else
      move(from + run, to + strided);
  }
}

/// Copies or zeroes units of a power of two of bytes, at most 16.
template <template <int> typename MOVE>
XFER_HOST_DEVICE void moveWords(const CopyStep &step, const StepTables &tables, const Tile &tile,
                                int64_t unitBytes, uint32_t thread, uint32_t numThreads) {
  switch (unitBytes) {
  case 1:
    return moveUnits(step, tables, tile, 1, thread, numThreads, MOVE<1>());
  case 2:
    return moveUnits(step, tables, tile, 2, thread, numThreads, MOVE<2>());
  case 4:
    return moveUnits(step, tables, tile, 4, thread, numThreads, MOVE<4>());
  case 8:
    return moveUnits(step, tables, tile, 8, thread, numThreads, MOVE<8>());
  default:
    return moveUnits(step, tables, tile, 16, thread, numThreads, MOVE<16>());
  }
}

template <xfer_dtype_t FROM, xfer_dtype_t TO>
XFER_HOST_DEVICE void castUnits(const CopyStep &step, const StepTables &tables, const Tile &tile,
                                uint32_t thread, uint32_t numThreads) {
  constexpr int kFrom = sizeof(typename Element<FROM>::Storage);
  constexpr int kTo = sizeof(typename Element<TO>::Storage);
  constexpr int kCount = static_cast<int>(kUnitBytes) / (kFrom > kTo ? kFrom : kTo);
  const int64_t runBytes =
      static_cast<int64_t>(step.unitElements) * (step.kind == StepKind::Pack ? kTo : kFrom);
  if (step.unitElements == kCount)
    moveUnits(step, tables, tile, runBytes, thread, numThreads, WordCast<FROM, TO, kCount>());
  else
    moveUnits(step, tables, tile, runBytes, thread, numThreads, WordCast<FROM, TO, 1>());
}

/// Casts between the types that training jobs live on.
template <xfer_dtype_t FROM>
XFER_HOST_DEVICE bool castUnitsFrom(const CopyStep &step, const StepTables &tables,
                                    const Tile &tile, uint32_t thread, uint32_t numThreads) {
  switch (static_cast<xfer_dtype_t>(step.toDType)) {
  case XFER_F32:
    castUnits<FROM, XFER_F32>(step, tables, tile, thread, numThreads);
    return true;
  case XFER_F16:
    castUnits<FROM, XFER_F16>(step, tables, tile, thread, numThreads);
    return true;
  case XFER_BF16:
    castUnits<FROM, XFER_BF16>(step, tables, tile, thread, numThreads);
    return true;
  case XFER_F8E4M3FN:
    castUnits<FROM, XFER_F8E4M3FN>(step, tables, tile, thread, numThreads);
    return true;
  case XFER_F8E5M2:
    castUnits<FROM, XFER_F8E5M2>(step, tables, tile, thread, numThreads);
    return true;
  default:
    return false;
  }
}

/// Casts one element of any types.
struct AnyCast {
  xfer_dtype_t from, to;
  XFER_HOST_DEVICE void operator()(const std::byte *source, std::byte *target) const {
    castAny(from, source, to, target);
  }
};

/// kRunning, or how far the session has been halted by now.
XFER_HOST_DEVICE inline uint32_t haltOf(const StepTables &tables) {
#if defined(__CUDA_ARCH__)
  return *tables.halt;
#else
  return __atomic_load_n(tables.halt, __ATOMIC_RELAXED);
#endif
}

/// Whether a session that was halted does not want a tile moved.
XFER_HOST_DEVICE inline bool isHalted(const StepTables &tables, const Tile &tile) {
  const bool packs = tables.copies[tile.step].kind == StepKind::Pack;
  return haltOf(tables) >= (packs ? kTouchNothing : kWriteNoTarget);
}

/// Moves what `thread` of `numThreads` has to move of `tile`.
XFER_HOST_DEVICE inline void copyTile(const StepTables &tables, const Tile &tile, uint32_t thread,
                                      uint32_t numThreads) {
  const CopyStep &step = tables.copies[tile.step];
  const int64_t unitBytes = step.unitElements * elementBytes(step.toDType);
  if (step.kind == StepKind::Zero)
    return moveWords<WordZero>(step, tables, tile, unitBytes, thread, numThreads);
  if (step.fromDType == step.toDType)
    return moveWords<WordMove>(step, tables, tile, unitBytes, thread, numThreads);
  switch (static_cast<xfer_dtype_t>(step.fromDType)) {
  case XFER_F32:
    if (castUnitsFrom<XFER_F32>(step, tables, tile, thread, numThreads))
      return;
    break;
  case XFER_F16:
    if (castUnitsFrom<XFER_F16>(step, tables, tile, thread, numThreads))
      return;
    break;
  case XFER_BF16:
    if (castUnitsFrom<XFER_BF16>(step, tables, tile, thread, numThreads))
      return;
    break;
  default:
    break;
  }
  const AnyCast cast = {static_cast<xfer_dtype_t>(step.fromDType),
                        static_cast<xfer_dtype_t>(step.toDType)};
  moveUnits(step, tables, tile,
            elementBytes(step.kind == StepKind::Pack ? step.toDType : step.fromDType), thread,
            numThreads, cast);
}

} // namespace xfer::runtime

#endif
