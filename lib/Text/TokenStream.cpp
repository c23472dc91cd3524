//===- TokenStream.cpp - One token of look-ahead --------------------------===//
#include "TokenStream.h"
#include "xfer/IR/Mesh.h"

using llvm::SmallVectorImpl;
using llvm::Twine;

namespace xfer {

LogicalResult TokenStream::unexpected(const Twine &what) {
  if (is(TokenKind::Invalid))
    return diagnostics.error(location(), Lexer::explain(token));
  // The end of the file is reported where the text stops, not after what blank lines follow.
  if (is(TokenKind::EndOfFile))
    return errorAt(consumedEnd ? consumedEnd : token.begin,
                   "expected " + what + ", got end of file");
  return diagnostics.error(location(), "expected " + what + ", got '" + token.text() + "'");
}

LogicalResult TokenStream::parseRankItems(SmallVectorImpl<int64_t> &ranks,
                                          SmallVectorImpl<RankItem> *items) {
  do {
    const char *position = token.begin;
    if (items)
      items->push_back({position, ranks.size()});
    int64_t first = 0, end = 0;
    if (failed(expectInteger(first, "a rank")))
      return failure();
    int64_t left = kMaxMeshRanks - static_cast<int64_t>(ranks.size());
    if (!consumeIf(TokenKind::Colon)) {
      if (left < 1)
        return errorAt(position,
                       "a list of ranks has at most " + Twine(kMaxMeshRanks) + " entries");
      ranks.push_back(first);
      continue;
    }
    if (failed(expectInteger(end, "the end of a range of ranks")))
      return failure();
    if (end <= first)
      return errorAt(position, "range " + Twine(first) + ":" + Twine(end) + " is empty");
    if (end - first > left)
      return errorAt(position, "a list of ranks has at most " + Twine(kMaxMeshRanks) + " entries");
    for (int64_t rank = first; rank < end; ++rank)
      ranks.push_back(rank);
  } while (consumeIf(TokenKind::Comma));
  return success();
}

LogicalResult TokenStream::parseRankList(SmallVectorImpl<int64_t> &ranks,
                                         SmallVectorImpl<RankItem> *items) {
  if (failed(expect(TokenKind::LeftBracket, "[")) || failed(parseRankItems(ranks, items)))
    return failure();
  return consumeIf(TokenKind::RightBracket) ? success() : unexpected("',' or ']'");
}

LogicalResult TokenStream::parseIntegerList(SmallVectorImpl<int64_t> &values) {
  if (failed(expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (consumeIf(TokenKind::RightBracket))
    return success();
  do {
    int64_t value = 0;
    if (failed(expectInteger(value, "an integer")))
      return failure();
    values.push_back(value);
  } while (consumeIf(TokenKind::Comma));
  return consumeIf(TokenKind::RightBracket) ? success() : unexpected("',' or ']'");
}

} // namespace xfer
