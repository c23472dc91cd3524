//===- Elements.h - Arithmetic on elements ----------------------*- C++ -*-===//
//
// Casts and reductions of every element type, on rows of elements. Buffers need
// no alignment. Casts round once, to nearest even; overflow gives infinity, or
// NaN in f8e4m3fn; NaN stays NaN, quiet and with its sign. Copies of one type
// leave every bit as it is. ElementCodec.h has the arithmetic of one element.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_ELEMENTS_H
#define XFER_RUNTIME_ELEMENTS_H

#include "xfer/runtime.h"
#include <cstddef>
#include <cstdint>

namespace xfer::runtime {

/// How contributions combine. Numbered as in the plan file.
enum class ReduceOp : uint8_t { None, Sum, Avg, Product, Min, Max };

inline constexpr int kNumDTypes = 12;

int64_t byteWidth(xfer_dtype_t dtype);
const char *spelling(xfer_dtype_t dtype);
bool isFloat(xfer_dtype_t dtype);

/// True for the same type, float to float and integer to float.
bool canCast(xfer_dtype_t from, xfer_dtype_t to);

/// `avg` is for floats only; i1 has only `min` and `max`.
bool canReduce(ReduceOp op, xfer_dtype_t dtype);

/// Copies `count` elements that lie `fromStride` elements apart to places `toStride` apart.
/// The two rows do not overlap.
using CopyFunction = void (*)(const std::byte *from, int64_t fromStride, std::byte *to,
                              int64_t toStride, int64_t count);

/// The copy that casts as `canCast` allows; nullptr where it does not.
CopyFunction copyFunction(xfer_dtype_t from, xfer_dtype_t to);

/// total[i] = op(total[i], operand[i]), rounded to `dtype`, for rows without gaps; `avg` adds, as
/// `sum` does. Integers wrap. A NaN operand gives NaN, also for min and max, where -0 < +0.
using FoldFunction = void (*)(std::byte *total, const std::byte *operand, int64_t count);

/// The fold that `canReduce` allows; nullptr where it does not.
FoldFunction foldFunction(ReduceOp op, xfer_dtype_t dtype);

/// total[i] = total[i] / divisor, rounded once: the last step of `avg`. `dtype` is a float.
void divideElements(xfer_dtype_t dtype, std::byte *total, int64_t divisor, int64_t count);

} // namespace xfer::runtime

#endif
