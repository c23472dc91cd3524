//===- ParseOperations.cpp - route, chunk, program and what is in it ------===//
//
// One function for each lowered operation. What holds for an operation as a
// whole is the verifier's question.
//===----------------------------------------------------------------------===//
#include "BufferParser.h"
#include "xfer/Text/Printer.h"
#include <limits>

using llvm::SMLoc;
using llvm::StringRef;

namespace xfer {

LogicalResult BufferParser::enterLevel(Level level) {
  if (module.level == level)
    return success();
  if (module.level != Level::Declarations) {
    (void)tokens.unexpected("a module of " + spelling(module.level) + " alone");
    tokens.noteAt(SMLoc::getFromPointer(state.firstOperation), "the first one is here");
    return failure();
  }
  module.level = level;
  state.firstOperation = tokens.current().begin;
  return success();
}

LogicalResult BufferParser::parseTensorUse(TensorId &tensor) {
  StringRef name;
  if (failed(tokens.expectSymbol(name, "the name of a tensor")))
    return failure();
  tensor = state.resolver.useTensor(name);
  return success();
}

/// `copy 1`: which of the targets that a rank holds of one tensor.
LogicalResult BufferParser::parseCopy(int32_t &targetIndex) {
  const char *position = tokens.current().begin;
  if (!tokens.consumeWordIf("copy"))
    return success();
  int64_t copy = 0;
  if (failed(tokens.expectInteger(copy, "the number of a copy")))
    return failure();
  if (copy > std::numeric_limits<int32_t>::max())
    return tokens.errorAt(position, "copy " + llvm::Twine(copy) + " is out of range");
  targetIndex = static_cast<int32_t>(copy); // among the targets of the rank, until all are known
  return success();
}

LogicalResult BufferParser::parseRouteType(RouteType &type) {
  for (RouteType candidate :
       {RouteType::Unicast, RouteType::Multicast, RouteType::Local, RouteType::Reduce})
    if (tokens.consumeWordIf(spelling(candidate))) {
      type = candidate;
      return success();
    }
  return tokens.unexpected("'unicast', 'multicast', 'local' or 'reduce'");
}

LogicalResult BufferParser::parseTransport(Transport &transport) {
  for (Transport candidate :
       {Transport::P2P, Transport::Broadcast, Transport::Local, Transport::None})
    if (tokens.consumeWordIf(spelling(candidate))) {
      transport = candidate;
      return success();
    }
  return tokens.unexpected("'p2p', 'broadcast', 'local' or 'none'");
}

LogicalResult BufferParser::parseRoute() {
  if (failed(enterLevel(Level::Routes)))
    return failure();
  Route route;
  route.loc = tokens.location();
  tokens.advance();
  if (failed(parseTensorUse(route.tensor)) || failed(parseRegion(route.region)) ||
      failed(parseCopy(route.targetIndex)) ||
      failed(parseEndpoints(route.tensor, route.ends)))
    return failure();
  if (tokens.consumeIf(TokenKind::Colon) && failed(parseRouteType(route.type)))
    return failure();
  module.routes.push_back(route);
  return success();
}

LogicalResult BufferParser::parseChunk() {
  if (failed(enterLevel(Level::Chunks)))
    return failure();
  Chunk chunk;
  chunk.loc = tokens.location();
  tokens.advance();
  if (failed(parseTensorUse(chunk.tensor)) || failed(parseRegion(chunk.region)) ||
      failed(parseCopy(chunk.targetIndex)) || failed(parseEndpoints(chunk.tensor, chunk.ends)))
    return failure();
  if (tokens.consumeIf(TokenKind::Colon)) {
    if (failed(parseRouteType(chunk.type)))
      return failure();
  } else if (tokens.consumeWordIf("transport") && failed(parseTransport(chunk.transport))) {
    return failure();
  }
  module.chunks.push_back(chunk);
  return success();
}

LogicalResult BufferParser::parseProgram() {
  if (failed(enterLevel(Level::Programs)))
    return failure();
  Program program;
  program.loc = tokens.location();
  tokens.advance();
  if (failed(tokens.expectWord("rank")) || failed(tokens.expectInteger(program.rank, "a rank")) ||
      failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  while (!tokens.consumeIf(TokenKind::RightBrace))
    if (failed(parseProgramItem(program)))
      return failure();
  module.programs.push_back(std::move(program));
  return success();
}

/// A program holds chunks alone, or buckets alone, or windows alone.
LogicalResult BufferParser::parseProgramItem(Program &program) {
  bool hasWindows = !program.windows.empty();
  bool hasBuckets = !program.buckets.empty() && !hasWindows;
  bool hasChunks = !program.chunks.empty() && program.buckets.empty();
  if (tokens.isWord("chunk") && !hasWindows && !hasBuckets)
    return parseProgramChunk(program, nullptr);
  if (tokens.isWord("bucket") && !hasWindows && !hasChunks)
    return parseBucket(program);
  if (tokens.isWord("window") && !hasBuckets && !hasChunks)
    return parseWindow(program);
  if (hasWindows)
    return tokens.unexpected("'window' or '}'");
  if (hasBuckets)
    return tokens.unexpected("'bucket' or '}'");
  if (hasChunks)
    return tokens.unexpected("'chunk' or '}'");
  return tokens.unexpected("'chunk', 'bucket', 'window' or '}'");
}

LogicalResult BufferParser::parseWindow(Program &program) {
  Window window;
  window.loc = tokens.location();
  window.firstBucket = static_cast<int32_t>(program.buckets.size());
  tokens.advance();
  if (failed(tokens.expectInteger(window.index, "the number of the window")) ||
      failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  while (tokens.isWord("bucket"))
    if (failed(parseBucket(program)))
      return failure();
  window.numBuckets = static_cast<int32_t>(program.buckets.size()) - window.firstBucket;
  program.windows.push_back(window);
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("'bucket' or '}'");
}

LogicalResult BufferParser::parseBucketRoles(Roles &roles) {
  if (failed(tokens.expectWord("roles")) || failed(tokens.expect(TokenKind::LeftParenthesis, "(")))
    return failure();
  roles.source = tokens.consumeWordIf("source");
  if (roles.source && !tokens.consumeIf(TokenKind::Comma))
    return tokens.expect(TokenKind::RightParenthesis, ")");
  if (!tokens.consumeWordIf("target"))
    return tokens.unexpected(roles.source ? "'target'" : "'source' or 'target'");
  roles.target = true;
  return tokens.expect(TokenKind::RightParenthesis, ")");
}

LogicalResult BufferParser::parseBucket(Program &program) {
  Bucket bucket;
  bucket.loc = tokens.location();
  bucket.firstChunk = static_cast<int32_t>(program.chunks.size());
  tokens.advance();
  EndpointsSyntax ends;
  if (failed(tokens.expectInteger(bucket.ordinal, "the number of the bucket")) ||
      failed(parseTransport(bucket.transport)) || failed(parseEndpoints(ends)) ||
      failed(parseBucketRoles(bucket.roles)) || failed(tokens.expectWord("bytes")) ||
      failed(tokens.expectInteger(bucket.bytes, "a number of bytes")) ||
      failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  bucket.ends = ends.ends;
  if (!tokens.isWord("chunk"))
    return tokens.unexpected("'chunk'");
  while (tokens.isWord("chunk"))
    if (failed(parseProgramChunk(program, &bucket)))
      return failure();
  useReduction(ends, program.chunks.back().tensor);
  bucket.numChunks = static_cast<int32_t>(program.chunks.size()) - bucket.firstChunk;
  program.buckets.push_back(bucket);
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("'chunk' or '}'");
}

LogicalResult BufferParser::parseProgramChunk(Program &program, const Bucket *bucket) {
  ProgramChunk chunk;
  chunk.loc = tokens.location();
  tokens.advance();
  if (failed(parseTensorUse(chunk.tensor)) || failed(parseRegion(chunk.region)) ||
      failed(parseCopy(chunk.targetIndex)))
    return failure();
  if (bucket) {
    chunk.ends = bucket->ends;
    chunk.transport = bucket->transport;
  } else if (failed(parseEndpoints(chunk.tensor, chunk.ends)) ||
             failed(tokens.expectWord("transport")) || failed(parseTransport(chunk.transport))) {
    return failure();
  }
  if (!tokens.isWord("source") && !tokens.isWord("target"))
    return tokens.unexpected("'source' or 'target'");
  if (tokens.consumeWordIf("source") && failed(parseStridedRegion(chunk.source)))
    return failure();
  if (tokens.consumeWordIf("target") && failed(parseStridedRegion(chunk.target)))
    return failure();
  if (bucket && (failed(tokens.expectWord("at")) ||
                 failed(tokens.expectInteger(chunk.offset, "an offset in bytes"))))
    return failure();
  program.chunks.push_back(chunk);
  return success();
}

} // namespace xfer
