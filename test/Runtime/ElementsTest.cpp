//===- ElementsTest.cpp - Casts and reductions of elements ----------------===//
//
// The reference knows nothing of bits and shifts: it lists every value of a
// small format and takes the nearest, comparing with the midpoint in long
// double, which holds every double and every i64 exactly.
//===----------------------------------------------------------------------===//
#include "Elements.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace xfer::runtime;

namespace {

/// A float format as a specification gives it.
struct Format {
  xfer_dtype_t dtype;
  int exponentBits, mantissaBits;
  bool hasInfinity;

  int magnitudeBits() const { return exponentBits + mantissaBits; }
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  /// Of the largest finite value.
  unsigned largest() const {
    return hasInfinity ? (((1u << exponentBits) - 1) << mantissaBits) - 1
                       : (1u << magnitudeBits()) - 2;
  }
  bool isNaN(unsigned bits) const {
    const unsigned magnitude = bits & ((1u << magnitudeBits()) - 1);
    return magnitude > largest() + (hasInfinity ? 1 : 0);
  }
  /// The value of a magnitude; past the largest, what the next would be.
  long double value(unsigned magnitude) const {
    const int exponent = static_cast<int>(magnitude >> mantissaBits);
    const auto mantissa = static_cast<long double>(magnitude & ((1u << mantissaBits) - 1));
    const long double one = 1L << mantissaBits;
    return exponent == 0 ? std::ldexp(mantissa / one, 1 - bias())
                         : std::ldexp(1 + mantissa / one, exponent - bias());
  }
  unsigned overflow() const { return largest() + 1; } // infinity, or NaN where there is none
  unsigned round(long double exact) const {
    const unsigned sign = std::signbit(exact) ? 1u << magnitudeBits() : 0;
    exact = std::fabs(exact);
    unsigned low = 0, high = largest() + 1; // value(low) <= exact < value(high), or overflow
    if (exact >= value(high))
      return sign | overflow();
    while (high - low > 1) {
      const unsigned middle = (low + high) / 2;
      (value(middle) <= exact ? low : high) = middle;
    }
    const long double midpoint = (value(low) + value(low + 1)) / 2;
    const bool up = exact > midpoint || (exact == midpoint && (low & 1));
    return sign | (low + up);
  }
};

constexpr Format kFormats[] = {{XFER_F16, 5, 10, true},
                               {XFER_BF16, 8, 7, true},
                               {XFER_F8E4M3FN, 4, 3, false},
                               {XFER_F8E5M2, 5, 2, true}};

template <typename TO, typename FROM>
std::vector<TO> cast(xfer_dtype_t from, xfer_dtype_t to, const std::vector<FROM> &values) {
  std::vector<TO> result(values.size());
  copyFunction(from, to)(reinterpret_cast<const std::byte *>(values.data()), 1,
                         reinterpret_cast<std::byte *>(result.data()), 1,
                         static_cast<int64_t>(values.size()));
  return result;
}

template <typename FROM>
std::vector<unsigned> castToFormat(xfer_dtype_t from, const Format &to,
                                   const std::vector<FROM> &values) {
  std::vector<unsigned> result;
  if (to.magnitudeBits() == 15)
    for (uint16_t bits : cast<uint16_t>(from, to.dtype, values))
      result.push_back(bits);
  else
    for (uint8_t bits : cast<uint8_t>(from, to.dtype, values))
      result.push_back(bits);
  return result;
}

template <typename FROM>
void expectRounded(xfer_dtype_t from, const Format &to, const std::vector<FROM> &values) {
  const std::vector<unsigned> got = castToFormat(from, to, values);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(static_cast<long double>(values[i])))
      ASSERT_TRUE(to.isNaN(got[i])) << spelling(to.dtype);
    else
      ASSERT_EQ(got[i], to.round(values[i]))
          << spelling(from) << " " << static_cast<long double>(values[i]) << " to "
          << spelling(to.dtype);
  }
}

/// Every place where rounding can go wrong: each value, each midpoint, and their neighbours.
template <typename FLOAT> std::vector<FLOAT> boundariesOf(const Format &format) {
  std::vector<FLOAT> values;
  for (unsigned bits = 0; bits <= format.largest(); ++bits)
    for (long double exact :
         {format.value(bits), (format.value(bits) + format.value(bits + 1)) / 2}) {
      const auto value = static_cast<FLOAT>(exact);
      for (FLOAT near : {value, std::nextafter(value, FLOAT(0)),
                         std::nextafter(value, std::numeric_limits<FLOAT>::infinity())}) {
        values.push_back(near);
        values.push_back(-near);
      }
    }
  for (FLOAT special :
       {std::numeric_limits<FLOAT>::max(), std::numeric_limits<FLOAT>::infinity(),
        std::numeric_limits<FLOAT>::quiet_NaN(), std::numeric_limits<FLOAT>::denorm_min(),
        std::numeric_limits<FLOAT>::min()}) {
    values.push_back(special);
    values.push_back(-special);
  }
  return values;
}

class Rounding : public testing::TestWithParam<Format> {};

TEST_P(Rounding, FromF32AtEveryBoundary) {
  expectRounded(XFER_F32, GetParam(), boundariesOf<float>(GetParam()));
}

TEST_P(Rounding, FromF64AtEveryBoundary) {
  expectRounded(XFER_F64, GetParam(), boundariesOf<double>(GetParam()));
}

TEST_P(Rounding, FromF32AnyBits) {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 4999) {
    const auto pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof(value));
    values.push_back(value);
  }
  expectRounded(XFER_F32, GetParam(), values);
}

TEST_P(Rounding, FromIntegersOnce) {
  std::vector<int64_t> values = {0, std::numeric_limits<int64_t>::min(),
                                 std::numeric_limits<int64_t>::max()};
  // Midpoints between numbers of the format, far from double's last place and right at it.
  for (int power = 1; power < 63; ++power)
    for (int64_t mantissa = 0; mantissa < (2 << GetParam().mantissaBits); mantissa += 3)
      for (int64_t nudge : {-1, 0, 1}) {
        const auto value = static_cast<int64_t>(
            static_cast<uint64_t>((1 << (GetParam().mantissaBits + 1)) + mantissa) << power);
        const int shift = std::max(0, power + GetParam().mantissaBits + 2 - 63);
        values.push_back((value >> shift) + nudge);
        values.push_back(-values.back());
      }
  expectRounded(XFER_I64, GetParam(), values);
  std::vector<int32_t> words;
  for (int64_t value : values)
    words.push_back(static_cast<int32_t>(value));
  expectRounded(XFER_I32, GetParam(), words);
}

TEST_P(Rounding, EveryPatternSurvivesWiderTypes) {
  const Format &format = GetParam();
  for (unsigned bits = 0; bits < 2u << format.magnitudeBits(); ++bits) {
    double wide;
    float single;
    unsigned back;
    if (format.magnitudeBits() == 15) {
      const std::vector<uint16_t> one = {static_cast<uint16_t>(bits)};
      wide = cast<double>(format.dtype, XFER_F64, one)[0];
      single = cast<float>(format.dtype, XFER_F32, one)[0];
      back = cast<uint16_t, float>(XFER_F32, format.dtype, {single})[0];
    } else {
      const std::vector<uint8_t> one = {static_cast<uint8_t>(bits)};
      wide = cast<double>(format.dtype, XFER_F64, one)[0];
      single = cast<float>(format.dtype, XFER_F32, one)[0];
      back = cast<uint8_t, float>(XFER_F32, format.dtype, {single})[0];
    }
    const unsigned magnitude = bits & ((1u << format.magnitudeBits()) - 1);
    ASSERT_EQ(std::signbit(wide), bits != magnitude);
    if (format.isNaN(bits)) {
      ASSERT_TRUE(std::isnan(wide) && std::isnan(single) && format.isNaN(back)) << bits;
      continue;
    }
    ASSERT_EQ(back, bits);
    ASSERT_EQ(wide, static_cast<double>(single));
    if (magnitude <= format.largest())
      ASSERT_EQ(std::fabs(wide), static_cast<double>(format.value(magnitude)));
    else
      ASSERT_TRUE(std::isinf(wide));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Rounding, testing::ValuesIn(kFormats),
                         [](const auto &info) { return spelling(info.param.dtype); });

TEST(Elements, WideCastsRoundOnce) {
  // To double and then to float, this would round twice and lose the last bit.
  EXPECT_EQ(
      (cast<float, int64_t>(XFER_I64, XFER_F32, {(int64_t{1} << 60) + (int64_t{1} << 36) + 1}))[0],
      std::ldexp(1.0f, 60) + std::ldexp(1.0f, 37));
  EXPECT_EQ((cast<double, int64_t>(XFER_I64, XFER_F64, {(int64_t{1} << 60) + 129}))[0],
            std::ldexp(1.0, 60) + 256);
  EXPECT_EQ((cast<float, double>(XFER_F64, XFER_F32, {1e300, -1e300, 1e-300})),
            (std::vector<float>{INFINITY, -INFINITY, 0}));
  EXPECT_EQ((cast<float, uint8_t>(XFER_U8, XFER_F32, {200}))[0], 200);
  EXPECT_EQ((cast<float, int8_t>(XFER_I8, XFER_F32, {-128}))[0], -128);
  EXPECT_EQ((cast<double, int16_t>(XFER_I16, XFER_F64, {-32768}))[0], -32768);
}

TEST(Elements, CopiesLeaveEveryBit) {
  for (int dtype = 0; dtype < kNumDTypes; ++dtype) {
    const auto type = static_cast<xfer_dtype_t>(dtype);
    std::vector<std::byte> bytes(65536 * 8), copy(bytes.size());
    std::mt19937 random(7);
    for (std::byte &byte : bytes)
      byte = static_cast<std::byte>(random());
    const int64_t width = byteWidth(type), count = 65536 / 3;
    copyFunction(type, type)(bytes.data(), 3, copy.data(), 1, count);
    for (int64_t i = 0; i < count; ++i)
      ASSERT_EQ(0, std::memcmp(&copy[static_cast<size_t>(i * width)],
                               &bytes[static_cast<size_t>(3 * i * width)],
                               static_cast<size_t>(width)));
  }
}

/// Casts a row at once and one element at a time, which takes another path, and compares bits.
template <typename TO, typename FROM>
void expectSameBits(xfer_dtype_t from, xfer_dtype_t to, const std::vector<FROM> &values) {
  const CopyFunction copy = copyFunction(from, to);
  const auto *source = reinterpret_cast<const std::byte *>(values.data());
  for (size_t count : {size_t{1}, size_t{2}, size_t{7}, size_t{8}, size_t{17}, values.size()}) {
    std::vector<TO> row(count), single(2 * count);
    copy(source, 1, reinterpret_cast<std::byte *>(row.data()), 1, static_cast<int64_t>(count));
    copy(source, 1, reinterpret_cast<std::byte *>(single.data()), 2, static_cast<int64_t>(count));
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(0, std::memcmp(&row[i], &single[2 * i], sizeof(TO)))
          << spelling(from) << " to " << spelling(to) << " at " << i << " of " << count;
  }
}

TEST(Elements, RowsAndSingleElementsCastToTheSameBits) {
  std::vector<float> floats;
  for (uint64_t bits = 0x7f7ffff0; bits < (uint64_t{2} << 32); bits += 65521) {
    const auto pattern = static_cast<uint32_t>(bits); // NaN payloads of both signs among them
    std::memcpy(&floats.emplace_back(), &pattern, sizeof(float));
  }
  expectSameBits<uint16_t>(XFER_F32, XFER_BF16, floats);
  expectSameBits<uint16_t>(XFER_F32, XFER_F16, floats);
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i)
    halves[i] = static_cast<uint16_t>(i);
  expectSameBits<float>(XFER_F16, XFER_F32, halves);
  expectSameBits<float>(XFER_BF16, XFER_F32, halves);
}

TEST(Elements, OnlyTheLanguagesCastsAndReductionsExist) {
  for (int from = 0; from < kNumDTypes; ++from)
    for (int to = 0; to < kNumDTypes; ++to) {
      const auto source = static_cast<xfer_dtype_t>(from), target = static_cast<xfer_dtype_t>(to);
      const bool expected = from == to || (isFloat(target) && source != XFER_I1);
      EXPECT_EQ(canCast(source, target), expected);
      EXPECT_EQ(copyFunction(source, target) != nullptr, expected);
    }
  EXPECT_EQ(foldFunction(ReduceOp::Avg, XFER_I32), nullptr);
  EXPECT_EQ(foldFunction(ReduceOp::Sum, XFER_I1), nullptr);
  EXPECT_EQ(foldFunction(ReduceOp::None, XFER_F32), nullptr);
  EXPECT_NE(foldFunction(ReduceOp::Max, XFER_I1), nullptr);
}

template <typename T> T foldOne(ReduceOp op, xfer_dtype_t dtype, T total, T operand) {
  foldFunction(op, dtype)(reinterpret_cast<std::byte *>(&total),
                          reinterpret_cast<const std::byte *>(&operand), 1);
  return total;
}

TEST(Elements, EveryPairOfF8Folds) {
  for (const Format &format : {kFormats[2], kFormats[3]}) {
    std::vector<uint8_t> all(256);
    for (size_t i = 0; i < all.size(); ++i)
      all[i] = static_cast<uint8_t>(i);
    const std::vector<double> values = cast<double>(format.dtype, XFER_F64, all);
    for (unsigned a = 0; a < 256; ++a)
      for (unsigned b = 0; b < 256; ++b) {
        const long double x = values[a], y = values[b];
        auto check = [&](ReduceOp op, long double exact) {
          const uint8_t got =
              foldOne(op, format.dtype, static_cast<uint8_t>(a), static_cast<uint8_t>(b));
          if (std::isnan(x) || std::isnan(y) || std::isnan(exact))
            ASSERT_TRUE(format.isNaN(got)) << a << " " << b;
          else
            ASSERT_EQ(got, format.round(exact)) << static_cast<int>(op) << " " << a << " " << b;
        };
        const bool isBelow = x < y || (x == y && std::signbit(x));
        check(ReduceOp::Sum, x + y);
        check(ReduceOp::Product, x * y);
        check(ReduceOp::Min, isBelow ? x : y);
        check(ReduceOp::Max, isBelow ? y : x);
      }
  }
}

TEST(Elements, SixteenBitSumsProductsAndQuotientsRoundOnce) {
  std::mt19937 random(11);
  for (const Format &format : {kFormats[0], kFormats[1]})
    for (int i = 0; i < 300'000; ++i) {
      // Exponents close enough for the exact result to fit in a long double.
      const unsigned exponent = (random() % 20 + 4) << format.mantissaBits;
      const auto a = static_cast<uint16_t>((exponent + random() % (4u << format.mantissaBits)) |
                                           ((random() & 1) << 15));
      const auto b = static_cast<uint16_t>((exponent + random() % (4u << format.mantissaBits)) |
                                           ((random() & 1) << 15));
      const std::vector<double> values =
          cast<double>(format.dtype, XFER_F64, std::vector<uint16_t>{a, b});
      if (!std::isfinite(values[0]) || !std::isfinite(values[1]))
        continue;
      const long double x = values[0], y = values[1];
      ASSERT_EQ(foldOne(ReduceOp::Sum, format.dtype, a, b), format.round(x + y));
      ASSERT_EQ(foldOne(ReduceOp::Product, format.dtype, a, b), format.round(x * y));
      uint16_t quotient = a;
      const int64_t divisor = 1 + random() % 5000;
      divideElements(format.dtype, reinterpret_cast<std::byte *>(&quotient), divisor, 1);
      ASSERT_EQ(quotient, format.round(x / static_cast<long double>(divisor)));
    }
}

TEST(Elements, IntegersWrap) {
  EXPECT_EQ(foldOne<int8_t>(ReduceOp::Sum, XFER_I8, 127, 1), -128);
  EXPECT_EQ(foldOne<uint8_t>(ReduceOp::Product, XFER_U8, 16, 17), 16);
  EXPECT_EQ(foldOne<int16_t>(ReduceOp::Product, XFER_I16, -32768, -1), -32768);
  EXPECT_EQ(foldOne<int32_t>(ReduceOp::Sum, XFER_I32, INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(foldOne<int64_t>(ReduceOp::Product, XFER_I64, INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(foldOne<int64_t>(ReduceOp::Min, XFER_I64, 5, -5), -5);
  EXPECT_EQ(foldOne<uint8_t>(ReduceOp::Max, XFER_U8, 200, 100), 200);
  EXPECT_EQ(foldOne<uint8_t>(ReduceOp::Max, XFER_I1, 0, 1), 1);
  EXPECT_EQ(foldOne<uint8_t>(ReduceOp::Min, XFER_I1, 0, 1), 0);
}

TEST(Elements, FloatsOrderZerosAndPropagateNaN) {
  for (float a : {-0.0f, 0.0f}) {
    EXPECT_TRUE(std::signbit(foldOne(ReduceOp::Min, XFER_F32, a, -a)));
    EXPECT_FALSE(std::signbit(foldOne(ReduceOp::Max, XFER_F32, a, -a)));
  }
  for (ReduceOp op : {ReduceOp::Sum, ReduceOp::Product, ReduceOp::Min, ReduceOp::Max}) {
    EXPECT_TRUE(std::isnan(foldOne<double>(op, XFER_F64, NAN, 1)));
    EXPECT_TRUE(std::isnan(foldOne<double>(op, XFER_F64, 1, NAN)));
    EXPECT_TRUE(std::isnan(foldOne<float>(op, XFER_F32, 1, NAN)));
  }
  EXPECT_TRUE(std::isnan(foldOne<float>(ReduceOp::Sum, XFER_F32, INFINITY, -INFINITY)));
}

} // namespace
