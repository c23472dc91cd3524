//===- TextDamage.cpp - Texts, digest, and ranks that do not agree --------===//
//
// A text changed with its digest makes a file that is whole, of another job.
//===----------------------------------------------------------------------===//
#include "Mutant.h"
#include <cctype>

namespace xfer::mutation {
namespace {

using fb::PlanT;

std::vector<std::string> linesOf(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

std::string join(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line;
  return text;
}

/// Adds a change of the declarations, with the digest that they then have.
void addDeclarations(Mutants &mutants, const std::string &name, const std::string &place,
                     std::string text) {
  mutants.add("declarations: " + name, place,
              [text = std::move(text)](PlanT &to) { to.declarations = text; });
  mutants.all.back().digestFollows = true;
}

/// Every number of the text, one more or less; every word of a type, another.
void addWordDamage(Mutants &mutants) {
  const std::string &text = mutants.plan.declarations;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!std::isdigit(static_cast<unsigned char>(text[at])) ||
        (at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0)))
      continue;
    const size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    const int64_t number = std::stoll(text.substr(at, end - at));
    for (int64_t changed : {number + 1, number - 1, number * 2})
      if (changed >= 0 && changed != number)
        addDeclarations(mutants, "change a number",
                        "byte " + std::to_string(at) + ", " + std::to_string(number) + " to " +
                            std::to_string(changed),
                        text.substr(0, at) + std::to_string(changed) + text.substr(end));
  }
  struct Words {
    const char *from, *to;
  };
  for (const Words &words :
       {Words{"f32", "i32"}, Words{"f32", "f64"}, Words{"bf16", "f16"}, Words{"sum", "max"},
        Words{"avg", "sum"}, Words{"max", "min"}, Words{"zero", "pad"}, Words{"balanced", "exact"}})
    for (size_t at = text.find(words.from); at != std::string::npos;
         at = text.find(words.from, at + 1))
      addDeclarations(mutants, "change a word",
                      "byte " + std::to_string(at) + ", " + words.from + " to " + words.to,
                      std::string(text).replace(at, std::string_view(words.from).size(), words.to));
}

void addLineDamage(Mutants &mutants) {
  const std::vector<std::string> lines = linesOf(mutants.plan.declarations);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string place = "line " + std::to_string(i + 1);
    std::vector<std::string> changed = lines;
    changed.erase(changed.begin() + static_cast<ptrdiff_t>(i));
    addDeclarations(mutants, "drop a line", place, join(changed));
    changed = lines;
    changed.insert(changed.begin() + static_cast<ptrdiff_t>(i), lines[i]);
    addDeclarations(mutants, "double a line", place, join(changed));
    if (i + 1 == lines.size())
      continue;
    changed = lines;
    std::swap(changed[i], changed[i + 1]);
    addDeclarations(mutants, "exchange lines", place, join(changed));
  }
}

} // namespace

void addTextDamage(Mutants &mutants) {
  addLineDamage(mutants);
  addWordDamage(mutants);
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

} // namespace xfer::mutation
