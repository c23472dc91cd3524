//===- ElementFold.cpp - Reductions of rows -------------------------------===//
//
// One step of a left fold, for each operation and type; ElementCombine.h has the
// arithmetic of one element.
//===----------------------------------------------------------------------===//
#include "ElementCombine.h"
#include <array>
#include <utility>

namespace xfer::runtime {
namespace {

template <ReduceOp OP, xfer_dtype_t DTYPE>
void foldRow(std::byte *total, const std::byte *operand, int64_t count) {
  using Storage = typename Element<DTYPE>::Storage;
  for (int64_t i = 0; i < count; ++i) {
    const Storage a = loadElement<Storage>(total + i * int64_t{sizeof(Storage)});
    const Storage b = loadElement<Storage>(operand + i * int64_t{sizeof(Storage)});
    storeElement<Storage>(total + i * int64_t{sizeof(Storage)}, combineElements<OP, DTYPE>(a, b));
  }
}

template <xfer_dtype_t DTYPE> void divideRow(std::byte *total, double divisor, int64_t count) {
  using Storage = typename Element<DTYPE>::Storage;
  for (int64_t i = 0; i < count; ++i) {
    std::byte *address = total + i * int64_t{sizeof(Storage)};
    storeElement<Storage>(address, divideElement<DTYPE>(loadElement<Storage>(address), divisor));
  }
}

template <int DTYPE> constexpr FoldFunction foldFor(ReduceOp op) {
  constexpr auto kType = static_cast<xfer_dtype_t>(DTYPE);
  switch (op) {
  case ReduceOp::None:
    return nullptr;
  case ReduceOp::Sum:
  case ReduceOp::Avg:
    return foldRow<ReduceOp::Sum, kType>;
  case ReduceOp::Product:
    return foldRow<ReduceOp::Product, kType>;
  case ReduceOp::Min:
    return foldRow<ReduceOp::Min, kType>;
  case ReduceOp::Max:
    return foldRow<ReduceOp::Max, kType>;
  }
  return nullptr;
}

template <int... DTYPES>
FoldFunction selectFold(ReduceOp op, int dtype, std::integer_sequence<int, DTYPES...>) {
  FoldFunction result = nullptr;
  ((dtype == DTYPES ? void(result = foldFor<DTYPES>(op)) : void()), ...);
  return result;
}

} // namespace

FoldFunction foldFunction(ReduceOp op, xfer_dtype_t dtype) {
  if (!canReduce(op, dtype))
    return nullptr;
  return selectFold(op, dtype, std::make_integer_sequence<int, kNumDTypes>());
}

void divideElements(xfer_dtype_t dtype, std::byte *total, int64_t divisor, int64_t count) {
  const double number = static_cast<double>(divisor);
  switch (dtype) {
  case XFER_F64:
    return divideRow<XFER_F64>(total, number, count);
  case XFER_F32:
    return divideRow<XFER_F32>(total, number, count);
  case XFER_F16:
    return divideRow<XFER_F16>(total, number, count);
  case XFER_BF16:
    return divideRow<XFER_BF16>(total, number, count);
  case XFER_F8E4M3FN:
    return divideRow<XFER_F8E4M3FN>(total, number, count);
  case XFER_F8E5M2:
    return divideRow<XFER_F8E5M2>(total, number, count);
  default:
    return;
  }
}

} // namespace xfer::runtime
