//===- BufferParser.h - One buffer into the module --------------*- C++ -*-===//
//
// Recursive descent over one buffer. Declarations are in
// ParseDeclarations.cpp, lowered operations in ParseOperations.cpp, and what the
// latter consist of in ParseRegions.cpp and ParseEndpoints.cpp.
//===----------------------------------------------------------------------===//
#pragma once
#include "ParserState.h"
#include "TokenStream.h"

namespace xfer {

/// Endpoints, and the reduction that they spell if they are of a partial source.
struct EndpointsSyntax {
  Endpoints ends;
  ReduceOp op = ReduceOp::None;
  const char *opPosition = nullptr;
};

class BufferParser {
public:
  BufferParser(llvm::StringRef text, ParserState &state, Diagnostics &diagnostics)
      : text(text), tokens(text, diagnostics), state(state), module(state.module) {}

  /// Parses every statement. After an error, continues at the next line that begins with a
  /// declaration's word.
  LogicalResult run();

private:
  LogicalResult parseStatement();
  bool moveToNextDeclaration(const char *cursor);

  LogicalResult parseMesh();
  LogicalResult parseMeshAxes(Mesh &mesh, llvm::SmallVectorImpl<const char *> &positions);
  LogicalResult declareMesh(Mesh mesh);
  LogicalResult parseTensor();
  LogicalResult declareTensor(Tensor tensor);
  LogicalResult parseTensorShape(Tensor &tensor);
  LogicalResult parseScales(Tensor &tensor);
  LogicalResult parseSide(bool isTarget);
  LogicalResult parseLayoutClause(LayoutClause &clause);
  LogicalResult parseAlias();
  LogicalResult parseStorage(bool isTarget, const char *position);
  LogicalResult parseStorageDims(StorageStatement &storage);
  LogicalResult parseStoragePart(StorageStatement &storage, StorageDim &dim);
  LogicalResult parseRun(StorageStatement &storage, StoragePart &part);
  LogicalResult parseView(StorageStatement &storage);
  LogicalResult parseEntry(EntrySyntax &entry);
  LogicalResult parseFactor(FactorSyntax &factor);
  LogicalResult parseDType(DType &dtype);
  LogicalResult redeclared(const char *position, const llvm::Twine &text, llvm::SMLoc previous);

  LogicalResult enterLevel(Level level);
  LogicalResult parseRoute();
  LogicalResult parseChunk();
  LogicalResult parseProgram();
  LogicalResult parseProgramItem(Program &program);
  LogicalResult parseWindow(Program &program);
  LogicalResult parseBucket(Program &program);
  LogicalResult parseBucketRoles(Roles &roles);
  LogicalResult parseProgramChunk(Program &program, const Bucket *bucket);
  LogicalResult parseTensorUse(TensorId &tensor);
  LogicalResult parseCopy(int32_t &targetIndex);
  LogicalResult parseRegion(RegionId &region);
  LogicalResult parseDimSegments(DimSegments &dim);
  LogicalResult parseSegment(DimSegments &dim, int64_t &numIntervals);
  LogicalResult parseEndpoints(TensorId tensor, Endpoints &ends);
  LogicalResult parseEndpoints(EndpointsSyntax &syntax);
  LogicalResult parseSources(EndpointsSyntax &syntax, llvm::SmallVectorImpl<int64_t> &sources);
  LogicalResult parseCandidates(EndpointsSyntax &syntax, llvm::SmallVectorImpl<int64_t> &sources);
  LogicalResult parseGroup(EndpointsSyntax &syntax, llvm::SmallVectorImpl<int64_t> &sources);
  void useReduction(const EndpointsSyntax &syntax, TensorId tensor);
  LogicalResult parseRouteType(RouteType &type);
  LogicalResult parseTransport(Transport &transport);
  LogicalResult parseStridedRegion(StridedRegionId &region);

  llvm::StringRef text;
  TokenStream tokens;
  ParserState &state;
  Module &module;
};

} // namespace xfer
