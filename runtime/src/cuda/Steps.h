//===- Steps.h - What the CUDA kernels are told -----------------*- C++ -*-===//
//
// Tables in device memory, uploaded when tensors are bound: steps that pack,
// unpack or fold one chunk or hash one message, and tiles, pieces of steps of
// about equal work, one for each block of threads. Addresses are a base (staging or a binding, see
// Bases) and an offset. Plain structures: the layout is shared with the kernels'
// library.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_STEPS_H
#define XFER_RUNTIME_CUDA_STEPS_H

#include <cstddef>
#include <cstdint>

namespace xfer::runtime {

/// Changes with the structures below and with Kernels.h.
inline constexpr int kKernelsVersion = 2;

/// Threads of a block; each handles every 256th unit of its tile.
inline constexpr uint32_t kBlockThreads = 256;

/// A tile's units hold about this many bytes.
inline constexpr int64_t kTileBytes = 64 << 10;

/// The bytes that a thread moves at once where alignment allows.
inline constexpr int64_t kUnitBytes = 16;

/// One loop of a nest, in units.
struct StepLoop {
  int64_t size;
  int64_t stride; ///< bytes
};

enum class StepKind : uint8_t {
  Pack,   ///< from a nest of loops to a run without gaps
  Unpack, ///< from a run without gaps to a nest of loops
  Zero,   ///< writes zero bytes to a nest of loops
};

/// Moves one chunk. A unit is `unitElements` elements without gaps on both sides.
struct CopyStep {
  int64_t fromOffset; ///< bytes
  int64_t toOffset;
  int32_t fromBase;
  int32_t toBase;
  int32_t firstLoop; ///< of the strided side, outermost first
  int32_t numLoops;
  uint8_t fromDType; ///< xfer_dtype_t
  uint8_t toDType;
  uint8_t unitElements; ///< 1, 2, 4, 8 or 16
  StepKind kind;
  uint32_t unused;
};

/// A contribution to a reduction, without gaps.
struct FoldOperand {
  int64_t offset; ///< bytes
  int32_t base;
  uint32_t unused;
};

/// Folds contributions in order, each step rounded to `dtype`, and casts the total.
struct FoldStep {
  int64_t toOffset; ///< bytes
  int32_t toBase;
  int32_t firstOperand;
  int32_t numOperands;
  uint8_t dtype; ///< of the contributions, xfer_dtype_t
  uint8_t toDType;
  uint8_t op; ///< ReduceOp
  uint8_t unused;
};

/// A message that ends with its checksum (MessageHash.h). A unit is a piece of 16 bytes.
struct MessageStep {
  int64_t offset; ///< in staging
  int64_t bytes;  ///< without the checksum
  uint64_t name;  ///< what both ends call it; part of the checksum
  int64_t firstTile, numTiles;
};

/// The first message that was not what its checksum says. In memory of the host.
struct DamageReport {
  int64_t message = 0; ///< index of its step
  uint64_t checksum = 0, expected = 0;
  uint32_t isSet = 0; ///< written last
  uint32_t unused = 0;
};

/// How far a session has been halted; kernels still queued then do less.
inline constexpr uint32_t kRunning = 0;
inline constexpr uint32_t kWriteNoTarget = 1; ///< what it sends stays right
inline constexpr uint32_t kTouchNothing = 2;

/// Units [first, first + count) of one step.
struct Tile {
  int64_t first;
  int32_t step;
  int32_t count;
};

/// The tables of one session.
struct StepTables {
  const CopyStep *copies = nullptr;
  const StepLoop *loops = nullptr;
  const FoldStep *folds = nullptr;
  const FoldOperand *operands = nullptr;
  const MessageStep *messages = nullptr;
  const Tile *tiles = nullptr;
  std::byte *const *bases = nullptr; ///< staging, then each binding of the program
  uint64_t *tileSums = nullptr;      ///< of tiles that hash
  volatile uint32_t *halt = nullptr;
  DamageReport *damage = nullptr;
};

/// What base 0 is; binding i is base 1 + i.
inline constexpr int32_t kStagingBase = 0;

} // namespace xfer::runtime

#endif
