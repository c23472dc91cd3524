//===- FuzzTest.cpp - Mutated text neither crashes nor changes ------------===//
//
// Mutates the texts of test/IR and test/Text, always in the same way. Whatever
// comes out is either refused with an error, or verifies and prints a text that
// means the same: it parses, verifies and prints itself again.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

using namespace xfer;

namespace {

/// The cases of every file in test/IR and test/Text, in a fixed order.
std::vector<std::string> readCases() {
  std::vector<std::string> cases;
  std::vector<std::filesystem::path> paths;
  for (const char *folder : {"IR", "Text"})
    for (const auto &entry :
         std::filesystem::directory_iterator(std::string(XFER_TEST_DIR "/") + folder))
      if (entry.path().extension() == ".xfer")
        paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto &path : paths) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::string rest = text.str();
    for (size_t end; (end = rest.find("// -----\n")) != std::string::npos;) {
      cases.push_back(rest.substr(0, end));
      rest = rest.substr(end + 9);
    }
    cases.push_back(rest);
  }
  return cases;
}

/// Parses and verifies. Returns the printed text, or nothing if the text was refused with an error.
std::optional<std::string> printed(const std::string &text) {
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  diagnostics.setHandler([](const llvm::SMDiagnostic &) {});
  unsigned id =
      sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text), llvm::SMLoc());
  std::unique_ptr<Module> module = parseModule(id, diagnostics);
  if (!module || failed(verifyModule(*module, diagnostics))) {
    EXPECT_GT(diagnostics.errorCount(), 0u) << text;
    return std::nullopt;
  }
  EXPECT_EQ(diagnostics.errorCount(), 0u) << text;
  std::string result;
  llvm::raw_string_ostream os(result);
  printModule(*module, os);
  return result;
}

/// Returns true if the text was accepted.
bool check(const std::string &text) {
  std::optional<std::string> once = printed(text);
  if (!once)
    return false;
  std::optional<std::string> twice = printed(*once);
  EXPECT_TRUE(twice.has_value()) << *once;
  EXPECT_EQ(*once, twice.value_or("")) << text;
  return true;
}

class Mutator {
public:
  explicit Mutator(std::vector<std::string> cases) : cases(std::move(cases)) {}

  std::string next() {
    std::string text = cases[below(cases.size())];
    for (size_t i = 0, count = 1 + below(4); i < count; ++i)
      mutate(text);
    return text;
  }

private:
  size_t below(size_t limit) { return limit ? random() % limit : 0; }

  void mutate(std::string &text) {
    static const char *const words[] = {"0",
                                        "1",
                                        "3",
                                        "9223372036854775807",
                                        "2097152",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "(",
                                        ")",
                                        ",",
                                        ":",
                                        "*",
                                        "->",
                                        "@w",
                                        "any",
                                        "by",
                                        "x",
                                        "sum",
                                        "exact(",
                                        "split",
                                        "partial<sum>{dp}",
                                        "//",
                                        "placements",
                                        "|",
                                        "d0",
                                        "d1[0:2]",
                                        "d0*d1",
                                        "pad:1",
                                        "zero:2",
                                        "table [1, 0]",
                                        "storage",
                                        "alias",
                                        "copy 1",
                                        "\xff",
                                        "\n",
                                        " ",
                                        "-",
                                        "@"};
    size_t position = below(text.size() + 1);
    switch (below(5)) {
    case 0: // delete
      text.erase(position, below(8));
      break;
    case 1: // insert a word
      text.insert(position, words[below(std::size(words))]);
      break;
    case 2: // replace a character
      if (position < text.size())
        text[position] = static_cast<char>(below(2) ? below(256) : '0' + below(10));
      break;
    case 3: // copy a piece of another text
    {
      const std::string &other = cases[below(cases.size())];
      text.insert(position, other.substr(below(other.size() + 1), below(40)));
      break;
    }
    default: // cut off
      if (below(8) == 0)
        text.resize(position);
    }
  }

  std::vector<std::string> cases;
  std::mt19937_64 random{1};
};

TEST(TextFuzz, MutatedTextIsRefusedOrRoundTrips) {
  Mutator mutator(readCases());
  int numAccepted = 0;
  constexpr int kRounds = 20000;
  for (int i = 0; i < kRounds && !HasFailure(); ++i)
    numAccepted += check(mutator.next());
  EXPECT_GT(numAccepted, kRounds / 100) << "the mutations leave too little to test";
}

TEST(TextFuzz, TextCutOffAnywhereIsRefusedOrRoundTrips) {
  for (const std::string &text : readCases())
    for (size_t length = 0; length < text.size() && !HasFailure(); length += 3)
      check(text.substr(0, length));
}

} // namespace
