//===- Card.h - What ranks compare before anything moves --------*- C++ -*-===//
//
// The part of an agreement that must be the same on all ranks, in a form that
// crosses processes. Ranks that compare two cards say the same about them.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CARD_H
#define XFER_RUNTIME_CARD_H

#include "Backend.h"

namespace xfer::runtime {

/// Plain bytes: written to a store as it is, by programs of one architecture.
struct Card {
  int64_t rank = 0;
  uint64_t digest = 0;
  uint64_t epoch = 0;
  uint64_t ranksHash = 0; ///< of the job's ranks
  int64_t numRanks = 0;
  uint32_t version = 0;
  uint32_t checksums = 0;

  Card() = default;
  explicit Card(const Agreement &agreement);
};

/// Verifies that `second` brings what `first` brought; the text is the same on every rank.
Status compareCards(const Card &first, const Card &second);

} // namespace xfer::runtime

#endif
