//===- Buffers.cpp - Bytes that chunks and buckets need -------------------===//
#include "xfer/Transforms/Buffers.h"
#include "llvm/ADT/STLExtras.h"

namespace xfer {

int64_t bufferBytesPerElement(const Tensor &tensor, const Endpoints &ends) {
  int64_t wire = byteWidth(tensor.dtype);
  if (!ends.isReduce())
    return wire;
  return wire + ends.groupSize * byteWidth(tensor.source->dtype);
}

static bool usesTensorMemory(const Module &module, const Program &program, const Bucket &bucket,
                             bool source) {
  if (bucket.numChunks != 1 || bucket.ends.isReduce())
    return false;
  const ProgramChunk &chunk = program.chunks[bucket.firstChunk];
  StridedRegionId region = source ? chunk.source : chunk.target;
  if (!module.stridedRegion(region).isContiguous())
    return false;
  const Tensor &tensor = module.tensors[chunk.tensor];
  if (source)
    return tensor.source->dtype == tensor.dtype;
  return targetSide(module, tensor, program.rank)->dtype == tensor.dtype;
}

static int64_t contributionBytes(const Module &module, const Program &program,
                                 const Bucket &bucket) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < bucket.numChunks; ++i) {
    const ProgramChunk &chunk = program.chunks[bucket.firstChunk + i];
    bytes += module.region(chunk.region).numElements() *
             byteWidth(module.tensors[chunk.tensor].source->dtype);
  }
  return bytes;
}

int64_t stagedBytes(const Module &module, const Program &program, const Bucket &bucket) {
  int64_t bytes = 0;
  bool isSender = bucket.ends.sender == program.rank;
  if (bucket.ends.isReduce() && bucket.roles.source)
    bytes += contributionBytes(module, program, bucket) * (isSender ? bucket.ends.groupSize : 1);
  if (bucket.ends.isReduce() && isSender)
    return bytes + bucket.bytes;
  if (!bucket.ends.isReduce() && bucket.roles.source &&
      !usesTensorMemory(module, program, bucket, /*source=*/true))
    bytes += bucket.bytes;
  if (!isSender && bucket.roles.target &&
      !usesTensorMemory(module, program, bucket, /*source=*/false))
    bytes += bucket.bytes;
  return bytes;
}

int64_t numOperations(const Module &module, const Program &program, const Bucket &bucket) {
  if (bucket.transport == Transport::None)
    return 1;
  bool isSender = bucket.ends.sender == program.rank;
  int64_t gathered = bucket.ends.isReduce() && bucket.roles.source
                         ? (isSender ? bucket.ends.groupSize - 1 : 1)
                         : 0;
  if (bucket.transport == Transport::Local)
    return gathered;
  if (bucket.transport == Transport::Broadcast || !isSender)
    return gathered + 1;
  return gathered + static_cast<int64_t>(module.rankList(bucket.ends.destinations).size());
}

const Side *targetSide(const Module &module, const Tensor &tensor, int64_t rank) {
  for (const Side &side : tensor.targets)
    if (tensor.targets.size() == 1 ||
        llvm::is_contained(module.meshes[module.layout(side.layout).mesh].ranks, rank))
      return &side;
  return nullptr;
}

} // namespace xfer
