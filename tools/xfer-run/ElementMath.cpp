//===- ElementMath.cpp - Casts and folds by DType -------------------------===//
#include "ElementMath.h"
#include "Elements.h"
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace xfer::run {

static_assert(static_cast<int>(DType::I1) == XFER_I1);
static_assert(static_cast<int>(ReduceOp::Max) == static_cast<int>(runtime::ReduceOp::Max));

static const std::byte *bytesOf(const char *data) {
  return reinterpret_cast<const std::byte *>(data);
}
static std::byte *bytesOf(char *data) { return reinterpret_cast<std::byte *>(data); }

void castElements(DType from, DType to, const char *in, char *out, int64_t count) {
  runtime::copyFunction(toRuntime(from), toRuntime(to))(bytesOf(in), 1, bytesOf(out), 1, count);
}

void foldElements(ReduceOp op, DType dtype, char *total, const char *operand, int64_t count) {
  runtime::foldFunction(static_cast<runtime::ReduceOp>(op),
                        toRuntime(dtype))(bytesOf(total), bytesOf(operand), count);
}

void divideElements(DType dtype, char *total, int64_t divisor, int64_t count) {
  runtime::divideElements(toRuntime(dtype), bytesOf(total), divisor, count);
}

static double toDouble(DType dtype, const char *element) {
  double value;
  castElements(dtype, DType::F64, element, reinterpret_cast<char *>(&value), 1);
  return value;
}

bool isNaN(DType dtype, const char *element) {
  return classOf(dtype) == DTypeClass::Float && std::isnan(toDouble(dtype, element));
}

std::string formatElement(DType dtype, const char *element) {
  uint64_t bits = 0;
  std::memcpy(&bits, element, byteWidth(dtype));
  int hexDigits = static_cast<int>(2 * byteWidth(dtype));
  if (classOf(dtype) == DTypeClass::Float)
    return fmt::format("{} (0x{:0{}x})", toDouble(dtype, element), bits, hexDigits);
  if (dtype == DType::U8 || dtype == DType::I1)
    return fmt::format("{}", bits);
  int unused = 64 - 8 * static_cast<int>(byteWidth(dtype));
  return fmt::format("{}", static_cast<int64_t>(bits << unused) >> unused);
}

} // namespace xfer::run
