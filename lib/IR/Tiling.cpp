//===- Tiling.cpp - Do boxes cover a grid exactly once --------------------===//
//
// Between two neighbouring borders of dimension 0 the same tiles are active at
// every index; they must tile the remaining dimensions. Equal sets of active
// tiles are answered once.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Tiling.h"
#include "xfer/IR/Interner.h"
#include <algorithm>
#include <set>

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfer {
namespace {

class Sweep {
public:
  Sweep(ArrayRef<int64_t> shape, ArrayRef<Tile> tiles, Holes holes)
      : shape(shape), tiles(tiles), holes(holes) {}

  std::optional<TilingFault> check(ArrayRef<int64_t> active, size_t dim) {
    if (dim == shape.size()) {
      if (active.size() == 1 || (active.empty() && holes == Holes::Allowed))
        return std::nullopt;
      TilingFault fault;
      fault.index.assign(shape.size(), 0);
      for (int64_t tile : active.take_front(2))
        fault.tiles.push_back(static_cast<size_t>(tile));
      return fault;
    }
    std::vector<Border> borders;
    for (int64_t tile : active)
      for (const TileSpan &span : tiles[tile][dim])
        for (int64_t i = 0; i < span.count; ++i) {
          borders.push_back({span.begin + i * span.stride, tile, true});
          borders.push_back({span.begin + i * span.stride + span.run, tile, false});
        }
    llvm::sort(borders, [](const Border &l, const Border &r) { return l.at < r.at; });
    return walk(borders, dim);
  }

private:
  struct Border {
    int64_t at, tile;
    bool begins;
  };

  std::optional<TilingFault> walk(ArrayRef<Border> borders, size_t dim) {
    std::set<int64_t> open;
    SequenceInterner answered;
    SmallVector<int64_t, 8> active;
    int64_t at = 0;
    for (size_t i = 0; at < shape[dim];) {
      // Borders at one index: ends first, since a run may follow its own predecessor.
      size_t last = i;
      while (last < borders.size() && borders[last].at == at)
        ++last;
      for (size_t j = i; j < last; ++j)
        if (!borders[j].begins)
          open.erase(borders[j].tile);
      for (size_t j = i; j < last; ++j)
        if (borders[j].begins)
          open.insert(borders[j].tile);
      active.assign(open.begin(), open.end());
      int32_t known = answered.size();
      if (answered.intern(active) == known && !(active.empty() && holes == Holes::Allowed))
        if (std::optional<TilingFault> fault = check(active, dim + 1)) {
          fault->index[dim] = at;
          return fault;
        }
      i = last;
      at = i < borders.size() ? borders[i].at : shape[dim];
    }
    return std::nullopt;
  }

  ArrayRef<int64_t> shape;
  ArrayRef<Tile> tiles;
  Holes holes;
};

} // namespace

std::optional<TilingFault> checkTiling(ArrayRef<int64_t> shape, ArrayRef<Tile> tiles,
                                       Holes holes) {
  if (llvm::is_contained(shape, 0))
    return std::nullopt;
  std::vector<int64_t> all(tiles.size());
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<int64_t>(i);
  return Sweep(shape, tiles, holes).check(all, 0);
}

} // namespace xfer
