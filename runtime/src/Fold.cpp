//===- Fold.cpp - Reduces contributions -----------------------------------===//
#include "Fold.h"

namespace xfer::runtime {

static constexpr int64_t kBlockBytes = 4096;

void foldBucket(const Program &program, const BucketStep &bucket,
                std::span<const Received> contributions, std::byte *wire) {
  alignas(64) std::byte total[kBlockBytes];
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const BindingSpec &source = program.binding(chunk.sourceBinding);
    const FoldFunction foldInto = foldFunction(source.reduce, source.dtype);
    const CopyFunction cast = copyFunction(source.dtype, chunk.wireDType);
    const int64_t width = byteWidth(source.dtype);
    const int64_t blockElements = kBlockBytes / width;
    for (int64_t first = 0; first < chunk.numElements; first += blockElements) {
      const int64_t count = std::min(blockElements, chunk.numElements - first);
      const int64_t offset = chunk.contributionOffset + first * width;
      std::copy_n(contributions[0].data + offset, count * width, total);
      for (const Received &contribution : contributions.subspan(1))
        foldInto(total, contribution.data + offset, count);
      if (source.reduce == ReduceOp::Avg)
        divideElements(source.dtype, total, static_cast<int64_t>(contributions.size()), count);
      cast(total, 1, wire + chunk.offset + first * byteWidth(chunk.wireDType), 1, count);
    }
  }
}

} // namespace xfer::runtime
