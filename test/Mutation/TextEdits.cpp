//===- TextEdits.cpp - Small changes of a text ----------------------------===//
#include "TextEdits.h"
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

namespace xfer::mutation {
namespace {

struct Range {
  size_t begin, end;
};

std::vector<Range> linesOf(const std::string &text, size_t begin) {
  std::vector<Range> lines;
  for (size_t at = begin; at < text.size(); at = lines.back().end)
    lines.push_back({at, std::min(text.find('\n', at), text.size() - 1) + 1});
  return lines;
}

bool isWordByte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' || byte == '.';
}

std::string placeOf(const std::string &text, size_t at) {
  return "line " +
         std::to_string(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n') +
                        1);
}

/// Of one line; empty if it has none.
Range nameIn(const std::string &text, const Range &line) {
  const size_t begin = text.find('@', line.begin);
  if (begin >= line.end)
    return {0, 0};
  size_t end = begin + 1;
  while (end < line.end && isWordByte(text[end]))
    ++end;
  return {begin, end};
}

} // namespace

std::vector<TextEdit> editsOfLines(const std::string &text, size_t begin) {
  std::vector<TextEdit> edits;
  const std::vector<Range> lines = linesOf(text, begin);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto [at, end] = lines[i];
    const std::string place = placeOf(text, at), line = text.substr(at, end - at);
    edits.push_back({"drop a line", place, at, line.size(), ""});
    edits.push_back({"double a line", place, at, line.size(), line + line});
    if (i + 1 < lines.size())
      edits.push_back({"exchange lines", place, at, lines[i + 1].end - at,
                       text.substr(end, lines[i + 1].end - end) + line});
  }
  return edits;
}

std::vector<TextEdit> editsOfNumbers(const std::string &text, size_t begin) {
  std::vector<TextEdit> edits;
  for (size_t at = begin; at < text.size(); ++at) {
    if (std::isdigit(static_cast<unsigned char>(text[at])) == 0 ||
        (at > 0 && isWordByte(text[at - 1])))
      continue;
    const size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    const int64_t number = std::stoll(text.substr(at, end - at));
    for (int64_t changed : {number + 1, number - 1, number * 2})
      if (changed >= 0 && changed != number)
        edits.push_back({"change a number",
                         placeOf(text, at) + ", byte " + std::to_string(at) + ", " +
                             std::to_string(number) + " to " + std::to_string(changed),
                         at, end - at, std::to_string(changed)});
  }
  return edits;
}

std::vector<TextEdit> editsOfWords(const std::string &text, size_t begin,
                                   std::span<const WordPair> words) {
  std::vector<TextEdit> edits;
  for (const auto &[from, to] : words) {
    const size_t length = std::string_view(from).size();
    for (size_t at = text.find(from, begin); at != std::string::npos; at = text.find(from, at + 1))
      edits.push_back(
          {"change a word",
           placeOf(text, at) + ", byte " + std::to_string(at) + ", " + from + " to " + to, at,
           length, to});
  }
  return edits;
}

std::vector<TextEdit> editsOfNames(const std::string &text, size_t begin) {
  std::vector<TextEdit> edits;
  Range before = {0, 0};
  for (const Range &line : linesOf(text, begin)) {
    const Range name = nameIn(text, line);
    if (name.end == 0)
      continue;
    auto textOf = [&](const Range &range) {
      return text.substr(range.begin, range.end - range.begin);
    };
    if (before.end != 0 && textOf(before) != textOf(name))
      edits.push_back({"exchange names", placeOf(text, before.begin), before.begin,
                       name.end - before.begin,
                       textOf(name) + textOf({before.end, name.begin}) + textOf(before)});
    before = name;
  }
  return edits;
}

} // namespace xfer::mutation
