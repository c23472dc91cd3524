//===- Judge.h - Who notices that a plan is damaged -------------*- C++ -*-===//
//
// In the order in which a damaged file meets them: the runtime's loader, the reader
// that makes text of it, verify-plan, sessions that open and bind; and if none
// objects, a replay.
//===----------------------------------------------------------------------===//
#pragma once
#include "Mutant.h"
#include "Replay.h"
#include <array>
#include <memory>

namespace xfer::mutation {

/// Replay: of one rank's plan, an error of ranks whose plans say otherwise.
enum class Verdict { Loader, Reader, Verifier, Session, Replay, Harmless, Survivor };
inline constexpr std::array kVerdictNames = {"loader", "reader",   "verifier", "session",
                                             "replay", "harmless", "survivor"};

struct Judgement {
  Verdict verdict = Verdict::Survivor;
  std::string text; ///< what was said
};

class Judge {
public:
  /// Takes the file of a whole job. With `rank` mutants are of that rank's program alone, and all
  /// other ranks keep the undamaged plan. Null after an error.
  static std::unique_ptr<Judge> create(std::vector<uint8_t> file, std::optional<int64_t> rank,
                                       Diagnostics &diagnostics);

  /// The plan that is damaged; of one rank if there is one.
  const fb::PlanT &plan() const { return *undamaged; }
  std::vector<uint8_t> file() const { return seal(*undamaged); }
  /// What the whole job's plan prints as; empty if one rank's is damaged.
  std::string text() const;
  Judgement judge(const Mutant &mutant) const;
  bool asksProof = true; ///< verify-plan judges, too

private:
  Judge() = default;
  static std::vector<uint8_t> seal(const fb::PlanT &plan);
  std::vector<uint8_t> damagedFile(const Mutant &mutant) const;
  /// What the compiler's side says of a file that the runtime loaded.
  Judgement verify(const std::vector<uint8_t> &file) const;
  /// What it says of a damaged text; the file that it emits if nothing objects.
  Judgement compile(const Mutant &mutant, std::vector<uint8_t> &file) const;
  Judgement judgeFile(const Mutant &mutant, const std::vector<uint8_t> &file) const;

  std::vector<uint8_t> original;
  std::optional<int64_t> rank;
  std::unique_ptr<fb::PlanT> undamaged;
  std::shared_ptr<xfer_plan_t> loaded; ///< the whole job's
  std::unique_ptr<Module> module;
  std::unique_ptr<World> world;
};

} // namespace xfer::mutation
