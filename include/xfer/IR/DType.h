//===- DType.h - Element types ----------------------------------*- C++ -*-===//
//
// The closed set of element types, their spelling and width, and which casts
// and reductions the language allows. Arithmetic on elements lives in
// runtime/src/Elements.h, not here.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace xfer {

/// One row per element type: enumerator, spelling, bytes, class.
#define XFER_DTYPES(ROW)                                                                           \
  ROW(F64, "f64", 8, Float)                                                                        \
  ROW(F32, "f32", 4, Float)                                                                        \
  ROW(F16, "f16", 2, Float)                                                                        \
  ROW(BF16, "bf16", 2, Float)                                                                      \
  ROW(F8E4M3FN, "f8e4m3fn", 1, Float)                                                              \
  ROW(F8E5M2, "f8e5m2", 1, Float)                                                                  \
  ROW(I64, "i64", 8, Integer)                                                                      \
  ROW(I32, "i32", 4, Integer)                                                                      \
  ROW(I16, "i16", 2, Integer)                                                                      \
  ROW(I8, "i8", 1, Integer)                                                                        \
  ROW(U8, "u8", 1, Integer)                                                                        \
  ROW(I1, "i1", 1, Boolean)

/// The numbers are part of the plan format: append, never reorder.
enum class DType : uint8_t {
#define ROW(NAME, SPELLING, BYTES, CLASS) NAME,
  XFER_DTYPES(ROW)
#undef ROW
};

enum class DTypeClass : uint8_t { Float, Integer, Boolean };

/// Bytes of one element in memory; `i1` is stored as one byte, 0 or 1.
int64_t byteWidth(DType dtype);
DTypeClass classOf(DType dtype);
llvm::StringRef spelling(DType dtype);
std::optional<DType> parseDType(llvm::StringRef text);

/// True for the same type, float to float and integer to float; nothing else is a cast.
bool canCast(DType from, DType to);

/// How contributions of a `partial` source combine. The numbers are part of the plan format.
enum class ReduceOp : uint8_t { None, Sum, Avg, Product, Min, Max };

llvm::StringRef spelling(ReduceOp op);
std::optional<ReduceOp> parseReduceOp(llvm::StringRef text);

/// `avg` is for floats only; `i1` allows only `min` and `max`.
bool canReduce(ReduceOp op, DType dtype);

} // namespace xfer
