//===- TextDamage.cpp - Texts, digest, and ranks that do not agree --------===//
//
// A text changed with its digest makes a file that is whole, of another job.
//===----------------------------------------------------------------------===//
#include "Mutant.h"
#include "TextEdits.h"

namespace xfer::mutation {
namespace {

using fb::PlanT;

/// The declarations, with the digest that they then have.
void addDeclarations(Mutants &mutants, const std::vector<TextEdit> &edits) {
  for (const TextEdit &edit : edits) {
    mutants.add("declarations: " + edit.name, edit.place,
                [=](PlanT &to) { edit.apply(to.declarations); });
    mutants.all.back().digestFollows = true;
  }
}

void addLowered(Mutants &mutants, const std::vector<TextEdit> &edits) {
  for (const TextEdit &edit : edits) {
    mutants.add("lowered text: " + edit.name, edit.place, nullptr);
    mutants.all.back().text = [=](std::string &text) { edit.apply(text); };
  }
}

} // namespace

void addTextDamage(Mutants &mutants) {
  constexpr WordPair kWords[] = {
      {"f32", "i32"}, {"f32", "f64"},  {"bf16", "f16"},       {"sum", "max"}, {"avg", "sum"},
      {"max", "min"}, {"zero", "pad"}, {"balanced", "exact"}, {"tp", "dp"},   {"dp", "tp"}};
  const std::string &text = mutants.plan.declarations;
  addDeclarations(mutants, editsOfLines(text, 0));
  addDeclarations(mutants, editsOfNumbers(text, 0));
  addDeclarations(mutants, editsOfWords(text, 0, kWords));
  addDeclarations(mutants, editsOfNames(text, 0));
  auto add = [&](const char *name, std::function<void(PlanT &)> apply) {
    mutants.add(std::string("whole file, with its digest: ") + name, "all ranks", apply);
    mutants.all.back().digestFollows = true;
    for (int64_t rank : mutants.plan.ranks) {
      mutants.add(std::string("one rank's file, with its digest: ") + name,
                  "rank " + std::to_string(rank), apply);
      mutants.all.back().digestFollows = true;
      mutants.all.back().onlyRank = rank;
    }
  };
  add("another compiler", [](PlanT &to) { to.compiler += " "; });
  add("another pipeline", [](PlanT &to) { to.pipeline += ",x"; });
  add("a comment in the declarations", [](PlanT &to) { to.declarations += "// x\n"; });
}

void addLoweredDamage(Mutants &mutants, const std::string &text) {
  constexpr WordPair kWords[] = {{"p2p", "broadcast"}, {"p2p", "local"},
                                 {"local", "p2p"},     {"none", "p2p"},
                                 {"broadcast", "p2p"}, {"source", "target"},
                                 {"target", "source"}, {"sum", "max"},
                                 {" copy 1", ""},      {"roles(source)", "roles(source, target)"}};
  const size_t begin = text.find("\nprogram ");
  if (begin == std::string::npos)
    return;
  addLowered(mutants, editsOfLines(text, begin + 1));
  addLowered(mutants, editsOfNumbers(text, begin));
  addLowered(mutants, editsOfWords(text, begin, kWords));
  addLowered(mutants, editsOfNames(text, begin));
}

} // namespace xfer::mutation
