//===- VerifyOperations.cpp - What lowered operations must satisfy --------===//
//
// Entry point: verifyModule. Whether bytes arrive where they should is
// verify-plan's question.
//===----------------------------------------------------------------------===//
#include "VerifyPrograms.h"
#include "xfer/IR/Verifier.h"

namespace xfer {

/// Verifies:
/// - tensor, target, region and ends of each route;
/// - the type is the one that its endpoints make it.
static LogicalResult verifyRoutes(const Module &module, Diagnostics &diagnostics) {
  OperandVerifier operands(module, diagnostics);
  LogicalResult result = success();
  for (const Route &route : module.routes)
    if (failed(operands.verify(route)) ||
        failed(operands.verifyType(route.loc, route.ends, route.type)))
      result = failure();
  return result;
}

/// Verifies, beyond what holds for a route:
/// - the sender is chosen, the region strided.
static LogicalResult verifyChunks(const Module &module, Diagnostics &diagnostics) {
  OperandVerifier operands(module, diagnostics);
  LogicalResult result = success();
  for (const Chunk &chunk : module.chunks)
    if (failed(operands.verifyChunk(chunk)) ||
        failed(operands.verifyType(chunk.loc, chunk.ends, chunk.type)))
      result = failure();
  return result;
}

LogicalResult verifyModule(const Module &module, Diagnostics &diagnostics) {
  if (failed(verifyDeclarations(module, diagnostics)))
    return failure();
  switch (module.level) {
  case Level::Declarations:
    break;
  case Level::Routes:
    return verifyRoutes(module, diagnostics);
  case Level::Chunks:
    return verifyChunks(module, diagnostics);
  case Level::Programs:
    return verifyPrograms(module, diagnostics);
  }
  return success();
}

} // namespace xfer
