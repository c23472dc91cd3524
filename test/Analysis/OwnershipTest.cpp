//===- OwnershipTest.cpp - Published layouts, to the element ---------------===//
//
// Expected lists are those of PyTorch's documentation and tests, and of the
// split rules' definitions; rows are ranks in mesh order.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Ownership.h"
#include "ParseForTest.h"

namespace xfer {
namespace {

using Intervals = std::vector<Interval>;

/// What each rank of a mesh owns of dimension 0 of an i8 tensor.
std::vector<Intervals> owned(const std::string &axes, int64_t extent, const std::string &layout) {
  ParsedModule parsed("mesh @m = [" + axes + "]\ntensor @t : i8[" + std::to_string(extent) +
                      "]\nsource @t on @m " + layout + "\n");
  const Tensor &tensor = parsed->tensors[0];
  OwnershipCache cache(*parsed);
  const Ownership &ownership = cache[cache.id(tensor, *tensor.source)];
  std::vector<Intervals> result;
  for (int64_t position = 0; position < parsed->meshes[0].size(); ++position) {
    Intervals &intervals = result.emplace_back();
    int64_t local = 0;
    for (const Piece &piece : ownership.dims()[0].cellPieces(ownership.cellOfPosition(position))) {
      intervals.push_back({piece.begin, piece.end});
      EXPECT_EQ(piece.local, local);
      local += piece.end - piece.begin;
    }
  }
  return result;
}

TEST(Ownership, ChunkLeavesTheLastShortOrEmpty) {
  std::vector<Intervals> expected{{{0, 3}}, {{3, 6}}, {{6, 9}}, {{9, 10}}};
  EXPECT_EQ(owned("x=4", 10, "split [{x}]"), expected);
  expected = {{{0, 2}}, {{2, 4}}, {{4, 6}}, {}};
  EXPECT_EQ(owned("x=4", 6, "split [{x}]"), expected);
}

TEST(Ownership, NestedDiffersFromTheProductWhenUneven) {
  std::vector<Intervals> nested{{{0, 3}}, {{3, 5}}, {{5, 8}}, {{8, 10}}};
  std::vector<Intervals> product{{{0, 3}}, {{3, 6}}, {{6, 9}}, {{9, 10}}};
  EXPECT_EQ(owned("a=2, b=2", 10, "split [{a, b}]"), nested);
  EXPECT_EQ(owned("a=2, b=2", 10, "split [{a*b}]"), product);
}

TEST(Ownership, StridedShardOfPyTorchsDocumentation) {
  std::vector<Intervals> expected{{{0, 2}}, {{4, 6}}, {{2, 4}}, {{6, 8}}};
  EXPECT_EQ(owned("a=2, b=2", 8, "placements [strided_shard(0, 2), shard(0)]"), expected);
  expected = {{{0, 2}, {5, 6}}, {{2, 4}, {6, 7}}, {{4, 5}, {7, 8}}, {{8, 9}}};
  EXPECT_EQ(owned("x=4", 9, "split [{strided(x, 2)}]"), expected);
}

TEST(Ownership, RealOrderOfFsdpOverTensorParallel) {
  // Tensor parallelism cuts first; the last data-parallel rank holds row 8 of the second half.
  std::vector<Intervals> expected{{{0, 2}}, {{5, 6}}, {{2, 4}}, {{6, 7}},
                                  {{4, 5}}, {{7, 8}}, {},       {{8, 9}}};
  EXPECT_EQ(owned("dp=4, tp=2", 9, "split [{tp, dp}]"), expected);
}

TEST(Ownership, BalancedAndCyclic) {
  std::vector<Intervals> expected{{{0, 3}}, {{3, 6}}, {{6, 8}}, {{8, 10}}};
  EXPECT_EQ(owned("x=4", 10, "split [{balanced(x)}]"), expected);
  expected = {
      {{0, 1}, {4, 5}, {8, 9}}, {{1, 2}, {5, 6}, {9, 10}}, {{2, 3}, {6, 7}}, {{3, 4}, {7, 8}}};
  EXPECT_EQ(owned("x=4", 10, "split [{cyclic(x, 1)}]"), expected);
}

TEST(Ownership, SubAxesChooseWhichPartReplicates) {
  std::vector<Intervals> major{{{0, 4}}, {{0, 4}}, {{4, 8}}, {{4, 8}}};
  std::vector<Intervals> minor{{{0, 4}}, {{4, 8}}, {{0, 4}}, {{4, 8}}};
  EXPECT_EQ(owned("tp=4", 8, "split [{tp:(1)2}]"), major);
  EXPECT_EQ(owned("tp=4", 8, "split [{tp:(2)2}]"), minor);
}

TEST(Ownership, HoldersAreInMeshOrder) {
  ParsedModule parsed("mesh @m = [a=2, b=2, c=2] ranks [7, 6, 5, 4, 3, 2, 1, 0]\n"
                      "tensor @t : f32[4]\nsource @t on @m split [{b}] partial<sum>{a}\n");
  const Tensor &tensor = parsed->tensors[0];
  OwnershipCache cache(*parsed);
  const Ownership &ownership = cache[cache.id(tensor, *tensor.source)];
  llvm::SmallVector<int64_t, 8> holders;
  ownership.appendHolders(1, holders);
  // Groups over c, contributors over a.
  EXPECT_EQ(holders, (llvm::SmallVector<int64_t, 8>{5, 1, 4, 0}));
  EXPECT_EQ(ownership.groupSize(), 2);
}

TEST(Ownership, LocalizeRefusesWhatTheCellDoesNotHold) {
  ParsedModule parsed("mesh @m = [x=2]\ntensor @t : f32[8, 3]\nsource @t on @m split [{x}, {}]\n");
  const Tensor &tensor = parsed->tensors[0];
  OwnershipCache cache(*parsed);
  const Ownership &ownership = cache[cache.id(tensor, *tensor.source)];
  Region region;
  region.dims = {{Segment::interval(4, 6)}, {Segment::interval(1, 2)}};
  EXPECT_FALSE(ownership.localize(0, region));
  std::optional<StridedRegion> local = ownership.localize(1, region);
  ASSERT_TRUE(local);
  EXPECT_EQ(local->offset, 1);
  EXPECT_EQ(local->sizes, (llvm::SmallVector<int64_t, 3>{2}));
  EXPECT_EQ(local->strides, (llvm::SmallVector<int64_t, 3>{3}));
  region.dims[0] = {Segment::interval(3, 5)}; // across the cut
  EXPECT_FALSE(ownership.localize(0, region));
}

} // namespace
} // namespace xfer
