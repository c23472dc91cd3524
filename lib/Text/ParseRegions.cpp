//===- ParseRegions.cpp - Global and local regions ------------------------===//
//
// Regions of lowered operations are brought to canonical form as they are read.
// What is wrong here is reported at its token; the verifier knows only the
// operation.
//===----------------------------------------------------------------------===//
#include "BufferParser.h"
#include "xfer/IR/SplitRules.h"

using llvm::Twine;

namespace xfer {

/// `0:2` or `0:2 by 8 x 4`, brought to canonical form.
LogicalResult BufferParser::parseSegment(DimSegments &dim, int64_t &numIntervals) {
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
    if (segment.count == 1)
      segment = Segment::interval(begin, end);
  }
  if (segment.count > kMaxIntervals - numIntervals)
    return tokens.errorAt(position, "region has more than " + Twine(kMaxIntervals) +
                                        " intervals in a dimension");
  numIntervals += segment.count;
  if (!dim.empty() && (begin <= dim.back().begin || mayOverlap(dim.back(), segment)))
    return tokens.errorAt(position, "ranges must ascend without overlap, got " + Twine(begin) +
                                        " after " + Twine(dim.back().last()));
  dim.push_back(segment);
  return success();
}

LogicalResult BufferParser::parseDimSegments(DimSegments &dim) {
  int64_t numIntervals = 0;
  if (!tokens.consumeIf(TokenKind::LeftBrace))
    return parseSegment(dim, numIntervals);
  do {
    if (failed(parseSegment(dim, numIntervals)))
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

} // namespace xfer
