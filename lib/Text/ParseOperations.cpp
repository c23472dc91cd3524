//===- ParseOperations.cpp - route, chunk, program and what is in it ------===//
#include "BufferParser.h"
#include "LayoutSyntax.h"
#include "xfer/Text/Printer.h"
#include <algorithm>

using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

static StringRef levelName(Level level) {
  switch (level) {
  case Level::Routes:
    return "routes";
  case Level::Chunks:
    return "chunks";
  case Level::Programs:
    return "programs";
  case Level::Declarations:
    break;
  }
  return "declarations";
}

LogicalResult BufferParser::enterLevel(Level level) {
  if (module.level == level)
    return success();
  if (module.level != Level::Declarations) {
    (void)tokens.unexpected("a module of " + levelName(module.level) + " alone");
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

/// `0:2` or `0:2 by 8 x 4`, brought to canonical form.
LogicalResult BufferParser::parseSegment(DimSegments &dim) {
  const char *position = tokens.current().begin;
  int64_t begin = 0, end = 0;
  if (failed(tokens.expectInteger(begin, "an index")) ||
      failed(tokens.expect(TokenKind::Colon, ":")) ||
      failed(tokens.expectInteger(end, "the end of a range")))
    return failure();
  if (end <= begin)
    return tokens.errorAt(position, "range " + Twine(begin) + ":" + Twine(end) + " is empty");
  Segment segment = Segment::interval(begin, end);
  if (tokens.consumeWordIf("by")) {
    if (failed(tokens.expectInteger(segment.stride, "a stride")) ||
        failed(tokens.expectWord("x")) || failed(tokens.expectInteger(segment.count, "a count")))
      return failure();
    if (segment.stride < segment.run)
      return tokens.errorAt(position, "expected a stride of at least " + Twine(segment.run) +
                                          ", the length of the range, got " +
                                          Twine(segment.stride));
    if (segment.count < 1)
      return tokens.errorAt(position, "expected a count of at least 1, got 0");
    int64_t reach = 0;
    if (__builtin_mul_overflow(segment.count - 1, segment.stride, &reach) ||
        __builtin_add_overflow(reach, end, &reach))
      return tokens.errorAt(position, "range ends beyond 9223372036854775807");
    if (segment.count == 1 || segment.stride == segment.run)
      segment = Segment::interval(begin, reach);
  }
  if (!dim.empty() && (begin <= dim.back().begin || mayOverlap(dim.back(), segment)))
    return tokens.errorAt(position, "ranges must ascend without overlap, got " + Twine(begin) +
                                        " after " + Twine(dim.back().last()));
  dim.push_back(segment);
  return success();
}

LogicalResult BufferParser::parseDimSegments(DimSegments &dim) {
  if (!tokens.consumeIf(TokenKind::LeftBrace))
    return parseSegment(dim);
  do {
    if (failed(parseSegment(dim)))
      return failure();
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("',' or '}'");
}

LogicalResult BufferParser::parseRegion(RegionId &id) {
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  Region region;
  if (!tokens.consumeIf(TokenKind::RightBracket)) {
    do {
      if (failed(parseDimSegments(region.dims.emplace_back())))
        return failure();
    } while (tokens.consumeIf(TokenKind::Comma));
    if (!tokens.consumeIf(TokenKind::RightBracket))
      return tokens.unexpected("',' or ']'");
  }
  id = module.intern(region);
  return success();
}

/// `{0, 2} sum`, from the brace on.
LogicalResult BufferParser::parseGroup(TensorId tensor, SmallVectorImpl<int64_t> &sources) {
  tokens.advance();
  if (failed(tokens.parseRankItems(sources)))
    return failure();
  if (!tokens.consumeIf(TokenKind::RightBrace))
    return tokens.unexpected("',' or '}'");
  const char *position = tokens.current().begin;
  ReduceOp op = ReduceOp::None;
  if (failed(xfer::parseReduceOp(tokens, op)))
    return failure();
  state.resolver.addReduction(position, tensor, op);
  return success();
}

/// `any [0, 2]` or `any [{0, 2} sum, {1, 3} sum]`, from `any` on.
LogicalResult BufferParser::parseCandidates(TensorId tensor, Endpoints &ends,
                                            SmallVectorImpl<int64_t> &sources) {
  tokens.advance();
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (!tokens.is(TokenKind::LeftBrace)) {
    if (failed(tokens.parseRankItems(sources)))
      return failure();
  } else {
    do {
      const char *position = tokens.current().begin;
      size_t before = sources.size();
      if (!tokens.is(TokenKind::LeftBrace))
        return tokens.unexpected("'{'");
      if (failed(parseGroup(tensor, sources)))
        return failure();
      int32_t size = static_cast<int32_t>(sources.size() - before);
      if (before == 0)
        ends.groupSize = size;
      if (size != ends.groupSize)
        return tokens.errorAt(position, "expected a group of " + Twine(ends.groupSize) +
                                            " ranks as the first one, got " + Twine(size));
    } while (tokens.consumeIf(TokenKind::Comma));
  }
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

LogicalResult BufferParser::parseEndpoints(TensorId tensor, Endpoints &ends) {
  SmallVector<int64_t, 16> sources;
  if (tokens.is(TokenKind::Integer)) {
    ends.sender = tokens.current().value;
    sources.push_back(ends.sender);
    tokens.advance();
  } else if (tokens.is(TokenKind::LeftBrace)) {
    if (failed(parseGroup(tensor, sources)) || failed(tokens.expectWord("via")))
      return failure();
    const char *position = tokens.current().begin;
    if (failed(tokens.expectInteger(ends.sender, "the sender")))
      return failure();
    if (std::find(sources.begin(), sources.end(), ends.sender) == sources.end())
      return tokens.errorAt(position,
                            "sender " + Twine(ends.sender) + " is not one of the contributors");
    ends.groupSize = static_cast<int32_t>(sources.size());
  } else if (!tokens.isWord("any")) {
    return tokens.unexpected("a rank, '{' or 'any'");
  } else if (failed(parseCandidates(tensor, ends, sources))) {
    return failure();
  }
  SmallVector<int64_t, 16> destinations;
  if (failed(tokens.expect(TokenKind::Arrow, "->")) || failed(tokens.parseRankList(destinations)))
    return failure();
  ends.sources = module.internRanks(sources);
  ends.destinations = module.internRanks(destinations);
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
      failed(parseEndpoints(chunk.tensor, chunk.ends)))
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
  // The tensor of a reduction's spelling is known only from the chunks.
  size_t firstReduction = state.resolver.numReductions();
  if (failed(tokens.expectInteger(bucket.ordinal, "the number of the bucket")) ||
      failed(parseTransport(bucket.transport)) || failed(parseEndpoints(kNone, bucket.ends)) ||
      failed(parseBucketRoles(bucket.roles)) || failed(tokens.expectWord("bytes")) ||
      failed(tokens.expectInteger(bucket.bytes, "a number of bytes")) ||
      failed(tokens.expect(TokenKind::LeftBrace, "{")))
    return failure();
  if (!tokens.isWord("chunk"))
    return tokens.unexpected("'chunk'");
  while (tokens.isWord("chunk"))
    if (failed(parseProgramChunk(program, &bucket)))
      return failure();
  state.resolver.setReductionTensor(firstReduction, program.chunks.back().tensor);
  bucket.numChunks = static_cast<int32_t>(program.chunks.size()) - bucket.firstChunk;
  program.buckets.push_back(bucket);
  return tokens.consumeIf(TokenKind::RightBrace) ? success() : tokens.unexpected("'chunk' or '}'");
}

/// `offset 0 sizes [4, 8] strides [16, 1]`, brought to canonical form.
LogicalResult BufferParser::parseStridedRegion(StridedRegionId &id) {
  StridedRegion region;
  if (failed(tokens.expectWord("offset")) ||
      failed(tokens.expectInteger(region.offset, "an offset")) ||
      failed(tokens.expectWord("sizes")))
    return failure();
  const char *sizesPosition = tokens.current().begin;
  if (failed(tokens.parseIntegerList(region.sizes)) || failed(tokens.expectWord("strides")))
    return failure();
  const char *stridesPosition = tokens.current().begin;
  if (failed(tokens.parseIntegerList(region.strides)))
    return failure();
  if (region.sizes.size() != region.strides.size())
    return tokens.errorAt(stridesPosition, "expected " + Twine(region.sizes.size()) +
                                               " strides, one for each size, got " +
                                               Twine(region.strides.size()));
  int64_t elements = 1, reach = region.offset;
  for (size_t i = 0; i < region.sizes.size(); ++i) {
    int64_t size = region.sizes[i], stride = region.strides[i], span = 0;
    if (size < 1)
      return tokens.errorAt(sizesPosition, "expected sizes of at least 1, got 0");
    if (stride < 1)
      return tokens.errorAt(stridesPosition, "expected strides of at least 1, got 0");
    if (__builtin_mul_overflow(elements, size, &elements) ||
        __builtin_mul_overflow(size, stride, &span) || __builtin_add_overflow(reach, span, &reach))
      return tokens.errorAt(sizesPosition, "region reaches beyond 9223372036854775807 elements");
  }
  region.canonicalize();
  id = module.intern(region);
  return success();
}

LogicalResult BufferParser::parseProgramChunk(Program &program, const Bucket *bucket) {
  ProgramChunk chunk;
  chunk.loc = tokens.location();
  tokens.advance();
  if (failed(parseTensorUse(chunk.tensor)) || failed(parseRegion(chunk.region)))
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
