//===- StepBuilder.h - Makes the kernels' tables ----------------*- C++ -*-===//
//
// Turns chunks into steps and tiles for given addresses: how many bytes a thread
// may move at once depends on how the tensors are aligned, so the tables are
// made anew when tensors are bound. Host memory only; who uploads them decides
// where they go.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_STEPBUILDER_H
#define XFER_RUNTIME_CUDA_STEPBUILDER_H

#include "../StridedCopy.h"
#include "Steps.h"
#include <vector>

namespace xfer::runtime {

/// A place in one of the bases.
struct Place {
  int32_t base = kStagingBase;
  int64_t offset = 0; ///< bytes
};

/// Tiles [first, first + count) of the table: one launch.
struct TileRange {
  int64_t first = 0;
  int64_t count = 0;
};

/// Messages [first, first + count) of the table, and the tiles that hash them.
struct MessageRange {
  int64_t first = 0;
  int64_t count = 0;
  TileRange tiles;
};

class StepBuilder {
public:
  /// `bases` are the addresses that the steps will use.
  explicit StepBuilder(std::span<std::byte *const> bases) : bases(bases) {}

  /// Copies the elements of `nest` in base `tensor` to the run at `packed`.
  void pack(const LoopNest &nest, int32_t tensor, xfer_dtype_t from, Place packed,
            xfer_dtype_t to) {
    add(StepKind::Pack, nest, tensor, from, packed, to);
  }
  /// Copies the run at `packed` to the elements of `nest` in base `tensor`.
  void unpack(Place packed, xfer_dtype_t from, const LoopNest &nest, int32_t tensor,
              xfer_dtype_t to) {
    add(StepKind::Unpack, nest, tensor, from, packed, to);
  }
  void zero(const LoopNest &nest, int32_t tensor, xfer_dtype_t dtype) {
    add(StepKind::Zero, nest, tensor, dtype, {tensor, nest.offset * byteWidth(dtype)}, dtype);
  }
  void fold(std::span<const Place> operands, ReduceOp op, xfer_dtype_t dtype, Place to,
            xfer_dtype_t toDType, int64_t numElements);

  /// Hashes the `bytes` of a message at `offset` in staging.
  void message(int64_t offset, int64_t bytes, uint64_t name);

  /// Ends a launch: what was added since the last call.
  TileRange endLaunch();
  /// The same of messages.
  MessageRange endMessages();

  std::vector<CopyStep> copies;
  std::vector<StepLoop> loops;
  std::vector<FoldStep> folds;
  std::vector<FoldOperand> operands;
  std::vector<MessageStep> messages;
  std::vector<Tile> tiles;

private:
  void add(StepKind kind, const LoopNest &nest, int32_t tensor, xfer_dtype_t from, Place packed,
           xfer_dtype_t to);
  void addRun(CopyStep step, std::span<const Loop> nest, int64_t numElements);
  void addTiles(int32_t step, int64_t numUnits, int64_t unitBytes);

  std::span<std::byte *const> bases;
  size_t launched = 0; ///< tiles of ended launches
  size_t ended = 0;    ///< messages of them
};

} // namespace xfer::runtime

#endif
