//===- TilingTest.cpp - checkTiling against counting -----------------------===//
#include "xfer/IR/Tiling.h"
#include <gtest/gtest.h>
#include <random>

namespace xfer {
namespace {

/// How often each element is covered, row-major.
std::vector<int> countCovers(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Tile> tiles) {
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  std::vector<int> counts(elements);
  for (int64_t e = 0; e < elements; ++e)
    for (const Tile &tile : tiles) {
      int64_t rest = e;
      bool inside = true;
      for (size_t d = shape.size(); d-- > 0;) {
        int64_t at = rest % shape[d];
        rest /= shape[d];
        bool hit = false;
        for (const TileSpan &span : tile[d]) {
          int64_t index = at - span.begin, step = std::max<int64_t>(span.stride, 1);
          for (int64_t i = 0; i < span.count; ++i)
            hit |= index >= i * step && index < i * step + span.run;
        }
        inside &= hit;
      }
      counts[e] += inside;
    }
  return counts;
}

TEST(Tiling, AgreesWithCountingOnRandomTiles) {
  std::mt19937 random(1);
  int covered = 0;
  for (int round = 0; round < 3000; ++round) {
    llvm::SmallVector<int64_t, 3> shape;
    for (unsigned d = 0, dims = random() % 3 + 1; d < dims; ++d)
      shape.push_back(random() % 4 + 1);
    // Mostly grids, which tile, then perhaps damaged.
    std::vector<Tile> tiles(1);
    for (int64_t extent : shape) {
      std::vector<Tile> next;
      int64_t cut = random() % (extent + 1);
      for (const Tile &tile : tiles)
        for (TileSpan span : {TileSpan{0, cut, cut, 1}, TileSpan{cut, extent - cut, 0, 1}})
          if (span.run > 0) {
            next.push_back(tile);
            next.back().push_back({span});
          }
      tiles = next;
    }
    if (random() % 3 == 0 && !tiles.empty())
      tiles[random() % tiles.size()][0][0].begin = random() % shape[0];
    for (Tile &tile : tiles) // stay inside the grid
      tile[0][0].run = std::min(tile[0][0].run, shape[0] - tile[0][0].begin);
    std::vector<int> counts = countCovers(shape, tiles);
    bool once = llvm::all_of(counts, [](int c) { return c == 1; });
    std::optional<TilingFault> fault = checkTiling(shape, tiles);
    ASSERT_EQ(once, !fault.has_value()) << "round " << round;
    covered += once;
    if (!fault)
      continue;
    int64_t element = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      element = element * shape[d] + fault->index[d];
    EXPECT_EQ(counts[element] == 0, fault->tiles.empty());
    EXPECT_NE(counts[element], 1);
  }
  EXPECT_GT(covered, 500);
}

TEST(Tiling, InterleavedRunsCoverOnce) {
  Tile even{{{0, 1, 2, 4}}}, odd{{{1, 1, 2, 4}}};
  EXPECT_FALSE(checkTiling({8}, {even, odd}));
  EXPECT_TRUE(checkTiling({8}, {even, even}));
}

TEST(Tiling, ScalarNeedsOneTile) {
  EXPECT_FALSE(checkTiling({}, {Tile{}}));
  EXPECT_TRUE(checkTiling({}, {}));
  EXPECT_TRUE(checkTiling({}, {Tile{}, Tile{}}));
}

} // namespace
} // namespace xfer
