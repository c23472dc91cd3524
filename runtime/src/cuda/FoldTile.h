//===- FoldTile.h - Reduces one tile ----------------------------*- C++ -*-===//
//
// The body of the fold kernel and of its twin for processors. A unit is one
// element: contributions have no gaps, so that neighbouring threads read
// neighbouring elements.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_FOLDTILE_H
#define XFER_RUNTIME_CUDA_FOLDTILE_H

#include "../ElementCombine.h"
#include "AnyCast.h"
#include "Steps.h"

namespace xfer::runtime {

template <xfer_dtype_t DTYPE, typename STORAGE>
XFER_HOST_DEVICE STORAGE combineBy(ReduceOp op, STORAGE a, STORAGE b) {
  switch (op) {
  case ReduceOp::Product:
    return combineElements<ReduceOp::Product, DTYPE>(a, b);
  case ReduceOp::Min:
    return combineElements<ReduceOp::Min, DTYPE>(a, b);
  case ReduceOp::Max:
    return combineElements<ReduceOp::Max, DTYPE>(a, b);
  default:
    return combineElements<ReduceOp::Sum, DTYPE>(a, b);
  }
}

template <xfer_dtype_t DTYPE>
XFER_HOST_DEVICE void foldUnits(const FoldStep &step, const StepTables &tables, const Tile &tile,
                                uint32_t thread, uint32_t numThreads) {
  using Storage = typename Element<DTYPE>::Storage;
  const FoldOperand *operands = tables.operands + step.firstOperand;
  const auto op = static_cast<ReduceOp>(step.op);
  const auto toDType = static_cast<xfer_dtype_t>(step.toDType);
  std::byte *to = tables.bases[step.toBase] + step.toOffset;
  for (auto i = static_cast<int64_t>(thread); i < tile.count; i += numThreads) {
    const int64_t unit = tile.first + i;
    auto load = [&](int32_t operand) {
      return loadElement<Storage>(tables.bases[operands[operand].base] + operands[operand].offset +
                                  unit * int64_t{sizeof(Storage)});
    };
    Storage total = load(0);
    for (int32_t operand = 1; operand < step.numOperands; ++operand)
      total = combineBy<DTYPE>(op, total, load(operand));
    if constexpr (DTYPE <= XFER_F8E5M2)
      if (op == ReduceOp::Avg)
        total = divideElement<DTYPE>(total, static_cast<double>(step.numOperands));
    if (toDType == DTYPE)
      storeElement<Storage>(to + unit * int64_t{sizeof(Storage)}, total);
    else
      castAny(DTYPE, reinterpret_cast<const std::byte *>(&total), toDType,
              to + unit * elementBytes(step.toDType));
  }
}

/// Reduces what `thread` of `numThreads` has to reduce of `tile`.
XFER_HOST_DEVICE inline void foldTile(const StepTables &tables, const Tile &tile, uint32_t thread,
                                      uint32_t numThreads) {
  const FoldStep &step = tables.folds[tile.step];
  switch (static_cast<xfer_dtype_t>(step.dtype)) {
  case XFER_F64:
    return foldUnits<XFER_F64>(step, tables, tile, thread, numThreads);
  case XFER_F32:
    return foldUnits<XFER_F32>(step, tables, tile, thread, numThreads);
  case XFER_F16:
    return foldUnits<XFER_F16>(step, tables, tile, thread, numThreads);
  case XFER_BF16:
    return foldUnits<XFER_BF16>(step, tables, tile, thread, numThreads);
  case XFER_F8E4M3FN:
    return foldUnits<XFER_F8E4M3FN>(step, tables, tile, thread, numThreads);
  case XFER_F8E5M2:
    return foldUnits<XFER_F8E5M2>(step, tables, tile, thread, numThreads);
  case XFER_I64:
    return foldUnits<XFER_I64>(step, tables, tile, thread, numThreads);
  case XFER_I32:
    return foldUnits<XFER_I32>(step, tables, tile, thread, numThreads);
  case XFER_I16:
    return foldUnits<XFER_I16>(step, tables, tile, thread, numThreads);
  case XFER_I8:
    return foldUnits<XFER_I8>(step, tables, tile, thread, numThreads);
  case XFER_U8:
    return foldUnits<XFER_U8>(step, tables, tile, thread, numThreads);
  case XFER_I1:
    return foldUnits<XFER_I1>(step, tables, tile, thread, numThreads);
  }
}

} // namespace xfer::runtime

#endif
