//===- ParseStorage.cpp - storage and the views in it ---------------------===//
#include "BufferParser.h"
#include "xfer/IR/StorageChecks.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer {

/// `1024`, `q:1024`, `pad:7` or `zero:7`
LogicalResult BufferParser::parseRun(StorageStatement &storage, StoragePart &part) {
  storage.runPositions.push_back(tokens.current().begin);
  if (storage.runPositions.size() > kMaxRuns)
    return tokens.errorAt(tokens.current().begin,
                          "a storage has at most " + Twine(kMaxRuns) + " runs");
  Run run;
  StringRef name;
  if (tokens.is(TokenKind::Identifier)) {
    if (failed(tokens.expectIdentifier(name, "the name of a run")) ||
        failed(tokens.expect(TokenKind::Colon, ":")))
      return failure();
    run.kind = name == "pad" ? Run::Kind::Pad : name == "zero" ? Run::Kind::Zero : Run::Kind::Data;
    if (run.kind == Run::Kind::Data)
      run.name = module.saveString(name);
  }
  if (failed(tokens.expectInteger(run.size, name.empty() ? "a run" : "the size of the run")))
    return failure();
  part.add(run);
  return success();
}

/// `q:1024`, `(v:1000 | pad:24)` or `8 x (q:1024 | k:128)`
LogicalResult BufferParser::parseStoragePart(StorageStatement &storage, StorageDim &dim) {
  StoragePart &part = dim.emplace_back();
  if (tokens.is(TokenKind::Integer)) {
    const char *position = tokens.current().begin;
    int64_t value = tokens.current().value;
    tokens.advance();
    if (!tokens.consumeWordIf("x")) {
      storage.runPositions.push_back(position);
      part.add({Run::Kind::Data, "", value});
      return success();
    }
    part.repeat = value;
    if (!tokens.is(TokenKind::LeftParenthesis))
      return tokens.unexpected("'('");
  }
  if (!tokens.consumeIf(TokenKind::LeftParenthesis)) {
    if (!tokens.is(TokenKind::Identifier))
      return tokens.unexpected("a run or '('");
    return parseRun(storage, part);
  }
  do {
    if (failed(parseRun(storage, part)))
      return failure();
  } while (tokens.consumeIf(TokenKind::Bar));
  return tokens.consumeIf(TokenKind::RightParenthesis) ? success()
                                                       : tokens.unexpected("'|' or ')'");
}

LogicalResult BufferParser::parseStorageDims(StorageStatement &storage) {
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (tokens.consumeIf(TokenKind::RightBracket))
    return success();
  do {
    StorageDim &dim = storage.shape.dims.emplace_back();
    do {
      if (failed(parseStoragePart(storage, dim)))
        return failure();
    } while (tokens.consumeIf(TokenKind::Bar));
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success()
                                                   : tokens.unexpected("'|', ',' or ']'");
}

/// `d1` or `d1[0:128]`
LogicalResult BufferParser::parseFactor(FactorSyntax &factor) {
  factor.position = tokens.current().begin;
  StringRef word = tokens.current().text();
  if (!tokens.is(TokenKind::Identifier) || !word.consume_front("d") ||
      word.getAsInteger(10, factor.index))
    return tokens.unexpected("an index of the tensor: 'd0', 'd1', ...");
  tokens.advance();
  factor.hasSlice = tokens.consumeIf(TokenKind::LeftBracket);
  if (!factor.hasSlice)
    return success();
  if (failed(tokens.expectInteger(factor.begin, "the begin of a slice")) ||
      failed(tokens.expect(TokenKind::Colon, ":")) ||
      failed(tokens.expectInteger(factor.end, "the end of a slice")))
    return failure();
  return tokens.expect(TokenKind::RightBracket, "]");
}

/// `3`, `d0`, `q: d0*d1` or `d0 table [0, 2, 1, 2]`
LogicalResult BufferParser::parseEntry(EntrySyntax &entry) {
  entry.position = tokens.current().begin;
  if (tokens.is(TokenKind::Integer))
    return tokens.expectInteger(entry.fixed, "an index");
  StringRef word;
  if (failed(tokens.expectIdentifier(word, "an entry of the view")))
    return failure();
  if (tokens.consumeIf(TokenKind::Colon))
    entry.run = word;
  else
    tokens.moveTo(entry.position);
  do {
    if (failed(parseFactor(entry.factors.emplace_back())))
      return failure();
  } while (tokens.consumeIf(TokenKind::Star));
  entry.hasTable = tokens.consumeWordIf("table");
  return entry.hasTable ? tokens.parseIntegerList(entry.table) : success();
}

/// `view @w [3, gate: d0, d1]`
LogicalResult BufferParser::parseView(StorageStatement &storage) {
  ViewStatement &view = storage.views.emplace_back();
  view.position = tokens.current().begin;
  tokens.advance();
  if (failed(tokens.expectSymbol(view.tensor, "the name of a tensor")) ||
      failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (tokens.consumeIf(TokenKind::RightBracket))
    return success();
  do {
    if (failed(parseEntry(view.entries.emplace_back())))
      return failure();
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

LogicalResult BufferParser::parseStorage(bool isTarget, const char *position) {
  StorageStatement storage;
  storage.isTarget = isTarget;
  storage.position = position;
  tokens.advance();
  if (failed(tokens.expectSymbol(storage.name, "the name of the storage")) ||
      failed(tokens.expect(TokenKind::Colon, ":")))
    return failure();
  storage.dtypePosition = tokens.current().begin;
  if (failed(parseDType(storage.dtype)) || failed(parseStorageDims(storage)) ||
      failed(parseLayoutClause(storage.layout)) || failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  while (tokens.isWord("view"))
    if (failed(parseView(storage)))
      return failure();
  if (!tokens.consumeIf(TokenKind::RightBrace))
    return tokens.unexpected("'view' or '}'");
  return state.resolver.addStorage(std::move(storage));
}

} // namespace xfer
