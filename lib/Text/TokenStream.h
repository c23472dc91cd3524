//===- TokenStream.h - One token of look-ahead ------------------*- C++ -*-===//
//
// What every parsing function stands on: the current token, the ways to consume
// it, and the error when it is another than expected. After an error the
// current token is the one that was wrong.
//===----------------------------------------------------------------------===//
#pragma once
#include "Lexer.h"
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace xfer {

/// One entry of a list of ranks: `7` or `4:8`.
struct RankItem {
  const char *position;
  size_t firstIndex; ///< of its ranks in the expanded list
};

class TokenStream {
public:
  TokenStream(llvm::StringRef text, Diagnostics &diagnostics)
      : diagnostics(diagnostics), lexer(text) {
    advance();
  }

  const Token &current() const { return token; }
  /// The end of the token before the current one.
  const char *previousEnd() const { return consumedEnd; }
  llvm::SMLoc location() const { return llvm::SMLoc::getFromPointer(token.begin); }
  void advance() {
    consumedEnd = token.end;
    token = lexer.next();
  }
  /// Makes the token at `position` the current one.
  void moveTo(const char *position) {
    lexer.moveTo(position);
    token.end = position;
    advance();
  }

  bool is(TokenKind kind) const { return token.kind == kind; }
  bool isWord(llvm::StringRef word) const { return token.is(word); }
  bool consumeIf(TokenKind kind) {
    if (token.kind != kind)
      return false;
    advance();
    return true;
  }
  bool consumeWordIf(llvm::StringRef word) {
    if (!token.is(word))
      return false;
    advance();
    return true;
  }

  /// `spelling` is how the token is quoted in the error.
  LogicalResult expect(TokenKind kind, const char *spelling) {
    return consumeIf(kind) ? success() : unexpected("'" + llvm::Twine(spelling) + "'");
  }
  LogicalResult expectWord(llvm::StringRef word) {
    return consumeWordIf(word) ? success() : unexpected("'" + word + "'");
  }
  LogicalResult expectInteger(int64_t &value, const char *what) {
    if (!is(TokenKind::Integer))
      return unexpected(what);
    value = token.value;
    advance();
    return success();
  }
  /// The name without `@`; it lies in the buffer.
  LogicalResult expectSymbol(llvm::StringRef &name, const char *what) {
    if (!is(TokenKind::Symbol))
      return unexpected(what);
    name = token.name();
    advance();
    return success();
  }
  LogicalResult expectIdentifier(llvm::StringRef &name, const char *what) {
    if (!is(TokenKind::Identifier))
      return unexpected(what);
    name = token.text();
    advance();
    return success();
  }

  /// `[1, 4:8]`, with its brackets or braces already consumed up to the closing one, which stays.
  /// Appends the ranks, at most kMaxMeshRanks in all.
  LogicalResult parseRankItems(llvm::SmallVectorImpl<int64_t> &ranks,
                               llvm::SmallVectorImpl<RankItem> *items = nullptr);
  /// `[1, 4:8]` with its brackets; not empty.
  LogicalResult parseRankList(llvm::SmallVectorImpl<int64_t> &ranks,
                              llvm::SmallVectorImpl<RankItem> *items = nullptr);
  /// `[1, 2]` of any integers, possibly empty.
  LogicalResult parseIntegerList(llvm::SmallVectorImpl<int64_t> &values);

  /// Reports `expected WHAT, got TOKEN` at the current token.
  LogicalResult unexpected(const llvm::Twine &what);
  LogicalResult errorAt(const char *position, const llvm::Twine &text) {
    return diagnostics.error(llvm::SMLoc::getFromPointer(position), text);
  }
  void noteAt(llvm::SMLoc loc, const llvm::Twine &text) { diagnostics.note(loc, text); }

  Diagnostics &diagnostics;

private:
  Lexer lexer;
  Token token;
  const char *consumedEnd = nullptr;
};

} // namespace xfer
