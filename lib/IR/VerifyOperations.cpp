//===- VerifyOperations.cpp - What lowered operations must satisfy --------===//
//
// Entry point: verifyModule. Whether bytes arrive where they should is
// verify-plan's question.
//===----------------------------------------------------------------------===//
#include "OperandVerifier.h"
#include "VerifyPrograms.h"
#include "xfer/IR/Verifier.h"

namespace xfer {

static LogicalResult verifyOperands(OperandVerifier &operands, const Route &route) {
  return operands.verify(route);
}
static LogicalResult verifyOperands(OperandVerifier &operands, const Chunk &chunk) {
  return operands.verifyChunk(chunk);
}

/// Verifies, of all routes or all chunks:
/// - tensor, target, region and ends;
/// - the type is the one that its endpoints make it.
template <typename Operation>
static LogicalResult verifyAll(const std::vector<Operation> &operations, const Module &module,
                               Diagnostics &diagnostics) {
  OperandVerifier operands(module, diagnostics);
  LogicalResult result = success();
  for (const Operation &operation : operations)
    if (failed(verifyOperands(operands, operation)) ||
        failed(operands.verifyType(operation.loc, operation.ends, operation.type)))
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
    return verifyAll(module.routes, module, diagnostics);
  case Level::Chunks:
    return verifyAll(module.chunks, module, diagnostics);
  case Level::Programs:
    return verifyPrograms(module, diagnostics);
  }
  return success();
}

} // namespace xfer
