//===- ElementFold.cpp - Reductions of rows -------------------------------===//
//
// One step of a left fold, for each operation and type. f32 and f64 use their
// own arithmetic, which rounds once; smaller floats go through double, where
// sums, products and quotients of two of them round as if they were exact.
//===----------------------------------------------------------------------===//
#include "ElementCodec.h"
#include "Elements.h"
#include <array>
#include <limits>
#include <type_traits>
#include <utility>

namespace xfer::runtime {
namespace {

template <ReduceOp OP, typename FLOAT> FLOAT combineFloats(FLOAT a, FLOAT b) {
  FLOAT result;
  if constexpr (OP == ReduceOp::Product)
    result = a * b;
  else if constexpr (OP == ReduceOp::Min)
    result = a < b || (a == b && std::signbit(a)) ? a : b;
  else if constexpr (OP == ReduceOp::Max)
    result = a > b || (a == b && !std::signbit(a)) ? a : b;
  else
    result = a + b;
  // One NaN for all, whatever the operands' payloads and the instruction's operand order.
  const bool isNaN = std::isnan(a) || std::isnan(b) || std::isnan(result);
  return isNaN ? std::numeric_limits<FLOAT>::quiet_NaN() : result;
}

template <ReduceOp OP, typename INTEGER> INTEGER combineIntegers(INTEGER a, INTEGER b) {
  if constexpr (OP == ReduceOp::Min)
    return a < b ? a : b;
  else if constexpr (OP == ReduceOp::Max)
    return a > b ? a : b;
  else if constexpr (OP == ReduceOp::Product)
    return static_cast<INTEGER>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return static_cast<INTEGER>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

template <ReduceOp OP, xfer_dtype_t DTYPE>
void foldRow(std::byte *total, const std::byte *operand, int64_t count) {
  using Type = Element<DTYPE>;
  using Storage = typename Type::Storage;
  for (int64_t i = 0; i < count; ++i) {
    const Storage a = loadElement<Storage>(total + i * int64_t{sizeof(Storage)});
    const Storage b = loadElement<Storage>(operand + i * int64_t{sizeof(Storage)});
    Storage result;
    if constexpr (std::is_floating_point_v<Storage>)
      result = combineFloats<OP>(a, b);
    else if constexpr (DTYPE <= XFER_F8E5M2)
      result = Type::fromDouble(combineFloats<OP>(Type::toDouble(a), Type::toDouble(b)));
    else
      result = combineIntegers<OP>(a, b);
    storeElement<Storage>(total + i * int64_t{sizeof(Storage)}, result);
  }
}

template <xfer_dtype_t DTYPE> void divideRow(std::byte *total, double divisor, int64_t count) {
  using Type = Element<DTYPE>;
  using Storage = typename Type::Storage;
  for (int64_t i = 0; i < count; ++i) {
    std::byte *address = total + i * int64_t{sizeof(Storage)};
    const double quotient = Type::toDouble(loadElement<Storage>(address)) / divisor;
    storeElement<Storage>(address, Type::fromDouble(quotient));
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
