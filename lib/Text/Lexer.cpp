//===- Lexer.cpp - Text to tokens -----------------------------------------===//
//
// A table of character classes drives everything: one look-up a character, no
// allocation, no copy.
//===----------------------------------------------------------------------===//
#include "Lexer.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/ConvertUTF.h"
#include <array>
#include <cstring>
#include <limits>

using llvm::StringRef;

namespace xfer {
namespace {
enum CharacterClass : uint8_t {
  kSpace = 1,
  kDigit = 2,
  kIdentifier = 4, ///< letters, digits and `_`
  kSymbol = 8,     ///< what a symbol may contain
};

constexpr std::array<uint8_t, 256> makeClasses() {
  std::array<uint8_t, 256> classes{};
  for (char c : {' ', '\t', '\r', '\n'})
    classes[static_cast<uint8_t>(c)] = kSpace;
  for (int c = '0'; c <= '9'; ++c)
    classes[c] = kDigit | kIdentifier | kSymbol;
  for (int c = 'a'; c <= 'z'; ++c)
    classes[c] = classes[c - 'a' + 'A'] = kIdentifier | kSymbol;
  classes['_'] = kIdentifier | kSymbol;
  for (char c : {'.', '$', '-'})
    classes[static_cast<uint8_t>(c)] = kSymbol;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = makeClasses();

bool has(char c, uint8_t bits) { return kClasses[static_cast<uint8_t>(c)] & bits; }
} // namespace

bool isIdentifierCharacter(char c) { return has(c, kIdentifier); }

Token Lexer::next() {
  for (;;) {
    while (has(*cursor, kSpace))
      ++cursor;
    if (cursor[0] != '/' || cursor[1] != '/')
      break;
    const void *newline = std::memchr(cursor, '\n', end - cursor);
    cursor = newline ? static_cast<const char *>(newline) : end;
  }
  const char *begin = cursor;
  if (has(*begin, kDigit))
    return lexInteger();
  if (has(*begin, kIdentifier)) {
    do
      ++cursor;
    while (has(*cursor, kIdentifier));
    return make(TokenKind::Identifier, begin);
  }
  ++cursor;
  switch (*begin) {
  case '@':
    return lexSymbol();
  case '[':
    return make(TokenKind::LeftBracket, begin);
  case ']':
    return make(TokenKind::RightBracket, begin);
  case '{':
    return make(TokenKind::LeftBrace, begin);
  case '}':
    return make(TokenKind::RightBrace, begin);
  case '(':
    return make(TokenKind::LeftParenthesis, begin);
  case ')':
    return make(TokenKind::RightParenthesis, begin);
  case '<':
    return make(TokenKind::Less, begin);
  case '>':
    return make(TokenKind::Greater, begin);
  case ':':
    return make(TokenKind::Colon, begin);
  case ',':
    return make(TokenKind::Comma, begin);
  case '=':
    return make(TokenKind::Equal, begin);
  case '*':
    return make(TokenKind::Star, begin);
  case '|':
    return make(TokenKind::Bar, begin);
  case '-':
    if (*cursor != '>')
      return lexInvalid();
    ++cursor;
    return make(TokenKind::Arrow, begin);
  case '\0':
    if (begin == end) {
      cursor = end;
      return make(TokenKind::EndOfFile, begin);
    }
    return lexInvalid();
  default:
    return lexInvalid();
  }
}

Token Lexer::lexInteger() {
  constexpr uint64_t limit = std::numeric_limits<int64_t>::max();
  const char *begin = cursor;
  uint64_t value = 0;
  bool fits = true;
  for (; has(*cursor, kDigit); ++cursor) {
    uint64_t digit = *cursor - '0';
    if (value > (limit - digit) / 10) {
      fits = false;
      value = 0;
    }
    value = value * 10 + digit;
  }
  Token token = make(fits ? TokenKind::Integer : TokenKind::Invalid, begin);
  token.value = static_cast<int64_t>(value);
  return token;
}

Token Lexer::lexSymbol() {
  const char *begin = cursor - 1;
  while (has(*cursor, kSymbol))
    ++cursor;
  while (cursor[-1] == '-')
    --cursor;
  return make(cursor - begin > 1 ? TokenKind::Symbol : TokenKind::Invalid, begin);
}

/// Takes the whole UTF-8 sequence, so that the message can quote it.
Token Lexer::lexInvalid() {
  const char *begin = cursor - 1;
  cursor = begin + llvm::getNumBytesForUTF8(static_cast<llvm::UTF8>(*begin));
  return make(TokenKind::Invalid, begin);
}

std::string Lexer::explain(const Token &token) {
  StringRef text = token.text();
  if (has(text[0], kDigit))
    return ("integer '" + text + "' is too large, expected less than 9223372036854775808").str();
  if (text == "@")
    return "expected a name after '@'";
  uint8_t byte = static_cast<uint8_t>(text[0]);
  if (byte >= 0x20 && byte != 0x7f)
    return ("unexpected character '" + text + "'").str();
  constexpr const char *digits = "0123456789abcdef";
  return std::string("unexpected character 0x") + digits[byte >> 4] + digits[byte & 15];
}

const char *findInvalidUtf8(StringRef text) {
  const char *cursor = text.begin(), *end = text.end();
  while (cursor != end) {
    uint64_t block = 0;
    if (end - cursor >= 8) {
      std::memcpy(&block, cursor, 8);
      if (!(block & 0x8080808080808080u)) {
        cursor += 8;
        continue;
      }
    }
    if (!(*cursor & 0x80)) {
      ++cursor;
      continue;
    }
    unsigned length = llvm::getNumBytesForUTF8(static_cast<llvm::UTF8>(*cursor));
    const auto *bytes = reinterpret_cast<const llvm::UTF8 *>(cursor);
    if (length > end - cursor || !llvm::isLegalUTF8Sequence(bytes, bytes + length))
      return cursor;
    cursor += length;
  }
  return nullptr;
}

} // namespace xfer
