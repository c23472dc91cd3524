//===- PlanAgreement.cpp - Do all ranks of a bucket say the same ----------===//
#include "xfer/Analysis/PlanAgreement.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/xxhash.h"

using llvm::ArrayRef;
using llvm::Twine;

namespace xfer {

int64_t PlanAgreement::numRanks(const Bucket &bucket) const {
  ArrayRef<int64_t> sources = module.rankList(bucket.ends.sources);
  auto count = static_cast<int64_t>(sources.size());
  for (int64_t rank : module.rankList(bucket.ends.destinations))
    count += !module.contains(bucket.ends.sources, rank);
  return count;
}

uint64_t PlanAgreement::contentOf(const Program &program, const Bucket &bucket) const {
  std::vector<int64_t> chunks;
  chunks.reserve(4 * static_cast<size_t>(bucket.numChunks));
  for (const ProgramChunk &chunk : program.chunksOf(bucket))
    chunks.insert(chunks.end(), {chunk.tensor, chunk.targetIndex, chunk.region, chunk.offset});
  return llvm::xxh3_64bits(
      ArrayRef(reinterpret_cast<const uint8_t *>(chunks.data()), chunks.size() * sizeof(int64_t)));
}

LogicalResult PlanAgreement::meet(const Program &program, const Window &window,
                                  const Bucket &bucket) {
  int32_t id = bucketIds.intern({bucket.ends.sources, bucket.ends.sender, bucket.ends.destinations,
                                 bucket.ordinal, bucket.transport == Transport::Broadcast});
  if (id == static_cast<int32_t>(meetings.size()))
    meetings.emplace_back();
  Meeting &meeting = meetings[id];
  uint64_t content = contentOf(program, bucket);
  if (!meeting.bucket) {
    meeting = {&bucket,          program.rank, program.rank, window.index,
               numRanks(bucket), /*seen=*/1,   content};
    return success();
  }
  const char *difference = meeting.lastRank == program.rank        ? "stands twice, more"
                           : meeting.window != window.index        ? "is in another window"
                           : meeting.bucket->bytes != bucket.bytes ? "has other bytes"
                           : meeting.content != content            ? "has other chunks"
                                                                   : nullptr;
  meeting.lastRank = program.rank;
  ++meeting.seen;
  if (!difference)
    return success();
  (void)diagnostics.error(bucket.loc, "bucket " + Twine(bucket.ordinal) + " on rank " +
                                          Twine(program.rank) + " " + difference +
                                          " than on rank " + Twine(meeting.firstRank));
  diagnostics.note(meeting.bucket->loc, "compared with this one");
  return failure();
}

LogicalResult PlanAgreement::finish() {
  for (const Meeting &meeting : meetings)
    if (meeting.seen != meeting.expected)
      return diagnostics.error(meeting.bucket->loc,
                               "bucket " + Twine(meeting.bucket->ordinal) + " from rank " +
                                   Twine(meeting.bucket->ends.sender) + " is on " +
                                   Twine(meeting.seen) + " ranks, expected " +
                                   Twine(meeting.expected));
  return success();
}

} // namespace xfer
