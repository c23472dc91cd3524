//===- BucketMutants.h - Damage to one bucket -------------------*- C++ -*-===//
//
// On one of the bucket's ranks, or on all of them alike.
//===----------------------------------------------------------------------===//
#pragma once
#include "Mutant.h"
#include "Steps.h"
#include <map>

namespace xfer::mutation {

/// Damages the bucket at `bucket` of a window of `steps`; may change all of `steps`.
using Damage = std::function<void(fb::PlanT &plan, fb::ProgramT &program, Steps &steps,
                                  size_t window, size_t bucket)>;

class BucketMutants {
public:
  explicit BucketMutants(Mutants &mutants);

  /// Adds the damage to the bucket, on each of its ranks and on all.
  void add(const BucketKey &key, const std::string &name, const Damage &damage);
  using ProgramDamage = std::function<void(fb::PlanT &plan, size_t program)>;
  /// Adds the damage to each of these programs, and to all.
  void add(const std::string &place, const std::string &name, const std::vector<size_t> &programs,
           const ProgramDamage &damage);

  size_t numChunksOf(const BucketKey &key) const;

  const fb::PlanT &plan;
  std::map<BucketKey, std::vector<size_t>> programsOf; ///< indices

private:
  Mutants &mutants;
};

/// `bucket 0 from rank 3 to list 4`.
std::string placeOf(const BucketKey &key);

/// Chunks dropped, doubled, exchanged, shifted.
void addChunkDamage(BucketMutants &buckets);
/// Chunks moved to other buckets.
void addMoveDamage(BucketMutants &buckets);

} // namespace xfer::mutation
