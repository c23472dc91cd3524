//===- StridedCopyTest.cpp - Packing against a naive walk -----------------===//
#include "StridedCopy.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace xfer::runtime;

namespace {

/// Every element offset of a nest, by counting in a mixed base.
std::vector<int64_t> offsetsOf(int64_t offset, const std::vector<Loop> &loops) {
  int64_t count = 1;
  for (const Loop &loop : loops)
    count *= loop.size;
  std::vector<int64_t> offsets;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, place = offset;
    for (size_t l = loops.size(); l-- > 0; rest /= loops[l].size)
      place += rest % loops[l].size * loops[l].stride;
    offsets.push_back(place);
  }
  return offsets;
}

/// A random box of a random dense tensor, its dimensions walked in a random order.
std::vector<Loop> randomLoops(std::mt19937 &random, int64_t &offset, int64_t &tensorElements) {
  std::vector<Loop> loops;
  int64_t stride = 1;
  offset = 0;
  const size_t numDims = random() % 5;
  for (size_t dim = 0; dim < numDims; ++dim) {
    const int64_t extent = 1 + random() % 9, size = 1 + random() % extent;
    offset += stride * static_cast<int64_t>(random() % static_cast<uint64_t>(extent - size + 1));
    if (size > 1)
      loops.insert(loops.begin(), {size, stride});
    stride *= extent;
  }
  tensorElements = stride;
  if (random() % 2)
    std::shuffle(loops.begin(), loops.end(), random);
  return loops;
}

TEST(StridedCopy, RandomNestsMatchANaiveWalk) {
  std::mt19937 random(3);
  const xfer_dtype_t pairs[][2] = {{XFER_U8, XFER_U8},    {XFER_BF16, XFER_BF16},
                                   {XFER_F32, XFER_F32},  {XFER_I64, XFER_I64},
                                   {XFER_F32, XFER_BF16}, {XFER_F16, XFER_F64}};
  for (int round = 0; round < 4000; ++round) {
    const auto &pair = pairs[random() % 6];
    int64_t offset, tensorElements;
    const std::vector<Loop> loops = randomLoops(random, offset, tensorElements);
    const std::vector<int64_t> offsets = offsetsOf(offset, loops);
    LoopNest nest{offset, loops, static_cast<int64_t>(offsets.size())};
    const bool packs = random() % 2;
    const auto numFrom = packs ? static_cast<size_t>(tensorElements) : offsets.size();
    const auto numTo = packs ? offsets.size() : static_cast<size_t>(tensorElements);
    const auto fromWidth = static_cast<size_t>(byteWidth(pair[0])),
               toWidth = static_cast<size_t>(byteWidth(pair[1]));
    // Odd addresses: wire buffers promise no alignment.
    std::vector<std::byte> from(numFrom * fromWidth + 1), to(numTo * toWidth + 1, std::byte{0xa5});
    for (std::byte &byte : from)
      byte = static_cast<std::byte>(random());
    std::vector<std::byte> expected = to;
    for (size_t i = 0; i < offsets.size(); ++i) {
      const size_t source = packs ? static_cast<size_t>(offsets[i]) : i;
      const size_t target = packs ? i : static_cast<size_t>(offsets[i]);
      copyFunction(pair[0], pair[1])(from.data() + 1 + source * fromWidth, 1,
                                     expected.data() + 1 + target * toWidth, 1, 1);
    }
    const ElementCopy element = ElementCopy::make(pair[0], pair[1]);
    if (packs)
      packNest(element, nest, from.data() + 1, to.data() + 1);
    else
      unpackNest(element, nest, from.data() + 1, to.data() + 1);
    ASSERT_EQ(to, expected) << "round " << round;
  }
}

TEST(StridedCopy, LongRowsAtOddAddressesWriteNoMoreThanTheirBytes) {
  for (int64_t row : {2047, 2048, 2049, 2111, 5000})
    for (int64_t skew = 0; skew < 67; skew += 3) {
      const Loop loops[] = {{3, row + 5}, {row, 1}};
      const LoopNest nest{skew, loops, 3 * row};
      std::vector<std::byte> packed(static_cast<size_t>(3 * row)), tensor(20'000, std::byte{0xa5});
      for (size_t i = 0; i < packed.size(); ++i)
        packed[i] = static_cast<std::byte>(i * 7 + i / 256);
      std::vector<std::byte> expected = tensor;
      for (int64_t i = 0; i < 3 * row; ++i)
        expected[static_cast<size_t>(skew + i / row * (row + 5) + i % row)] =
            packed[static_cast<size_t>(i)];
      unpackNest(ElementCopy::make(XFER_U8, XFER_U8), nest, packed.data(), tensor.data());
      ASSERT_EQ(tensor, expected) << row << " " << skew;
    }
}

} // namespace
