//===- SplitRules.cpp - The arithmetic of one cut -------------------------===//
#include "xfer/IR/SplitRules.h"
#include <algorithm>
#include <limits>

using llvm::SmallVectorImpl;

namespace xfer {

/// min(a * b, limit) without overflow.
static int64_t boundedProduct(int64_t a, int64_t b, int64_t limit) {
  __int128 product = static_cast<__int128>(a) * b;
  return product < limit ? static_cast<int64_t>(product) : limit;
}

static int64_t ceilDivide(int64_t n, int64_t k) { return n / k + (n % k != 0); }

/// Piece c of torch.chunk(n, k).
static Interval chunkPiece(int64_t n, int64_t k, int64_t c) {
  int64_t piece = ceilDivide(n, k);
  return {boundedProduct(c, piece, n), boundedProduct(c + 1, piece, n)};
}

static void append(Interval interval, SmallVectorImpl<Interval> &out, size_t first) {
  if (interval.begin == interval.end)
    return;
  if (out.size() > first && out.back().end == interval.begin)
    out.back().end = interval.end;
  else
    out.push_back(interval);
}

/// The cut of a strided split: `full` pieces of size `piece`, then one of size `rest`.
namespace {
struct StridedPieces {
  int64_t piece = 0, full = 0, rest = 0;
  StridedPieces(int64_t extent, int64_t factor) {
    if (extent == 0)
      return;
    piece = ceilDivide(extent, factor);
    full = extent / piece;
    rest = extent % piece;
  }
};
} // namespace

static Interval contiguousPiece(const Split &split, int64_t extent, int64_t coordinate) {
  int64_t pieces = split.numPieces();
  switch (split.rule) {
  case SplitRule::Balanced: {
    int64_t base = extent / pieces, larger = extent % pieces;
    int64_t begin = coordinate * base + std::min(coordinate, larger);
    return {begin, begin + base + (coordinate < larger)};
  }
  case SplitRule::Sizes: {
    int64_t begin = 0;
    for (int64_t i = 0; i < coordinate; ++i)
      begin += split.sizes[i];
    return {begin, begin + split.sizes[coordinate]};
  }
  default:
    return chunkPiece(extent, pieces, coordinate);
  }
}

void appendPiece(const Split &split, int64_t extent, int64_t coordinate,
                 SmallVectorImpl<Interval> &out) {
  size_t first = out.size();
  int64_t pieces = split.numPieces();
  if (split.rule == SplitRule::Strided) {
    StridedPieces strided(extent, split.factor);
    Interval part = chunkPiece(strided.piece, pieces, coordinate);
    int64_t base = 0;
    for (int64_t i = 0; part.size() && i < strided.full; ++i, base += strided.piece)
      append({base + part.begin, base + part.end}, out, first);
    base = strided.full * strided.piece;
    part = chunkPiece(strided.rest, pieces, coordinate);
    append({base + part.begin, base + part.end}, out, first);
    return;
  }
  if (split.rule == SplitRule::Cyclic) {
    int64_t begin = boundedProduct(coordinate, split.factor, extent);
    int64_t period = boundedProduct(pieces, split.factor, extent);
    while (begin < extent) {
      int64_t left = extent - begin;
      append({begin, begin + std::min(split.factor, left)}, out, first);
      begin = period < left ? begin + period : extent;
    }
    return;
  }
  append(contiguousPiece(split, extent, coordinate), out, first);
}

int64_t pieceSize(const Split &split, int64_t extent, int64_t coordinate) {
  int64_t pieces = split.numPieces();
  if (split.rule == SplitRule::Strided) {
    StridedPieces strided(extent, split.factor);
    return strided.full * chunkPiece(strided.piece, pieces, coordinate).size() +
           chunkPiece(strided.rest, pieces, coordinate).size();
  }
  if (split.rule == SplitRule::Cyclic) {
    int64_t period = boundedProduct(pieces, split.factor, extent);
    if (period == 0)
      return 0;
    int64_t rest = extent % period;
    int64_t begin = std::min(boundedProduct(coordinate, split.factor, rest), rest);
    return extent / period *
               std::min(split.factor,
                        period -
                            std::min(period, boundedProduct(coordinate, split.factor, period))) +
           std::min(split.factor, rest - begin);
  }
  return contiguousPiece(split, extent, coordinate).size();
}

bool holdsFor(const Split &split, int64_t extent) {
  if (split.rule == SplitRule::Exact)
    return extent % split.numPieces() == 0;
  if (split.rule != SplitRule::Sizes)
    return true;
  int64_t rest = extent;
  for (int64_t size : split.sizes) {
    if (size > rest)
      return false;
    rest -= size;
  }
  return rest == 0;
}

int64_t maxIntervals(const DimLayout &dim, int64_t extent) {
  constexpr int64_t limit = std::numeric_limits<int64_t>::max();
  int64_t total = 1, coordinates = 1;
  for (const Split &split : dim) {
    int64_t cuts = split.numPieces();
    if (split.rule == SplitRule::Strided)
      cuts = boundedProduct(cuts, split.factor, extent);
    else if (split.rule == SplitRule::Cyclic)
      cuts = ceilDivide(extent, split.factor);
    cuts = boundedProduct(cuts, coordinates, limit - total);
    total += std::min(cuts, limit - total);
    coordinates = boundedProduct(coordinates, split.numPieces(), limit);
  }
  return total;
}

} // namespace xfer
