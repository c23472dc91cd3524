//===- DType.cpp - Element types ------------------------------------------===//
#include "xfer/IR/DType.h"
#include "llvm/ADT/StringSwitch.h"

using llvm::StringRef;

namespace xfer {

int64_t byteWidth(DType dtype) {
  switch (dtype) {
#define ROW(NAME, SPELLING, BYTES, CLASS)                                                          \
  case DType::NAME:                                                                                \
    return BYTES;
    XFER_DTYPES(ROW)
#undef ROW
  }
  return 0;
}

DTypeClass classOf(DType dtype) {
  switch (dtype) {
#define ROW(NAME, SPELLING, BYTES, CLASS)                                                          \
  case DType::NAME:                                                                                \
    return DTypeClass::CLASS;
    XFER_DTYPES(ROW)
#undef ROW
  }
  return DTypeClass::Boolean;
}

StringRef spelling(DType dtype) {
  switch (dtype) {
#define ROW(NAME, SPELLING, BYTES, CLASS)                                                          \
  case DType::NAME:                                                                                \
    return SPELLING;
    XFER_DTYPES(ROW)
#undef ROW
  }
  return "";
}

std::optional<DType> parseDType(StringRef text) {
  return llvm::StringSwitch<std::optional<DType>>(text)
#define ROW(NAME, SPELLING, BYTES, CLASS) .Case(SPELLING, DType::NAME)
      XFER_DTYPES(ROW)
#undef ROW
          .Default(std::nullopt);
}

bool canCast(DType from, DType to) {
  if (from == to)
    return true;
  return classOf(to) == DTypeClass::Float && classOf(from) != DTypeClass::Boolean;
}

StringRef spelling(ReduceOp op) {
  switch (op) {
  case ReduceOp::None:
    return "none";
  case ReduceOp::Sum:
    return "sum";
  case ReduceOp::Avg:
    return "avg";
  case ReduceOp::Product:
    return "product";
  case ReduceOp::Min:
    return "min";
  case ReduceOp::Max:
    return "max";
  }
  return "";
}

std::optional<ReduceOp> parseReduceOp(StringRef text) {
  return llvm::StringSwitch<std::optional<ReduceOp>>(text)
      .Case("sum", ReduceOp::Sum)
      .Case("avg", ReduceOp::Avg)
      .Case("product", ReduceOp::Product)
      .Case("min", ReduceOp::Min)
      .Case("max", ReduceOp::Max)
      .Default(std::nullopt);
}

bool canReduce(ReduceOp op, DType dtype) {
  if (op == ReduceOp::Min || op == ReduceOp::Max)
    return true;
  if (op == ReduceOp::Avg)
    return classOf(dtype) == DTypeClass::Float;
  return classOf(dtype) != DTypeClass::Boolean;
}

} // namespace xfer
