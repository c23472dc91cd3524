//===- TextEdits.h - Small changes of a text --------------------*- C++ -*-===//
#pragma once
#include <span>
#include <string>
#include <vector>

namespace xfer::mutation {

struct TextEdit {
  std::string name, place; ///< `change a number`, `line 3: 8 to 9`
  size_t at = 0, length = 0;
  std::string replacement;
  void apply(std::string &text) const { text.replace(at, length, replacement); }
};

struct WordPair {
  const char *from, *to;
};

/// Each line from byte `begin` on dropped, doubled, exchanged with the next.
std::vector<TextEdit> editsOfLines(const std::string &text, size_t begin);
/// Each number from byte `begin` on, one more, one less or doubled.
std::vector<TextEdit> editsOfNumbers(const std::string &text, size_t begin);
/// Each occurrence of a word from byte `begin` on.
std::vector<TextEdit> editsOfWords(const std::string &text, size_t begin,
                                   std::span<const WordPair> words);
/// The first names, `@w`, of each line and the next that has one, exchanged.
std::vector<TextEdit> editsOfNames(const std::string &text, size_t begin);

} // namespace xfer::mutation
