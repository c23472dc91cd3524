//===- PlanAgreement.cpp - Do all ranks of a bucket say the same ----------===//
#include "xfer/Analysis/PlanAgreement.h"
#include "xfer/Analysis/PlanPlaces.h"
#include "xfer/Text/Printer.h"
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

uint64_t PlanAgreement::contentOf(const Program &program, const Bucket &bucket) {
  content.clear();
  for (const ProgramChunk &chunk : program.chunksOf(bucket))
    content.insert(content.end(), {chunk.tensor, chunk.targetIndex, chunk.region, chunk.offset});
  return llvm::xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(content.data()),
                                    content.size() * sizeof(int64_t)));
}

int32_t PlanAgreement::idOf(const Bucket &bucket) {
  return bucketIds.intern({bucket.ends.sources, bucket.ends.sender, bucket.ends.destinations,
                           bucket.ordinal, bucket.transport == Transport::Broadcast});
}

LogicalResult PlanAgreement::meet(const Program &program, const Window &window,
                                  const Bucket &bucket) {
  int32_t id = idOf(bucket);
  if (id == static_cast<int32_t>(meetings.size()))
    meetings.emplace_back();
  Meeting &meeting = meetings[id];
  uint64_t content = contentOf(program, bucket);
  if (!meeting.bucket) {
    meeting = {&program,         &bucket,    program.rank, window.index,
               numRanks(bucket), /*seen=*/1, content};
    return success();
  }
  const char *difference = meeting.lastRank == program.rank        ? " stands twice"
                           : meeting.window != window.index        ? " is in another window"
                           : meeting.bucket->bytes != bucket.bytes ? " has other bytes"
                                                                   : nullptr;
  meeting.lastRank = program.rank;
  ++meeting.seen;
  if (!difference && meeting.content == content)
    return success();
  if (!difference)
    return reportChunks(meeting, program, bucket);
  auto withBytes = [&](const Program &of, const Bucket &which) {
    return describe(module, of, which) + " of " + std::to_string(which.bytes) + " bytes";
  };
  (void)diagnostics.error(bucket.loc, withBytes(program, bucket) + difference);
  diagnostics.note(meeting.bucket->loc,
                   "compared with " + withBytes(*meeting.program, *meeting.bucket));
  return failure();
}

/// Reports the first chunk that differs from that of the bucket's first rank.
LogicalResult PlanAgreement::reportChunks(const Meeting &meeting, const Program &program,
                                          const Bucket &bucket) {
  ArrayRef<ProgramChunk> here = program.chunksOf(bucket);
  ArrayRef<ProgramChunk> there = meeting.program->chunksOf(*meeting.bucket);
  if (here.size() != there.size()) {
    (void)diagnostics.error(bucket.loc, describe(module, program, bucket) + " has " +
                                            Twine(here.size()) + " chunks, expected " +
                                            Twine(there.size()));
    diagnostics.note(meeting.bucket->loc,
                     "compared with " + describe(module, *meeting.program, *meeting.bucket));
    return failure();
  }
  auto key = [](const ProgramChunk &chunk) {
    return std::tuple(chunk.tensor, chunk.targetIndex, chunk.region, chunk.offset);
  };
  size_t at = 0;
  while (at + 1 < here.size() && key(here[at]) == key(there[at]))
    ++at;
  auto text = [&](const Program &of, const ProgramChunk &chunk) {
    return "at byte " + std::to_string(chunk.offset) + " for target " +
           std::to_string(chunk.targetIndex) + ", " + describe(module, of, chunk);
  };
  (void)diagnostics.error(here[at].loc, "another chunk than on rank " +
                                            Twine(meeting.program->rank) + ": " +
                                            text(program, here[at]));
  diagnostics.note(there[at].loc, "compared with " + text(*meeting.program, there[at]));
  return failure();
}

LogicalResult PlanAgreement::finish() {
  for (const Meeting &meeting : meetings)
    if (meeting.seen != meeting.expected)
      return reportAbsence(meeting);
  return success();
}

/// Reports the ranks of a bucket whose programs do not have it.
LogicalResult PlanAgreement::reportAbsence(const Meeting &meeting) {
  const Endpoints &ends = meeting.bucket->ends;
  const int32_t id = idOf(*meeting.bucket);
  std::vector<int64_t> absent;
  for (const Program &program : module.programs)
    if ((module.contains(ends.sources, program.rank) ||
         module.contains(ends.destinations, program.rank)) &&
        llvm::none_of(program.buckets, [&](const Bucket &bucket) { return idOf(bucket) == id; }))
      absent.push_back(program.rank);
  return diagnostics.error(meeting.bucket->loc,
                           describe(module, *meeting.program, *meeting.bucket) + " is on " +
                               Twine(meeting.seen) + " ranks, expected " + Twine(meeting.expected) +
                               ": absent on ranks " + ranksToString(absent));
}

} // namespace xfer
