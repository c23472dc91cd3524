//===- Buffers.cpp - What buckets take, and their order -------------------===//
#include "xfer/Analysis/Buffers.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <compare>
#include <limits>

namespace xfer {

int64_t addSaturating(int64_t left, int64_t right) {
  int64_t sum;
  return __builtin_add_overflow(left, right, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t multiplySaturating(int64_t left, int64_t right) {
  int64_t product;
  return __builtin_mul_overflow(left, right, &product) ? std::numeric_limits<int64_t>::max()
                                                       : product;
}

int64_t bufferBytesPerElement(const Tensor &tensor, const Endpoints &ends) {
  int64_t wire = byteWidth(tensor.dtype);
  if (!ends.isReduce())
    return wire;
  return wire + ends.groupSize * byteWidth(tensor.source->dtype);
}

/// True if the bucket's buffer is a stretch of the rank's own tensor, as the runtime will find too.
static bool usesTensorMemory(const Module &module, const Program &program, const Bucket &bucket,
                             bool source) {
  if (bucket.numChunks != 1 || bucket.ends.isReduce())
    return false;
  const ProgramChunk &chunk = program.chunks[bucket.firstChunk];
  StridedRegionId region = source ? chunk.source : chunk.target;
  const Tensor &tensor = module.tensors[chunk.tensor];
  int64_t bytes = module.region(chunk.region).numElements() * byteWidth(tensor.dtype);
  if (chunk.offset != 0 || bytes != bucket.bytes || !module.stridedRegion(region).isContiguous())
    return false;
  if (source)
    return tensor.source->dtype == tensor.dtype;
  return tensor.targets[chunk.targetIndex].dtype == tensor.dtype;
}

/// Bytes of one contribution, in the sources' element types.
static int64_t contributionBytes(const Module &module, const Program &program,
                                 const Bucket &bucket) {
  int64_t bytes = 0;
  for (const ProgramChunk &chunk : program.chunksOf(bucket))
    bytes = addSaturating(
        bytes, multiplySaturating(module.region(chunk.region).numElements(),
                                  byteWidth(module.tensors[chunk.tensor].source->dtype)));
  return bytes;
}

int64_t stagedBytes(const Module &module, const Program &program, const Bucket &bucket) {
  bool isSender = bucket.ends.sender == program.rank;
  int64_t bytes = 0;
  if (bucket.ends.isReduce() && bucket.roles.source) {
    bytes = contributionBytes(module, program, bucket);
    if (isSender)
      return addSaturating(multiplySaturating(bytes, bucket.ends.groupSize), bucket.bytes);
  }
  if (!bucket.ends.isReduce() && bucket.roles.source &&
      !usesTensorMemory(module, program, bucket, /*source=*/true))
    bytes = addSaturating(bytes, bucket.bytes);
  if (!isSender && bucket.roles.target &&
      !usesTensorMemory(module, program, bucket, /*source=*/false))
    bytes = addSaturating(bytes, bucket.bytes);
  return bytes;
}

bool comesBefore(const Module &module, const Bucket &left, const Bucket &right) {
  if (left.ends.sender != right.ends.sender)
    return left.ends.sender < right.ends.sender;
  auto order = [&](RankListId l, RankListId r) {
    llvm::ArrayRef<int64_t> a = module.rankList(l), b = module.rankList(r);
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  };
  auto destinations = order(left.ends.destinations, right.ends.destinations);
  return destinations < 0 ||
         (destinations == 0 && order(left.ends.sources, right.ends.sources) < 0);
}

} // namespace xfer
