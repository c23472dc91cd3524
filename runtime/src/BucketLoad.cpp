//===- BucketLoad.cpp - Reads and checks the buckets of a program ---------===//
//===----------------------------------------------------------------------===//
#include "PlanReader.h"

namespace xfer::runtime {

/// So that a wire buffer and a contribution can be added.
static constexpr int64_t kMaxBucketBytes = int64_t{1} << 62;

/// Verifies:
/// - the rank's part agrees with the bucket's ends (readEnds);
/// - chunks begin where the last bucket's ended, and there is one;
/// - chunks lie in the wire buffer, ascending, without overlap, aligned to their elements;
/// - contributions lie aligned in theirs;
/// - what they are of the logical tensors is known (readContent).
Status PlanReader::readBucket(const fb::Bucket &from, const fb::Program &program,
                              BucketStep &bucket, Program &to) {
  if (Status status = readEnds(from, to, bucket); !status.isOk())
    return status;
  const size_t first = to.chunks.size();
  if (from.first_chunk() != first || from.num_chunks() < 1 ||
      from.num_chunks() > sizeOf(program.chunks()) - first)
    return invalidPlan("has chunks ", from.first_chunk(), " + ", from.num_chunks(),
                       ", expected to begin at ", first, " of ", sizeOf(program.chunks()));
  bucket.firstChunk = static_cast<int32_t>(first);
  bucket.numChunks = static_cast<int32_t>(from.num_chunks());

  int64_t wireEnd = 0;
  for (size_t i = 0; i < from.num_chunks(); ++i) {
    const fb::Chunk &fromChunk =
        *program.chunks()->Get(static_cast<flatbuffers::uoffset_t>(first + i));
    const std::string *tensor =
        fromChunk.tensor() < plan.tensors.size() ? &plan.tensors[fromChunk.tensor()].name : nullptr;
    auto wrong = [&](const auto &...text) {
      return invalidPlan("chunk ", i, tensor ? " of tensor '" + *tensor + "'" : "", text...);
    };
    ChunkStep chunk;
    if (Status status = readChunk(fromChunk, bucket, to, chunk); !status.isOk())
      return wrong(": ", status.text());
    int64_t bytes;
    if (chunk.offset < wireEnd || chunk.offset % byteWidth(chunk.wireDType) != 0)
      return wrong(" lies at byte ", chunk.offset, ", expected a multiple of ",
                   byteWidth(chunk.wireDType), " from ", wireEnd, " on");
    if (!multiplyChecked(chunk.numElements, byteWidth(chunk.wireDType), bytes) ||
        !addChecked(chunk.offset, bytes, wireEnd) || wireEnd > bucket.bytes)
      return wrong(" of ", chunk.numElements, " elements at byte ", chunk.offset,
                   " exceeds the bucket's ", bucket.bytes, " bytes");
    if (bucket.isReduce && bucket.isSource) {
      const BindingSpec &source = to.binding(chunk.sourceBinding);
      chunk.contributionOffset = bucket.contributionBytes;
      if (chunk.contributionOffset % byteWidth(source.dtype) != 0)
        return wrong(" contributes at byte ", chunk.contributionOffset, ", expected a multiple of ",
                     byteWidth(source.dtype));
      if (!multiplyChecked(chunk.numElements, byteWidth(source.dtype), bytes) ||
          !addChecked(bucket.contributionBytes, bytes, bucket.contributionBytes) ||
          bucket.contributionBytes > kMaxBucketBytes)
        return invalidPlan("contribution exceeds 2^62 bytes");
    }
    to.chunks.push_back(chunk);
  }

  if (Status status = readContent(program, to, bucket); !status.isOk())
    return status;
  const ChunkStep &chunk = to.chunks[first];
  if (bucket.isSource && bucket.numChunks == 1 && chunk.offset == 0) {
    const xfer_dtype_t stored = to.binding(chunk.sourceBinding).dtype;
    bucket.packsInPlace = plan.nests[static_cast<size_t>(chunk.sourceNest)].isPackedIn(
        stored, bucket.isReduce ? stored : chunk.wireDType,
        bucket.isReduce ? bucket.contributionBytes : bucket.bytes);
  }
  if (bucket.isTarget && bucket.sender != to.rank && bucket.numChunks == 1 && chunk.offset == 0) {
    bucket.unpacksInPlace = plan.nests[static_cast<size_t>(chunk.targetNest)].isPackedIn(
        to.binding(chunk.targetBinding).dtype, chunk.wireDType, bucket.bytes);
  }
  return {};
}

/// Hashes what the bucket's chunks are, which both ends of a message must say alike: bytes that fit
/// in number may be other elements. A plan that was not compiled may say nothing of it.
Status PlanReader::readContent(const fb::Program &from, const Program &program,
                               BucketStep &bucket) const {
  if (sizeOf(from.logical()) == 0)
    return {};
  std::vector<uint64_t> content;
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const auto number = static_cast<flatbuffers::uoffset_t>(&chunk - program.chunks.data());
    const fb::LogicalChunk &logical = *from.logical()->Get(number);
    if (logical.region() >= logicalHashes.size())
      return invalidPlan("chunk ", number, " is logical region ", logical.region(), " of ",
                         logicalHashes.size());
    content.insert(content.end(),
                   {static_cast<uint64_t>(chunk.tensor), logical.target(),
                    logicalHashes[logical.region()], static_cast<uint64_t>(chunk.offset)});
  }
  bucket.content = XXH3_64bits(content.data(), content.size() * sizeof(uint64_t));
  return {};
}

/// Verifies:
/// - rank lists and transport are known, ordinal and bytes are not negative;
/// - the sender is the only contributor, or one of several;
/// - the rank takes part, with the transport that its part asks for;
/// - local moves stay on the sender, wire moves leave it.
Status PlanReader::readEnds(const fb::Bucket &from, const Program &program, BucketStep &bucket) {
  if (from.contributors() >= plan.rankLists.size() || from.destinations() >= plan.rankLists.size())
    return invalidPlan("has rank lists ", from.contributors(), " and ", from.destinations(),
                       ", but the plan has ", plan.rankLists.size());
  if (from.ordinal() < 0 || from.bytes() < 1 || from.bytes() > kMaxBucketBytes)
    return invalidPlan("has ordinal ", from.ordinal(), " and ", from.bytes(), " bytes");
  const RankList &contributors = plan.rankLists[from.contributors()];
  const RankList &destinations = plan.rankLists[from.destinations()];
  bucket.ordinal = from.ordinal();
  bucket.sender = from.sender();
  bucket.bytes = from.bytes();
  bucket.contributors = static_cast<int32_t>(from.contributors());
  bucket.destinations = static_cast<int32_t>(from.destinations());
  bucket.transport = static_cast<Transport>(from.transport());
  bucket.isReduce = contributors.ranks.size() > 1;
  bucket.isSource = contributors.contains(program.rank);
  bucket.isTarget = destinations.contains(program.rank);
  if (!contributors.contains(bucket.sender))
    return invalidPlan("sender ", bucket.sender, " is not a contributor");
  if (!bucket.isSource && !bucket.isTarget)
    return invalidPlan("rank is neither contributor nor destination of ",
                       describeEnds(plan, bucket));

  const bool isSender = bucket.sender == program.rank;
  const bool staysLocal = destinations.ranks.size() == 1 && destinations.ranks[0] == bucket.sender;
  switch (bucket.transport) {
  case Transport::P2P:
  case Transport::Broadcast:
    if (staysLocal)
      return invalidPlan("crosses the wire from rank ", bucket.sender, " to itself");
    if (!isSender && !bucket.isTarget)
      return invalidPlan("only contributes, so its transport must be none");
    return {};
  case Transport::Local:
    if (!staysLocal || !isSender)
      return invalidPlan("local transport of ", describeEnds(plan, bucket),
                         " is not from the rank to itself");
    return {};
  case Transport::None:
    if (isSender || bucket.isTarget)
      return invalidPlan("transport none, but the rank sends or receives in ",
                         describeEnds(plan, bucket));
    return {};
  case Transport::Unassigned:
    break;
  }
  return invalidPlan("has unknown transport ", static_cast<int>(from.transport()));
}

} // namespace xfer::runtime
