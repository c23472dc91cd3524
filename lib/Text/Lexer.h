//===- Lexer.h - Text to tokens ---------------------------------*- C++ -*-===//
//
// Cuts one buffer into tokens on demand, without copying: a token is a piece
// of the buffer. Whether the buffer is UTF-8 at all is asked once, before the
// first token.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace xfer {

enum class TokenKind : uint8_t {
  EndOfFile,
  Invalid, ///< no token; Lexer::explain says why
  Identifier,
  Integer,
  Symbol, ///< `@name`
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  LeftParenthesis,
  RightParenthesis,
  Less,
  Greater,
  Colon,
  Comma,
  Equal,
  Star,
  Bar,
  Arrow,
};

struct Token {
  TokenKind kind = TokenKind::EndOfFile;
  const char *begin = nullptr;
  const char *end = nullptr;
  int64_t value = 0; ///< Integer only
  llvm::StringRef text() const { return {begin, static_cast<size_t>(end - begin)}; }
  /// A symbol without its `@`.
  llvm::StringRef name() const { return text().drop_front(); }
  bool is(llvm::StringRef word) const { return kind == TokenKind::Identifier && text() == word; }
};

class Lexer {
public:
  /// `text` must be followed by a zero byte, as an llvm::MemoryBuffer is.
  explicit Lexer(llvm::StringRef text) : cursor(text.begin()), end(text.end()) {}

  Token next();
  /// Continues at `position`, which must lie in the buffer and not within a token.
  void moveTo(const char *position) { cursor = position; }

  /// What is wrong with an Invalid token.
  static std::string explain(const Token &token);

private:
  Token make(TokenKind kind, const char *begin) const { return {kind, begin, cursor, 0}; }
  Token lexInteger();
  Token lexSymbol();
  Token lexInvalid();

  const char *cursor;
  const char *end;
};

/// Returns the first byte that is not part of a well-formed UTF-8 sequence, or null.
const char *findInvalidUtf8(llvm::StringRef text);

bool isIdentifierCharacter(char c);

} // namespace xfer
