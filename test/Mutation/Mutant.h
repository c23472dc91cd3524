//===- Mutant.h - A damaged plan --------------------------------*- C++ -*-===//
//
// What was done to a valid plan, under which name the report counts it, and how
// to do it again. Mutants are enumerated in an order that depends on the plan
// alone.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/plan_digest.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace xfer::mutation {

struct Mutant {
  std::string kind;  ///< what the report counts together: `Chunk.offset: change`
  std::string place; ///< which one: `program of rank 4, chunk 2, 0 to 1`
  std::function<void(fb::PlanT &)> apply;            ///< null if one of these is damaged:
  std::function<void(std::vector<uint8_t> &)> bytes; ///< after the plan was written and sealed
  std::function<void(std::string &)> text;           ///< or the text that the plan prints as
  bool sealedAgain = true;         ///< the content hash is that of the damaged file
  bool digestFollows = false;      ///< Plan.digest is made right again
  std::optional<int64_t> onlyRank; ///< the others keep the undamaged plan
};

/// Collects mutants of one plan.
class Mutants {
public:
  explicit Mutants(const fb::PlanT &plan) : plan(plan) {}
  void add(std::string kind, std::string place, std::function<void(fb::PlanT &)> apply) {
    Mutant &mutant = all.emplace_back();
    mutant.kind = std::move(kind);
    mutant.place = std::move(place);
    mutant.apply = std::move(apply);
  }
  void addBytes(std::string kind, std::string place, bool sealedAgain,
                std::function<void(std::vector<uint8_t> &)> bytes) {
    add(std::move(kind), std::move(place), nullptr);
    all.back().bytes = std::move(bytes);
    all.back().sealedAgain = sealedAgain;
  }
  const fb::PlanT &plan;
  std::vector<Mutant> all;
};

/// Every field of every table and struct: changed; every list: an element dropped, doubled,
/// exchanged with its neighbour.
void addFieldDamage(Mutants &mutants);
/// Steps of programs: as a wrong compiler would have written them, with counts and ranges that fit.
void addStepDamage(Mutants &mutants);
/// Two of these on different buckets. Call it after addStepDamage().
void addPairDamage(Mutants &mutants);
/// Texts and digest; plans that ranks do not share.
void addTextDamage(Mutants &mutants);
/// The programs of the `text` that a plan prints as.
void addLoweredDamage(Mutants &mutants, const std::string &text);
/// A file of `size` bytes that no writer made: bits, its end, with the hash of before or after.
void addByteDamage(Mutants &mutants, size_t size);

} // namespace xfer::mutation
