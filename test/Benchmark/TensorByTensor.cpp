//===- TensorByTensor.cpp - A transfer as it is written by hand -----------===//
#include "TensorByTensor.h"
#include <map>

namespace xfer::test {

using namespace xfer::runtime;

TensorByTensor::TensorByTensor(Job &job) : gloo(job.plan->ranks), ranks(job.plan->ranks.size()) {
  for (size_t i = 0; i < ranks.size(); ++i)
    makePieces(job, i);
}

void TensorByTensor::makePieces(Job &job, size_t position) {
  const xfer_plan &plan = *job.plan;
  const Program &program = plan.programs[position];
  struct Key { // both ends of a pair send and receive in this order
    int32_t tensor;
    int64_t sender;
    int32_t destinations;
    auto operator<=>(const Key &) const = default;
  };
  std::map<Key, Piece> pieces;
  for (const BucketStep &bucket : program.buckets)
    for (const ChunkStep &chunk : program.chunksOf(bucket)) {
      Piece &piece = pieces[{chunk.tensor, bucket.sender, bucket.destinations}];
      auto addEnd = [&](std::vector<End> &ends, int32_t binding, int32_t nest) {
        const BindingSpec &spec = program.binding(binding);
        ends.push_back({static_cast<std::byte *>(job.dataOf(program.rank, *spec.name, spec.side)),
                        &plan.nests[static_cast<size_t>(nest)], spec.dtype, chunk.wireDType});
        return ends.back().wireBytes();
      };
      if (piece.bytes == 0 && bucket.sender != program.rank)
        piece.transfers.push_back({gloo.positionOf(bucket.sender), {}, 0, false, {}});
      for (int64_t other : plan.destinationsOf(bucket).ranks)
        if (piece.bytes == 0 && bucket.sender == program.rank && other != program.rank)
          piece.transfers.push_back({gloo.positionOf(other), {}, 0, true, {}});
      int64_t bytes = 0;
      if (bucket.isSource)
        bytes = addEnd(piece.sources, chunk.sourceBinding, chunk.sourceNest);
      if (bucket.isTarget)
        bytes = addEnd(piece.targets, chunk.targetBinding, chunk.targetNest);
      piece.bytes += bytes;
    }

  // Chunks that lie one after the other in the tensor need no packing.
  int64_t total = 0;
  for (auto &[key, piece] : pieces) {
    const std::vector<End> &ends = piece.sources.empty() ? piece.targets : piece.sources;
    bool liesInTensor = !piece.transfers.empty();
    const std::byte *next = ends[0].begin();
    for (const End &end : ends) {
      liesInTensor &= end.stored == end.wire && end.nest->isContiguous() && end.begin() == next;
      next += end.wireBytes();
    }
    piece.packed = liesInTensor ? ends[0].begin() : nullptr;
    total += liesInTensor ? 0 : piece.bytes;
  }
  ranks[position].memory.resize(static_cast<size_t>(total));
  std::byte *memory = ranks[position].memory.data();
  for (auto &[key, piece] : pieces) {
    if (!piece.packed) {
      piece.packed = memory;
      memory += piece.bytes;
    }
    for (Transfer &transfer : piece.transfers) {
      transfer.memory = piece.packed;
      transfer.bytes = static_cast<size_t>(piece.bytes);
      transfer.buffer = gloo.makeBuffer(position);
    }
    ranks[position].pieces.push_back(std::move(piece));
  }
}

void TensorByTensor::runRank(Rank &rank) {
  for (Piece &piece : rank.pieces)
    for (Transfer &transfer : piece.transfers)
      if (!transfer.isSend)
        transfer.post();
  for (Piece &piece : rank.pieces) {
    std::byte *packed = piece.packed;
    if (!piece.sources.empty() && piece.isPacked(piece.sources))
      for (const End &end : piece.sources) {
        packNest(ElementCopy::make(end.stored, end.wire), *end.nest, end.tensor, packed);
        packed += end.wireBytes();
      }
    for (Transfer &transfer : piece.transfers)
      if (transfer.isSend)
        transfer.post();
  }
  for (Piece &piece : rank.pieces) {
    for (Transfer &transfer : piece.transfers)
      transfer.wait();
    const std::byte *packed = piece.packed;
    if (!piece.targets.empty() && piece.isPacked(piece.targets))
      for (const End &end : piece.targets) {
        unpackNest(ElementCopy::make(end.wire, end.stored), *end.nest, packed, end.tensor);
        packed += end.wireBytes();
      }
  }
}

void TensorByTensor::run() {
  GlooRanks::onThreads(ranks, [](Rank &rank) { runRank(rank); });
}

} // namespace xfer::test
