//===- StepsTest.cpp - What the CUDA kernels compute ----------------------===//
//
// The kernels' bodies, run by pretended threads on a processor, against the
// runtime's own copies and folds: random nests, every pair of types, every
// alignment.
//===----------------------------------------------------------------------===//
#include "Elements.h"
#include "StridedCopy.h"
#include "cuda/CopyTile.h"
#include "cuda/FoldTile.h"
#include "cuda/MessageHash.h"
#include "cuda/StepBuilder.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace xfer::runtime;

namespace {

using Random = std::mt19937;

int64_t pick(Random &random, int64_t first, int64_t last) {
  return std::uniform_int_distribution<int64_t>(first, last)(random);
}

/// Memory whose address has a given remainder by 16.
class Buffer {
public:
  Buffer(int64_t bytes, int64_t shift) : memory(static_cast<size_t>(bytes) + 64, std::byte{0xa5}) {
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    begin = memory.data() + (16 - address % 16) % 16 + shift;
  }
  std::byte *data() const { return begin; }
  void fill(Random &random, int64_t bytes) {
    for (int64_t i = 0; i < bytes; ++i)
      begin[i] = static_cast<std::byte>(random());
  }

private:
  std::vector<std::byte> memory;
  std::byte *begin;
};

StepTables tablesOf(const StepBuilder &builder, std::span<std::byte *const> bases) {
  StepTables tables;
  tables.copies = builder.copies.data();
  tables.loops = builder.loops.data();
  tables.folds = builder.folds.data();
  tables.operands = builder.operands.data();
  tables.messages = builder.messages.data();
  tables.tiles = builder.tiles.data();
  tables.bases = bases.data();
  return tables;
}

/// Every tile by 1, 3 or 256 threads, last thread first.
void run(const StepBuilder &builder, std::span<std::byte *const> bases, uint32_t numThreads) {
  const StepTables tables = tablesOf(builder, bases);
  for (const Tile &tile : builder.tiles)
    for (uint32_t thread = numThreads; thread-- > 0;)
      if (builder.folds.empty())
        copyTile(tables, tile, thread, numThreads);
      else
        foldTile(tables, tile, thread, numThreads);
}

/// A random nest and the elements that a tensor must have for it.
struct RandomNest {
  std::vector<Loop> loops;
  LoopNest nest;
  int64_t extent = 0;
};

RandomNest makeNest(Random &random) {
  RandomNest made;
  int64_t inner = 1; // elements that the loops inside reach
  const int64_t depth = pick(random, 0, 4);
  for (int64_t i = 0; i < depth; ++i) {
    const bool isRow = i == 0 && pick(random, 0, 2) > 0;
    const int64_t size = pick(random, 2, i == 0 ? 70 : 5);
    // Multiples of 8 now and then, so that rows may be aligned.
    int64_t stride = isRow ? 1 : inner + pick(random, 0, 9);
    if (!isRow && pick(random, 0, 1))
      stride = (stride + 7) / 8 * 8;
    made.loops.insert(made.loops.begin(), {size, stride});
    inner = stride * (size - 1) + inner;
    made.nest.numElements *= size;
  }
  made.nest.offset = pick(random, 0, 1) * pick(random, 0, 20);
  made.extent = made.nest.offset + inner;
  return made;
}

/// Elements of every kind, NaNs among them; integers to be cast stay small enough for floats.
void checkCopy(Random &random, xfer_dtype_t stored, xfer_dtype_t wire) {
  RandomNest made = makeNest(random);
  made.nest.loops = made.loops;
  const int64_t storedBytes = byteWidth(stored), wireBytes = byteWidth(wire);
  const int64_t tensorBytes = made.extent * storedBytes;
  const int64_t packedBytes = made.nest.numElements * wireBytes;
  // A tensor is aligned to its element, a chunk in a message to the wire's.
  const int64_t tensorShift = pick(random, 0, 16 / storedBytes - 1) * storedBytes;
  const int64_t packedShift = pick(random, 0, 16 / wireBytes - 1) * wireBytes;
  const auto numThreads = static_cast<uint32_t>(std::array{1, 3, 256}[random() % 3]);
  {
    Buffer tensor(tensorBytes, tensorShift), packed(packedBytes, packedShift),
        expected(packedBytes, packedShift);
    tensor.fill(random, tensorBytes);
    std::byte *bases[] = {packed.data(), tensor.data()};
    StepBuilder builder(bases);
    builder.pack(made.nest, 1, stored, {0, 0}, wire);
    run(builder, bases, numThreads);
    packNest(ElementCopy::make(stored, wire), made.nest, tensor.data(), expected.data());
    ASSERT_EQ(0, std::memcmp(packed.data(), expected.data(), static_cast<size_t>(packedBytes)))
        << spelling(stored) << " to " << spelling(wire);
  }
  if (!canCast(wire, stored))
    return;
  Buffer tensor(tensorBytes, tensorShift), packed(packedBytes, packedShift),
      expected(tensorBytes, tensorShift);
  packed.fill(random, packedBytes);
  std::byte *bases[] = {packed.data(), tensor.data()};
  StepBuilder builder(bases);
  builder.unpack({0, 0}, wire, made.nest, 1, stored);
  run(builder, bases, numThreads);
  unpackNest(ElementCopy::make(wire, stored), made.nest, packed.data(), expected.data());
  ASSERT_EQ(0, std::memcmp(tensor.data(), expected.data(), static_cast<size_t>(tensorBytes)))
      << spelling(wire) << " to " << spelling(stored);
}

TEST(Steps, EveryPairOfTypesPacksAndUnpacksAsOnTheHost) {
  Random random(1);
  for (int from = 0; from < kNumDTypes; ++from)
    for (int to = 0; to < kNumDTypes; ++to) {
      const auto stored = static_cast<xfer_dtype_t>(from), wire = static_cast<xfer_dtype_t>(to);
      for (int i = 0; i < 40 && canCast(stored, wire); ++i)
        ASSERT_NO_FATAL_FAILURE(checkCopy(random, stored, wire));
    }
}

TEST(Steps, ZeroesWhatANestNamesAndNothingElse) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    RandomNest made = makeNest(random);
    made.nest.loops = made.loops;
    const auto dtype = static_cast<xfer_dtype_t>(random() % kNumDTypes);
    const int64_t bytes = made.extent * byteWidth(dtype);
    const int64_t shift = pick(random, 0, 16 / byteWidth(dtype) - 1) * byteWidth(dtype);
    Buffer tensor(bytes, shift), expected(bytes, shift);
    std::byte *bases[] = {nullptr, tensor.data()};
    StepBuilder builder(bases);
    builder.zero(made.nest, 1, dtype);
    run(builder, bases, 256);
    zeroNest(byteWidth(dtype), made.nest, expected.data());
    ASSERT_EQ(0, std::memcmp(tensor.data(), expected.data(), static_cast<size_t>(bytes)));
  }
}

TEST(Steps, ContiguousRunsMoveInWordsOf16BytesButForTheirEnds) {
  const LoopNest all = {.offset = 0, .loops = {}, .numElements = 1003};
  const Loop run = {1003, 1};
  LoopNest nest = all;
  nest.loops = {&run, 1};
  Buffer tensor(2006, 0), packed(2006, 0);
  std::byte *bases[] = {packed.data(), tensor.data()};
  StepBuilder builder(bases);
  builder.pack(nest, 1, XFER_BF16, {0, 0}, XFER_BF16);
  ASSERT_EQ(builder.copies.size(), 3u);
  EXPECT_EQ(builder.copies[0].unitElements, 8);
  EXPECT_EQ(builder.copies[1].unitElements, 2);
  EXPECT_EQ(builder.copies[2].unitElements, 1);
  EXPECT_EQ(builder.tiles[0].count, 125);
}

TEST(Steps, RowsMoveInWordsThatDivideThem) {
  const Loop loops[] = {{8, 96}, {24, 1}}; // rows of 48 bytes, 192 apart
  const LoopNest nest = {.offset = 8, .loops = loops, .numElements = 192};
  Buffer tensor(2048, 0), packed(384, 0);
  std::byte *bases[] = {packed.data(), tensor.data()};
  StepBuilder builder(bases);
  builder.pack(nest, 1, XFER_BF16, {0, 0}, XFER_BF16);
  ASSERT_EQ(builder.copies.size(), 1u);
  EXPECT_EQ(builder.copies[0].unitElements, 8);
  const LoopNest shifted = {.offset = 10, .loops = loops, .numElements = 192};
  builder.pack(shifted, 1, XFER_BF16, {0, 0}, XFER_BF16);
  EXPECT_EQ(builder.copies[1].unitElements, 2); // the rows begin at 4 modulo 16
}

TEST(Steps, LargeChunksAreCutIntoTilesOfEqualWork) {
  const Loop run = {int64_t{1} << 34, 1}; // more units than 32 bits hold
  const LoopNest nest = {.offset = 0, .loops = {&run, 1}, .numElements = run.size};
  std::byte *bases[] = {nullptr, nullptr};
  StepBuilder builder(bases);
  builder.pack(nest, 1, XFER_U8, {0, 0}, XFER_U8);
  const TileRange launch = builder.endLaunch();
  EXPECT_EQ(launch.first, 0);
  EXPECT_EQ(launch.count, run.size / kTileBytes);
  EXPECT_EQ(builder.tiles.back().first + builder.tiles.back().count, run.size / kUnitBytes);
  EXPECT_EQ(stridedOffset(builder.loops.data(), 1, builder.tiles.back().first),
            run.size - kTileBytes);
  const Loop deep[] = {{1 << 20, int64_t{1} << 35}, {1 << 16, 1 << 18}, {1 << 17, 1}};
  std::vector<StepLoop> loops;
  for (const Loop &loop : deep)
    loops.push_back({loop.size, loop.stride});
  const int64_t unit = ((int64_t{5} << 16) + 7) * (1 << 17) + 9;
  EXPECT_EQ(stridedOffset(loops.data(), 3, unit), (int64_t{5} << 35) + (int64_t{7} << 18) + 9);
}

TEST(Steps, FoldsAsOnTheHost) {
  Random random(3);
  for (int dtype = 0; dtype < kNumDTypes; ++dtype)
    for (int op = 1; op <= 5; ++op)
      for (int to = 0; to < kNumDTypes; ++to) {
        const auto from = static_cast<xfer_dtype_t>(dtype), wire = static_cast<xfer_dtype_t>(to);
        const auto reduce = static_cast<ReduceOp>(op);
        if (!canReduce(reduce, from) || !canCast(from, wire))
          continue;
        const int64_t count = pick(random, 1, 300), bytes = byteWidth(from);
        const int64_t numOperands = pick(random, 2, 5);
        Buffer operands(numOperands * count * bytes, 0), result(count * byteWidth(wire), 0),
            expected(count * byteWidth(wire), 0);
        operands.fill(random, numOperands * count * bytes);
        std::byte *bases[] = {operands.data(), result.data()};
        StepBuilder builder(bases);
        std::vector<Place> places;
        for (int64_t i = 0; i < numOperands; ++i)
          places.push_back({0, i * count * bytes});
        builder.fold(places, reduce, from, {1, 0}, wire, count);
        run(builder, bases, 256);

        std::vector<std::byte> total(operands.data(), operands.data() + count * bytes);
        for (int64_t i = 1; i < numOperands; ++i)
          foldFunction(reduce, from)(total.data(), operands.data() + i * count * bytes, count);
        if (reduce == ReduceOp::Avg)
          divideElements(from, total.data(), numOperands, count);
        copyFunction(from, wire)(total.data(), 1, expected.data(), 1, count);
        ASSERT_EQ(0, std::memcmp(result.data(), expected.data(),
                                 static_cast<size_t>(count * byteWidth(wire))))
            << spelling(from) << " by " << op << " to " << spelling(wire);
      }
}

TEST(Steps, ChecksumsAreSumsOfXxHashOfPiecesAndAName) {
  Random random(4);
  for (int64_t bytes : {0, 1, 3, 4, 7, 8, 12, 15, 16, 17, 31, 32, 1000, 65536, 65537, 300'003}) {
    Buffer staging(bytes + 32, 8);
    staging.fill(random, bytes + 32);
    std::byte *bases[] = {staging.data()};
    StepBuilder builder(bases);
    builder.message(8, 24, 1); // another before it
    (void)builder.endMessages();
    builder.message(8, bytes, 77);
    const MessageRange range = builder.endMessages();
    EXPECT_EQ(range.first, 1);
    EXPECT_EQ(range.count, 1);

    uint64_t expected = 77;
    for (int64_t i = 0; i < bytes; i += 16)
      expected +=
          XXH64(staging.data() + 8 + i, static_cast<size_t>(std::min<int64_t>(16, bytes - i)),
                static_cast<uint64_t>(i / 16));
    for (uint32_t numThreads : {1u, 3u, 256u}) {
      StepTables tables = tablesOf(builder, bases);
      std::vector<uint64_t> sums(builder.tiles.size());
      tables.tileSums = sums.data();
      for (int64_t tile = range.tiles.first; tile < range.tiles.first + range.tiles.count; ++tile)
        for (uint32_t thread = 0; thread < numThreads; ++thread)
          sums[static_cast<size_t>(tile)] +=
              hashTile(tables, builder.tiles[static_cast<size_t>(tile)], thread, numThreads);
      uint64_t sum = 0;
      for (uint32_t thread = 0; thread < numThreads; ++thread)
        sum += sumTiles(tables, builder.messages[1], thread, numThreads);
      ASSERT_EQ(sum, expected) << bytes << " bytes, " << numThreads << " threads";
    }
  }
}

TEST(Steps, HaltedSessionsPackButDoNotUnpackNorZero) {
  CopyStep steps[3] = {};
  const StepKind kinds[] = {StepKind::Pack, StepKind::Unpack, StepKind::Zero};
  uint32_t halt = kRunning;
  StepTables tables;
  tables.copies = steps;
  tables.halt = &halt;
  for (int32_t i = 0; i < 3; ++i) {
    steps[i].kind = kinds[i];
    const Tile tile = {0, i, 1};
    EXPECT_FALSE(isHalted(tables, tile));
    halt = kWriteNoTarget;
    EXPECT_EQ(isHalted(tables, tile), i > 0);
    halt = kTouchNothing;
    EXPECT_TRUE(isHalted(tables, tile));
    halt = kRunning;
  }
}

} // namespace
