//===- ElementMath.h - Casts and folds by DType -----------------*- C++ -*-===//
//
// The runtime's element arithmetic, which has its own exhaustive tests, under
// the compiler's types.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "xfer/runtime.h"
#include <string>

namespace xfer::run {

/// The two enumerations have one numbering, that of the plan file.
inline xfer_dtype_t toRuntime(DType dtype) { return static_cast<xfer_dtype_t>(dtype); }

/// Rows without gaps that do not overlap.
void castElements(DType from, DType to, const char *in, char *out, int64_t count);
/// total[i] = op(total[i], operand[i]); `avg` adds.
void foldElements(ReduceOp op, DType dtype, char *total, const char *operand, int64_t count);
/// total[i] /= divisor: the last step of `avg`.
void divideElements(DType dtype, char *total, int64_t divisor, int64_t count);

bool isNaN(DType dtype, const char *element);
/// The element as a number and, since two may print alike, its bits: `0.5 (0x3f00)`.
std::string formatElement(DType dtype, const char *element);

} // namespace xfer::run
