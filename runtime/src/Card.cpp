//===- Card.cpp - What ranks compare before anything moves ----------------===//
#include "Card.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {

Card::Card(const Agreement &agreement)
    : rank(agreement.rank), digest(agreement.digest), epoch(agreement.epoch),
      ranksHash(XXH3_64bits(agreement.ranks.data(), agreement.ranks.size_bytes())),
      numRanks(static_cast<int64_t>(agreement.ranks.size())), version(agreement.version),
      checksums(agreement.checksums) {}

Status compareCards(const Card &first, const Card &second) {
  const int64_t rank = second.rank;
  if (first.version != second.version)
    return failure(XFER_MISMATCH, "rank ", rank, " has plan format version ", second.version,
                   ", rank ", first.rank, " has ", first.version);
  if (first.epoch != second.epoch)
    return failure(XFER_MISMATCH, "rank ", rank, " is in epoch ", second.epoch, ", rank ",
                   first.rank, " in ", first.epoch);
  if (first.digest != second.digest)
    return failure(XFER_MISMATCH, "rank ", rank, " has plan digest ", hexadecimal(second.digest),
                   ", rank ", first.rank, " has ", hexadecimal(first.digest));
  if (first.numRanks != second.numRanks || first.ranksHash != second.ranksHash)
    return failure(XFER_MISMATCH, "rank ", rank, " has a plan for ", second.numRanks,
                   " ranks, rank ", first.rank, " for ", first.numRanks,
                   first.numRanks == second.numRanks ? " other ones" : "");
  if (first.checksums != second.checksums)
    return failure(XFER_MISMATCH, "rank ", rank, second.checksums ? " wants" : " does not want",
                   " checksums, rank ", first.rank, first.checksums ? " does" : " does not");
  return {};
}

} // namespace xfer::runtime
