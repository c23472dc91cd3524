//===- TensorByTensor.h - A transfer as it is written by hand ---*- C++ -*-===//
//
// One message over Gloo per tensor, sender and receiver. All receives are posted
// first; then each rank packs a tensor, sends it and goes on to the next, with as
// much memory as that takes, and unpacks what has come. A tensor that lies in
// memory as it crosses is neither packed nor unpacked.
//===----------------------------------------------------------------------===//
#pragma once
#include "../Runtime/Job.h"
#include "RawGloo.h"

namespace xfer::test {

class TensorByTensor {
public:
  explicit TensorByTensor(Job &job);
  void run();

private:
  /// One end of a chunk.
  struct End {
    std::byte *tensor;
    const runtime::LoopNest *nest;
    xfer_dtype_t stored, wire;
    int64_t wireBytes() const { return nest->numElements * runtime::byteWidth(wire); }
    std::byte *begin() const { return tensor + nest->offset * runtime::byteWidth(stored); }
  };
  /// What one rank has of a tensor for the same others. Both ends have the same chunks.
  struct Piece {
    std::vector<End> sources, targets; ///< both of a local copy
    std::vector<Transfer> transfers;   ///< none of a local copy
    int64_t bytes = 0;
    std::byte *packed = nullptr;

    bool isPacked(const std::vector<End> &ends) const { return packed != ends[0].begin(); }
  };
  struct Rank {
    std::vector<Piece> pieces;
    std::vector<std::byte> memory;
  };
  void makePieces(Job &job, size_t position);
  static void runRank(Rank &rank);

  GlooRanks gloo;
  std::vector<Rank> ranks;
};

} // namespace xfer::test
