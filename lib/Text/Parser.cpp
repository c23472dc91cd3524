//===- Parser.cpp - Text to Module ----------------------------------------===//
//
// Entry point: parseModule. Reads every buffer, then resolves names; a later
// step runs only if the one before it found no error.
//===----------------------------------------------------------------------===//
#include "xfer/Text/Parser.h"
#include "BufferParser.h"
#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace xfer {

static constexpr StringRef kStatementWords[] = {"mesh",   "tensor", "alias", "source",
                                                "target", "route",  "chunk", "program"};

LogicalResult BufferParser::parseStatement() {
  if (tokens.isWord("source"))
    return parseSide(/*isTarget=*/false);
  if (tokens.isWord("target"))
    return parseSide(/*isTarget=*/true);
  if (tokens.isWord("tensor"))
    return parseTensor();
  if (tokens.isWord("mesh"))
    return parseMesh();
  if (tokens.isWord("alias"))
    return parseAlias();
  if (tokens.isWord("chunk"))
    return parseChunk();
  if (tokens.isWord("route"))
    return parseRoute();
  if (tokens.isWord("program"))
    return parseProgram();
  if (!tokens.is(TokenKind::Identifier))
    return tokens.unexpected("a statement");
  StringRef word = tokens.current().text();
  return tokens.errorAt(word.begin(),
                        "unknown statement '" + word + "'" + didYouMean(word, kStatementWords));
}

/// Moves to the first line after the one of `cursor` that begins with a declaration's word; returns
/// false if there is none. Operations are not looked for: the inside of a program would be taken
/// for what it is not.
bool BufferParser::moveToNextDeclaration(const char *cursor) {
  while (cursor != text.end()) {
    StringRef rest(cursor, text.end() - cursor);
    size_t newline = rest.find('\n');
    if (newline == StringRef::npos)
      return false;
    rest = rest.drop_front(newline + 1).ltrim(" \t\r");
    cursor = rest.begin();
    for (StringRef word : {"mesh", "tensor", "alias", "source", "target"}) {
      if (!rest.starts_with(word) || isIdentifierCharacter(*(cursor + word.size())))
        continue;
      tokens.moveTo(cursor);
      return true;
    }
  }
  return false;
}

LogicalResult BufferParser::run() {
  if (const char *invalid = findInvalidUtf8(text))
    return tokens.errorAt(invalid, "invalid UTF-8");
  LogicalResult result = success();
  while (!tokens.is(TokenKind::EndOfFile)) {
    const char *statement = tokens.current().begin;
    if (succeeded(parseStatement()))
      continue;
    result = failure();
    if (!moveToNextDeclaration(statement))
      break;
  }
  return result;
}

std::unique_ptr<Module> parseModule(llvm::ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics) {
  auto module = std::make_unique<Module>();
  ParserState state(*module, diagnostics);
  LogicalResult result = success();
  for (unsigned id : bufferIds) {
    StringRef text = diagnostics.sourceMgr().getMemoryBuffer(id)->getBuffer();
    text.consume_front("\xEF\xBB\xBF");
    if (failed(BufferParser(text, state, diagnostics).run()))
      result = failure();
  }
  if (failed(result) || failed(state.resolver.finish()))
    return nullptr;
  llvm::stable_sort(module->programs,
                    [](const Program &a, const Program &b) { return a.rank < b.rank; });
  return module;
}

} // namespace xfer
