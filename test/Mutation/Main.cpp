//===- Main.cpp - plan-mutator --------------------------------------------===//
//
// Damages valid plans in every way that their format allows, and says who notices.
//===----------------------------------------------------------------------===//
#include "Report.h"
#include "Workers.h"
#include "common/CommandLine.h"
#include "common/InputFiles.h"
#include <cstdio>
#include <map>

using namespace xfer;
using namespace xfer::mutation;

static constexpr llvm::StringLiteral kOverview =
    R"(plan-mutator: damages plans and says who notices

usage: plan-mutator [options] PLAN...

PLAN is what `xfer-opt --emit=plan` wrote for a whole job. Exits 0 only if every
damage that changes what arrives is caught.
)";

struct Options {
  std::vector<llvm::StringRef> plans;
  int64_t rank = -1, every = 1;
  bool list = false, noVerifyPlan = false;
};

/// Every `every`-th of each kind, the first included.
static std::vector<Mutant> sample(std::vector<Mutant> all, int64_t every) {
  std::map<std::string, int64_t> seen;
  std::vector<Mutant> result;
  for (Mutant &mutant : all)
    if (seen[mutant.kind]++ % every == 0)
      result.push_back(std::move(mutant));
  return result;
}

static std::vector<Mutant> mutantsOf(const Judge &judge) {
  Mutants mutants(judge.plan());
  addFieldDamage(mutants);
  addStepDamage(mutants);
  addPairDamage(mutants);
  addTextDamage(mutants);
  addLoweredDamage(mutants, judge.text());
  addByteDamage(mutants, judge.file().size());
  return std::move(mutants.all);
}

static void list(const std::vector<Mutant> &mutants, const std::vector<Judgement> &judgements) {
  for (size_t i = 0; i < mutants.size(); ++i)
    std::printf("%s, %s\n  %s: %s\n", mutants[i].kind.c_str(), mutants[i].place.c_str(),
                kVerdictNames[static_cast<size_t>(judgements[i].verdict)],
                llvm::StringRef(judgements[i].text).rtrim().str().c_str());
}

static LogicalResult judgePlans(const Options &options, Diagnostics &diagnostics, Report &report) {
  for (llvm::StringRef name : options.plans) {
    std::unique_ptr<llvm::MemoryBuffer> buffer = readInput(name, diagnostics);
    if (!buffer)
      return failure();
    std::vector<uint8_t> file(buffer->getBuffer().bytes_begin(), buffer->getBuffer().bytes_end());
    std::optional<int64_t> rank;
    if (options.rank >= 0)
      rank = options.rank;
    std::unique_ptr<Judge> judge = Judge::create(std::move(file), rank, diagnostics);
    if (!judge)
      return failure();
    judge->asksProof = !options.noVerifyPlan;
    const std::vector<Mutant> mutants = sample(mutantsOf(*judge), options.every);
    const std::vector<Judgement> judgements = judgeAll(*judge, mutants);
    if (options.list)
      list(mutants, judgements);
    report.add(name.rsplit('/').second.empty() ? name.str() : name.rsplit('/').second.str(),
               mutants, judgements);
  }
  return success();
}

int main(int argc, char **argv) {
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  Options options;
  CommandLine line("plan-mutator", kOverview, diagnostics);
  line.integer("rank", "N", "damage the program of rank N, as if it were compiled alone", 0,
               options.rank);
  line.integer("every", "N", "judge every N-th mutant of each kind (default 1)", 1, options.every);
  line.flag("no-verify-plan", "do not ask verify-plan: what would survive without it",
            options.noVerifyPlan);
  line.flag("list", "print what was said of each mutant", options.list);
  switch (line.parse(argc, argv)) {
  case CommandLine::Outcome::Done:
    return 0;
  case CommandLine::Outcome::Failed:
    return 1;
  case CommandLine::Outcome::Run:
    break;
  }
  options.plans.assign(line.inputs().begin(), line.inputs().end());
  Report report;
  if (failed(judgePlans(options, diagnostics, report)))
    return 1;
  report.print();
  return report.hasSurvivors() ? 1 : 0;
}
