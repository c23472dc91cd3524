//===- BucketMutants.cpp - Damage to one bucket ---------------------------===//
#include "BucketMutants.h"

namespace xfer::mutation {

BucketMutants::BucketMutants(Mutants &mutants) : plan(mutants.plan), mutants(mutants) {
  for (size_t p = 0; p < plan.programs.size(); ++p)
    for (const fb::Bucket &bucket : plan.programs[p]->buckets)
      programsOf[keyOf(bucket)].push_back(p);
}

size_t BucketMutants::numChunksOf(const BucketKey &key) const {
  Steps steps = unfold(*plan.programs[programsOf.at(key).front()]);
  return find(steps, key)->chunks.size();
}

std::string placeOf(const BucketKey &key) {
  return "bucket " + std::to_string(key.ordinal) + " from rank " + std::to_string(key.sender) +
         " to list " + std::to_string(key.destinations);
}

void BucketMutants::add(const std::string &place, const std::string &name,
                        const std::vector<size_t> &programs, const ProgramDamage &damage) {
  for (size_t program : programs)
    mutants.add("step on one rank: " + name,
                place + ", on rank " + std::to_string(plan.programs[program]->rank),
                [=](fb::PlanT &to) { damage(to, program); });
  if (programs.size() > 1)
    mutants.add("step on all ranks: " + name, place, [=](fb::PlanT &to) {
      for (size_t program : programs)
        damage(to, program);
    });
}

void BucketMutants::add(const BucketKey &key, const std::string &name, const Damage &damage) {
  add(placeOf(key), name, programsOf[key], [=](fb::PlanT &to, size_t program) {
    fb::ProgramT &damaged = *to.programs[program];
    Steps steps = unfold(damaged);
    for (size_t w = 0; w < steps.size(); ++w)
      for (size_t b = 0; b < steps[w].buckets.size(); ++b)
        if (keyOf(steps[w].buckets[b].bucket) == key) {
          damage(to, damaged, steps, w, b);
          return fold(steps, damaged);
        }
  });
}

} // namespace xfer::mutation
