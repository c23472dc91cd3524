//===- ElementCombine.h - Two contributions to one element ------*- C++ -*-===//
//
// One step of a left fold. f32 and f64 use their own arithmetic, which rounds
// once; smaller floats go through double, where sums, products and quotients of
// two of them round as if they were exact. Processors and CUDA kernels run the
// same code.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_ELEMENTCOMBINE_H
#define XFER_RUNTIME_ELEMENTCOMBINE_H

#include "ElementCodec.h"
#include "Elements.h"
#include <limits>
#include <type_traits>

namespace xfer::runtime {

template <ReduceOp OP, typename FLOAT> XFER_HOST_DEVICE FLOAT combineFloats(FLOAT a, FLOAT b) {
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

template <ReduceOp OP, typename INTEGER>
XFER_HOST_DEVICE INTEGER combineIntegers(INTEGER a, INTEGER b) {
  if constexpr (OP == ReduceOp::Min)
    return a < b ? a : b;
  else if constexpr (OP == ReduceOp::Max)
    return a > b ? a : b;
  else if constexpr (OP == ReduceOp::Product)
    return static_cast<INTEGER>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return static_cast<INTEGER>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

/// op(a, b) rounded to DTYPE; OP is one that `canReduce` allows.
template <ReduceOp OP, xfer_dtype_t DTYPE, typename STORAGE = typename Element<DTYPE>::Storage>
XFER_HOST_DEVICE STORAGE combineElements(STORAGE a, STORAGE b) {
  using Type = Element<DTYPE>;
  if constexpr (std::is_floating_point_v<STORAGE>)
    return combineFloats<OP>(a, b);
  else if constexpr (DTYPE <= XFER_F8E5M2)
    return Type::fromDouble(combineFloats<OP>(Type::toDouble(a), Type::toDouble(b)));
  else
    return combineIntegers<OP>(a, b);
}

/// The last step of `avg`. DTYPE is a float.
template <xfer_dtype_t DTYPE, typename STORAGE = typename Element<DTYPE>::Storage>
XFER_HOST_DEVICE STORAGE divideElement(STORAGE total, double divisor) {
  return Element<DTYPE>::fromDouble(Element<DTYPE>::toDouble(total) / divisor);
}

} // namespace xfer::runtime

#endif
