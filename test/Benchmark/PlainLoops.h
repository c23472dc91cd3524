//===- PlainLoops.h - What anybody must copy and cast -----------*- C++ -*-===//
//
// The copies of a plan without reductions, by memcpy and a convert loop on all
// processors; and the comparison of every target element with its source.
//===----------------------------------------------------------------------===//
#pragma once
#include "../Runtime/Job.h"
#include "Plan.h"

namespace xfer::test {

/// One chunk from one rank's memory to another's.
struct Move {
  const std::byte *from; ///< the tensor
  std::byte *to;
  const runtime::LoopNest *source, *target;
  xfer_dtype_t fromType, toType;
};

/// Every chunk of a plan.
std::vector<Move> movesOf(Job &job);
/// Whether every target element is what its source says.
bool areRight(const std::vector<Move> &moves);

class PlainLoops {
public:
  /// All of a plan's chunks, each once, between the tensors.
  static PlainLoops ofMoves(const std::vector<Move> &moves);
  /// What a replay whose messages cross the wire packs, unpacks and copies beside it.
  static PlainLoops besideWire(Job &job);
  void run() const;

private:
  /// Elements from dense memory to dense memory. Where a chunk is strided it reaches at least as
  /// far.
  struct Loop {
    const std::byte *from;
    std::byte *to;
    int64_t count;
    xfer_dtype_t fromType, toType;
  };
  std::vector<Loop> loops;
  std::vector<std::byte> staging;
};

} // namespace xfer::test
