//===- PairDamage.cpp - Two wrong steps at once ---------------------------===//
//
// What one damage gives away another may hide: each damage to a bucket on all its
// ranks, together with one to another bucket.
//===----------------------------------------------------------------------===//
#include "Mutant.h"
#include <string_view>

namespace xfer::mutation {

/// The place of a chunk that moves is two buckets.
static bool concernOneBucket(const Mutant &first, const Mutant &second) {
  return first.place.find(second.place) != std::string::npos ||
         second.place.find(first.place) != std::string::npos;
}

void addPairDamage(Mutants &mutants) {
  constexpr std::string_view kSteps = "step on all ranks: ";
  std::vector<size_t> steps;
  for (size_t i = 0; i < mutants.all.size(); ++i)
    if (mutants.all[i].kind.starts_with(kSteps))
      steps.push_back(i);
  constexpr size_t kStride = 7919; // a prime, so that neighbours meet different others
  for (size_t i = 0; i < steps.size(); ++i) {
    const Mutant first = mutants.all[steps[i]];
    const Mutant second = mutants.all[steps[(i * kStride + 1) % steps.size()]];
    if (concernOneBucket(first, second))
      continue; // the second may name what the first removed
    mutants.add("two steps on all ranks",
                first.place + ": " + first.kind.substr(kSteps.size()) + "; " + second.place + ": " +
                    second.kind.substr(kSteps.size()),
                [one = first.apply, other = second.apply](fb::PlanT &plan) {
                  one(plan);
                  other(plan);
                });
  }
}

} // namespace xfer::mutation
