//===- ParseLayout.cpp - The syntax of layouts ----------------------------===//
//
// Entry points: parseLayoutSyntax, and skimLayout for text that has been parsed
// before. Nothing is looked up here.
//===----------------------------------------------------------------------===//
#include "LayoutSyntax.h"
#include <cstring>

using llvm::StringRef;

namespace xfer {

static LogicalResult parseAxis(TokenStream &tokens, AxisSyntax &axis) {
  if (failed(tokens.expectIdentifier(axis.name, "an axis")))
    return failure();
  if (!tokens.consumeIf(TokenKind::Colon))
    return success();
  axis.isSubAxis = true;
  if (failed(tokens.expect(TokenKind::LeftParenthesis, "(")) ||
      failed(tokens.expectInteger(axis.preSize, "the size before a sub-axis")) ||
      failed(tokens.expect(TokenKind::RightParenthesis, ")")) ||
      failed(tokens.expectInteger(axis.size, "the size of a sub-axis")))
    return failure();
  return success();
}

static LogicalResult parseAxes(TokenStream &tokens, SplitSyntax &split) {
  do {
    if (failed(parseAxis(tokens, split.axes.emplace_back())))
      return failure();
  } while (tokens.consumeIf(TokenKind::Star));
  return success();
}

static bool parseRule(StringRef word, SplitRule &rule) {
  struct Word {
    StringRef text;
    SplitRule rule;
  };
  static constexpr Word words[] = {{"exact", SplitRule::Exact},
                                   {"balanced", SplitRule::Balanced},
                                   {"strided", SplitRule::Strided},
                                   {"cyclic", SplitRule::Cyclic},
                                   {"sizes", SplitRule::Sizes}};
  for (const Word &candidate : words)
    if (candidate.text == word) {
      rule = candidate.rule;
      return true;
    }
  return false;
}

/// What follows the axes within the parentheses of a rule.
static LogicalResult parseRuleValue(TokenStream &tokens, SplitSyntax &split) {
  bool hasFactor = split.rule == SplitRule::Strided || split.rule == SplitRule::Cyclic;
  if (!hasFactor && split.rule != SplitRule::Sizes)
    return success();
  if (failed(tokens.expect(TokenKind::Comma, ",")))
    return failure();
  split.valuePosition = tokens.current().begin;
  return hasFactor ? tokens.expectInteger(split.factor, "a factor")
                   : tokens.parseIntegerList(split.sizes);
}

static LogicalResult parseSplit(TokenStream &tokens, SplitSyntax &split) {
  split.position = tokens.current().begin;
  StringRef word = tokens.current().text();
  if (!tokens.is(TokenKind::Identifier))
    return tokens.unexpected("an axis");
  // A rule's word is a rule only before a parenthesis: axes may have any name.
  tokens.advance();
  if (!tokens.is(TokenKind::LeftParenthesis)) {
    tokens.moveTo(split.position);
    return parseAxes(tokens, split);
  }
  if (!parseRule(word, split.rule))
    return tokens.errorAt(
        split.position, "unknown split rule '" + word + "'" +
                            didYouMean(word, {"exact", "balanced", "strided", "cyclic", "sizes"}));
  tokens.advance();
  if (failed(parseAxes(tokens, split)) || failed(parseRuleValue(tokens, split)))
    return failure();
  return tokens.expect(TokenKind::RightParenthesis, ")");
}

static LogicalResult parseDim(TokenStream &tokens, DimSyntax &dim) {
  if (failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  if (tokens.consumeIf(TokenKind::RightBrace))
    return success();
  do {
    if (failed(parseSplit(tokens, dim.emplace_back())))
      return failure();
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("',' or '}'");
}

static LogicalResult parseSplitList(TokenStream &tokens, LayoutSyntax &layout) {
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (tokens.consumeIf(TokenKind::RightBracket))
    return success();
  do {
    int32_t &numParts = layout.partsPerDim.emplace_back(0);
    do {
      ++numParts;
      if (failed(parseDim(tokens, layout.dims.emplace_back())))
        return failure();
    } while (tokens.consumeIf(TokenKind::Bar));
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

LogicalResult parseReduceOp(TokenStream &tokens, ReduceOp &op) {
  StringRef word = tokens.current().text();
  std::optional<ReduceOp> parsed = parseReduceOp(word);
  if (!tokens.is(TokenKind::Identifier) || !parsed)
    return tokens.unexpected("'sum', 'avg', 'product', 'min' or 'max'");
  op = *parsed;
  tokens.advance();
  return success();
}

/// What follows the word of a placement, which is consumed.
static LogicalResult parsePlacementValue(TokenStream &tokens, PlacementSyntax &placement) {
  using Kind = PlacementSyntax::Kind;
  if (placement.kind == Kind::Replicate)
    return success();
  if (failed(tokens.expect(TokenKind::LeftParenthesis, "(")))
    return failure();
  placement.valuePosition = tokens.current().begin;
  if (placement.kind == Kind::Partial) {
    if (failed(parseReduceOp(tokens, placement.op)))
      return failure();
  } else if (failed(tokens.expectInteger(placement.dimension, "a dimension"))) {
    return failure();
  }
  if (placement.kind == Kind::StridedShard) {
    if (failed(tokens.expect(TokenKind::Comma, ",")))
      return failure();
    placement.factorPosition = tokens.current().begin;
    if (failed(tokens.expectInteger(placement.factor, "a split factor")))
      return failure();
  }
  return tokens.expect(TokenKind::RightParenthesis, ")");
}

static LogicalResult parsePlacement(TokenStream &tokens, PlacementSyntax &placement) {
  using Kind = PlacementSyntax::Kind;
  placement.position = tokens.current().begin;
  if (tokens.isWord("replicate"))
    placement.kind = Kind::Replicate;
  else if (tokens.isWord("shard"))
    placement.kind = Kind::Shard;
  else if (tokens.isWord("strided_shard"))
    placement.kind = Kind::StridedShard;
  else if (tokens.isWord("partial"))
    placement.kind = Kind::Partial;
  else
    return tokens.unexpected("'replicate', 'shard', 'strided_shard' or 'partial'");
  tokens.advance();
  return parsePlacementValue(tokens, placement);
}

static LogicalResult parsePlacementList(TokenStream &tokens, LayoutSyntax &layout) {
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  do {
    if (failed(parsePlacement(tokens, layout.placements.emplace_back())))
      return failure();
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

static LogicalResult parsePartial(TokenStream &tokens, LayoutSyntax &layout) {
  layout.partialPosition = tokens.current().begin;
  tokens.advance();
  if (failed(tokens.expect(TokenKind::Less, "<")))
    return failure();
  layout.opPosition = tokens.current().begin;
  if (failed(parseReduceOp(tokens, layout.op)) || failed(tokens.expect(TokenKind::Greater, ">")) ||
      failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  do {
    if (failed(tokens.expectIdentifier(layout.partialAxes.emplace_back(), "an axis")))
      return failure();
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("',' or '}'");
}

LogicalResult parseLayoutSyntax(TokenStream &tokens, LayoutSyntax &layout) {
  layout.position = tokens.current().begin;
  if (tokens.consumeWordIf("split")) {
    layout.form = LayoutSyntax::Form::Split;
    if (failed(parseSplitList(tokens, layout)))
      return failure();
  } else if (tokens.consumeWordIf("placements")) {
    layout.form = LayoutSyntax::Form::Placements;
    if (failed(parsePlacementList(tokens, layout)))
      return failure();
  }
  return tokens.isWord("partial") ? parsePartial(tokens, layout) : success();
}

/// Returns one past the bracket that closes the one at `cursor`, or null.
static const char *skimBrackets(const char *cursor, char open, char close) {
  int depth = 0;
  for (;; ++cursor) {
    if (*cursor == open)
      ++depth;
    else if (*cursor == close && --depth == 0)
      return cursor + 1;
    else if (*cursor == '/' || *cursor == '\0' || *cursor == '@')
      return nullptr;
  }
}

static const char *skipSpace(const char *cursor) {
  while (*cursor == ' ' || *cursor == '\n' || *cursor == '\t' || *cursor == '\r')
    ++cursor;
  return cursor;
}

static bool startsWithWord(const char *cursor, const char *word) {
  return std::strncmp(cursor, word, std::strlen(word)) == 0;
}

const char *skimLayout(const char *begin) {
  const char *end = begin;
  if (!startsWithWord(begin, "partial")) {
    while (isIdentifierCharacter(*end))
      ++end;
    end = skipSpace(end);
    if (*end != '[' || !(end = skimBrackets(end, '[', ']')))
      return nullptr;
  }
  const char *next = skipSpace(end);
  if (*next == '/') // what follows the comment may belong to the layout
    return nullptr;
  if (!startsWithWord(next, "partial"))
    return end;
  while (*next && *next != '{' && *next != '@' && *next != '/')
    ++next;
  return *next == '{' ? skimBrackets(next, '{', '}') : nullptr;
}

} // namespace xfer
