//===- ParseEndpoints.cpp - Who ships to whom -----------------------------===//
//
// Entry point: parseEndpoints. Few texts of endpoints stand in many
// operations, and a short one may mean a million ranks, so each is parsed once.
//===----------------------------------------------------------------------===//
#include "BufferParser.h"
#include "LayoutSyntax.h"
#include <algorithm>

using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

/// `{0, 2} sum`, from the brace on.
LogicalResult BufferParser::parseGroup(EndpointsSyntax &syntax, SmallVectorImpl<int64_t> &sources) {
  tokens.advance();
  if (failed(tokens.parseRankItems(sources)))
    return failure();
  if (!tokens.consumeIf(TokenKind::RightBrace))
    return tokens.unexpected("',' or '}'");
  const char *position = tokens.current().begin;
  ReduceOp op = ReduceOp::None;
  if (failed(xfer::parseReduceOp(tokens, op)))
    return failure();
  if (syntax.op != ReduceOp::None && syntax.op != op)
    return tokens.errorAt(position, "expected '" + spelling(syntax.op) +
                                        "' as in the first group, got '" + spelling(op) + "'");
  syntax.op = op;
  syntax.opPosition = position;
  return success();
}

/// `any [0, 2]` or `any [{0, 2} sum, {1, 3} sum]`, from `any` on.
LogicalResult BufferParser::parseCandidates(EndpointsSyntax &syntax,
                                            SmallVectorImpl<int64_t> &sources) {
  tokens.advance();
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (!tokens.is(TokenKind::LeftBrace)) {
    if (failed(tokens.parseRankItems(sources)))
      return failure();
    return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
  }
  int32_t &groupSize = syntax.ends.groupSize;
  do {
    const char *position = tokens.current().begin;
    size_t before = sources.size();
    if (!tokens.is(TokenKind::LeftBrace))
      return tokens.unexpected("'{'");
    if (failed(parseGroup(syntax, sources)))
      return failure();
    int32_t size = static_cast<int32_t>(sources.size() - before);
    if (before == 0)
      groupSize = size;
    if (size != groupSize)
      return tokens.errorAt(position, "expected a group of " + Twine(groupSize) +
                                          " ranks as the first one, got " + Twine(size));
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

/// What stands before the arrow.
LogicalResult BufferParser::parseSources(EndpointsSyntax &syntax,
                                         SmallVectorImpl<int64_t> &sources) {
  Endpoints &ends = syntax.ends;
  if (tokens.is(TokenKind::Integer)) {
    ends.sender = tokens.current().value;
    sources.push_back(ends.sender);
    tokens.advance();
    return success();
  }
  if (tokens.isWord("any"))
    return parseCandidates(syntax, sources);
  if (!tokens.is(TokenKind::LeftBrace))
    return tokens.unexpected("a rank, '{' or 'any'");
  if (failed(parseGroup(syntax, sources)) || failed(tokens.expectWord("via")))
    return failure();
  const char *position = tokens.current().begin;
  if (failed(tokens.expectInteger(ends.sender, "the sender")))
    return failure();
  if (std::find(sources.begin(), sources.end(), ends.sender) == sources.end())
    return tokens.errorAt(position,
                          "sender " + Twine(ends.sender) + " is not one of the contributors");
  ends.groupSize = static_cast<int32_t>(sources.size());
  return success();
}

/// Returns one past the bracket that ends the endpoints that start at `begin`, or null if they are
/// not plainly well-formed.
static const char *skimEndpoints(const char *begin) {
  const char *cursor = begin;
  auto isPlain = [](char c) { return c && c != '@' && c != '/' && c != '\n'; };
  while (isPlain(*cursor) && *cursor != '>')
    ++cursor;
  while (isPlain(*cursor) && *cursor != ']')
    ++cursor;
  return *cursor == ']' ? cursor + 1 : nullptr;
}

LogicalResult BufferParser::parseEndpoints(EndpointsSyntax &syntax) {
  const char *begin = tokens.current().begin;
  if (const char *end = skimEndpoints(begin)) {
    auto known = state.endpointTexts.find(StringRef(begin, end - begin));
    if (known != state.endpointTexts.end()) {
      const KnownEndpoints &text = known->second;
      syntax = {text.ends, text.op, begin + text.opOffset};
      tokens.moveTo(end);
      return success();
    }
  }
  SmallVector<int64_t, 16> sources, destinations;
  if (failed(parseSources(syntax, sources)) || failed(tokens.expect(TokenKind::Arrow, "->")) ||
      failed(tokens.parseRankList(destinations)) ||
      failed(state.addRanks(sources.size() + destinations.size(), begin, tokens)))
    return failure();
  syntax.ends.sources = module.internRanks(sources);
  syntax.ends.destinations = module.internRanks(destinations);
  int64_t opOffset = syntax.op == ReduceOp::None ? 0 : syntax.opPosition - begin;
  state.endpointTexts.try_emplace(StringRef(begin, tokens.previousEnd() - begin),
                                  KnownEndpoints{syntax.ends, syntax.op, opOffset});
  return success();
}

/// Of an operation on `tensor`.
LogicalResult BufferParser::parseEndpoints(TensorId tensor, Endpoints &ends) {
  EndpointsSyntax syntax;
  if (failed(parseEndpoints(syntax)))
    return failure();
  ends = syntax.ends;
  useReduction(syntax, tensor);
  return success();
}

void BufferParser::useReduction(const EndpointsSyntax &syntax, TensorId tensor) {
  if (syntax.op != ReduceOp::None)
    state.resolver.addReduction(syntax.opPosition, tensor, syntax.op);
}

} // namespace xfer
