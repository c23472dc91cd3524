//===- ElementTypes.cpp - What element types are and allow ----------------===//
//
// Widths, spellings, and which casts and reductions exist.
//===----------------------------------------------------------------------===//
#include "Elements.h"

namespace xfer::runtime {
namespace {
struct Row {
  const char *spelling;
  int64_t bytes;
  bool isFloat;
};
constexpr Row kRows[kNumDTypes] = {
    {"f64", 8, true},      {"f32", 4, true},    {"f16", 2, true},  {"bf16", 2, true},
    {"f8e4m3fn", 1, true}, {"f8e5m2", 1, true}, {"i64", 8, false}, {"i32", 4, false},
    {"i16", 2, false},     {"i8", 1, false},    {"u8", 1, false},  {"i1", 1, false},
};
} // namespace

int64_t byteWidth(xfer_dtype_t dtype) { return kRows[dtype].bytes; }
const char *spelling(xfer_dtype_t dtype) { return kRows[dtype].spelling; }
bool isFloat(xfer_dtype_t dtype) { return kRows[dtype].isFloat; }

bool canCast(xfer_dtype_t from, xfer_dtype_t to) {
  return from == to || (isFloat(to) && from != XFER_I1);
}

bool canReduce(ReduceOp op, xfer_dtype_t dtype) {
  switch (op) {
  case ReduceOp::None:
    return false;
  case ReduceOp::Sum:
  case ReduceOp::Product:
    return dtype != XFER_I1;
  case ReduceOp::Avg:
    return isFloat(dtype);
  case ReduceOp::Min:
  case ReduceOp::Max:
    return true;
  }
  return false;
}

} // namespace xfer::runtime
