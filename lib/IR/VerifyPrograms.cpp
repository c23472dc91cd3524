//===- VerifyPrograms.cpp - Windows, buckets and chunks of programs -------===//
#include "VerifyPrograms.h"
#include "OperandVerifier.h"

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {
namespace {

class ProgramVerifier {
public:
  ProgramVerifier(const Module &module, Diagnostics &diagnostics)
      : module(module), diagnostics(diagnostics), operands(module, diagnostics) {}

  LogicalResult run();

private:
  LogicalResult error(SMLoc loc, const Twine &text) { return diagnostics.error(loc, text); }

  LogicalResult verifyProgram(const Program &program);
  LogicalResult notePlace(SMLoc loc, StringRef what, int64_t number, const Program &program);
  LogicalResult verifyNesting(const Program &program);
  LogicalResult verifyProgramChunk(const ProgramChunk &chunk);
  LogicalResult verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id);
  LogicalResult verifyBucket(const Program &program, const Bucket &bucket);
  LogicalResult verifyReduction(const Program &program, const Bucket &bucket);
  LogicalResult verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk, int64_t &end);

  const Module &module;
  Diagnostics &diagnostics;
  OperandVerifier operands;
};
} // namespace

/// Verifies:
/// - the local region is well-formed and has as many elements as the global one.
LogicalResult ProgramVerifier::verifyLocalRegion(const ProgramChunk &chunk, StridedRegionId id) {
  if (id == kNone)
    return success();
  if (id < 0 || id >= module.numStridedRegions())
    return error(chunk.loc, "chunk without its local region");
  const OperandFacts::Facts &local = operands.facts.ofStridedRegion(id);
  if (local.wrong)
    return error(chunk.loc, "local region " + Twine(local.wrong));
  if (int64_t elements = operands.facts.ofRegion(chunk.region).elements; local.elements != elements)
    return error(chunk.loc, "local region has " + Twine(local.elements) +
                                " elements, but the chunk has " + Twine(elements));
  return success();
}

/// Verifies, beyond what holds for a chunk:
/// - it has a transport and at least one role;
/// - each local region matches the global one.
LogicalResult ProgramVerifier::verifyProgramChunk(const ProgramChunk &chunk) {
  if (failed(operands.verifyChunk(chunk)))
    return failure();
  if (chunk.transport == Transport::Unassigned)
    return error(chunk.loc, "a chunk of a program has a transport");
  if (chunk.source == kNone && chunk.target == kNone)
    return error(chunk.loc, "a chunk of a program has a role");
  if (failed(verifyLocalRegion(chunk, chunk.source)))
    return failure();
  return verifyLocalRegion(chunk, chunk.target);
}

/// Verifies:
/// - the chunk has its bucket's endpoints and transport;
/// - it lies inside the bucket, at a multiple of its element's width;
/// - it begins where the chunk before it ends, at byte `end`; its own end replaces that.
LogicalResult ProgramVerifier::verifyBucketChunk(const Bucket &bucket, const ProgramChunk &chunk,
                                                 int64_t &end) {
  if (chunk.ends != bucket.ends || chunk.transport != bucket.transport)
    return error(chunk.loc, "a chunk has the endpoints and the transport of its bucket");
  int64_t width = byteWidth(module.tensors[chunk.tensor].dtype), before = end;
  if (chunk.offset < 0 || chunk.offset % width)
    return error(chunk.loc, "offset " + Twine(chunk.offset) + " is not a multiple of " +
                                Twine(width) + ", the width of an element");
  if (__builtin_mul_overflow(operands.facts.ofRegion(chunk.region).elements, width, &end) ||
      __builtin_add_overflow(end, chunk.offset, &end) || end > bucket.bytes)
    return error(chunk.loc, "chunk ends at byte " + Twine(end) + ", but the bucket has " +
                                Twine(bucket.bytes));
  if (chunk.offset < before || chunk.offset - before >= width)
    return error(chunk.loc, "chunk begins at byte " + Twine(chunk.offset) +
                                ", expected the first multiple of " + Twine(width) + " from byte " +
                                Twine(before) + " on");
  return success();
}

/// Verifies that the sources of what several ranks contribute are partial, all by one reduction,
/// which the text says once, and of one type, so that each contribution lies aligned.
LogicalResult ProgramVerifier::verifyReduction(const Program &program, const Bucket &bucket) {
  if (!bucket.ends.isReduce())
    return success();
  ArrayRef<ProgramChunk> chunks =
      ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks);
  const Tensor &firstTensor = module.tensors[chunks.front().tensor];
  ReduceOp first = module.reductionOf(firstTensor);
  for (const ProgramChunk &chunk : chunks) {
    const Tensor &tensor = module.tensors[chunk.tensor];
    ReduceOp op = module.reductionOf(tensor);
    if (op == ReduceOp::None)
      return error(chunk.loc, "several ranks contribute to '@" + tensor.name +
                                  "', whose source is not partial");
    if (op != first)
      return error(chunk.loc, "'@" + tensor.name + "' is reduced by '" + spelling(op) +
                                  "', expected '" + spelling(first) + "' as the chunks before it");
    if (tensor.source->dtype != firstTensor.source->dtype)
      return error(chunk.loc, "contributions to '@" + tensor.name + "' are '" +
                                  spelling(tensor.source->dtype) + "', expected '" +
                                  spelling(firstTensor.source->dtype) +
                                  "' as the chunks before it");
  }
  return success();
}

/// Verifies:
/// - its number is not negative;
/// - each of its chunks is right, and the last ends where it does;
/// - its roles are the union of theirs.
LogicalResult ProgramVerifier::verifyBucket(const Program &program, const Bucket &bucket) {
  if (bucket.ordinal < 0)
    return error(bucket.loc, "bucket has the negative number " + Twine(bucket.ordinal));
  Roles roles;
  int64_t end = 0;
  for (const ProgramChunk &chunk :
       ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks)) {
    if (failed(verifyBucketChunk(bucket, chunk, end)))
      return failure();
    roles.source |= chunk.roles().source;
    roles.target |= chunk.roles().target;
  }
  if (failed(verifyReduction(program, bucket)))
    return failure();
  if (end != bucket.bytes)
    return error(bucket.loc, "bucket has " + Twine(bucket.bytes) +
                                 " bytes, but its chunks end at byte " + Twine(end));
  if (roles != bucket.roles)
    return error(bucket.loc, "the roles of a bucket are those of its chunks");
  return success();
}

/// Verifies:
/// - windows follow each other, ascending, and hold all buckets;
/// - buckets follow each other and hold all chunks.
LogicalResult ProgramVerifier::verifyNesting(const Program &program) {
  int64_t nextBucket = 0, previousIndex = -1;
  for (const Window &window : program.windows) {
    if (window.index <= previousIndex)
      return error(window.loc, "window " + Twine(window.index) + " after window " +
                                   Twine(previousIndex) + ", expected ascending windows");
    if (window.firstBucket != nextBucket || window.numBuckets < 1)
      return error(window.loc, "window without buckets");
    previousIndex = window.index;
    nextBucket += window.numBuckets;
  }
  if (!program.windows.empty() && nextBucket != static_cast<int64_t>(program.buckets.size()))
    return error(program.loc, "a bucket outside every window");
  int64_t nextChunk = 0;
  for (const Bucket &bucket : program.buckets) {
    if (bucket.firstChunk != nextChunk || bucket.numChunks < 1)
      return error(bucket.loc, "bucket without chunks");
    nextChunk += bucket.numChunks;
  }
  if (!program.buckets.empty() && nextChunk != static_cast<int64_t>(program.chunks.size()))
    return error(program.loc, "a chunk outside every bucket");
  return success();
}

LogicalResult ProgramVerifier::verifyProgram(const Program &program) {
  if (!operands.facts.isKnownRank(program.rank))
    return error(program.loc, "no mesh has rank " + Twine(program.rank));
  if (failed(verifyNesting(program)))
    return failure();
  for (const ProgramChunk &chunk : program.chunks)
    if (failed(verifyProgramChunk(chunk)))
      return notePlace(chunk.loc, "chunk", &chunk - program.chunks.data(), program);
  for (const Bucket &bucket : program.buckets)
    if (failed(verifyBucket(program, bucket)))
      return notePlace(bucket.loc, "bucket", &bucket - program.buckets.data(), program);
  return success();
}

/// Says in words where an operation stands that came from a plan file and has no line. Fails.
LogicalResult ProgramVerifier::notePlace(SMLoc loc, StringRef what, int64_t number,
                                         const Program &program) {
  if (!loc.isValid())
    diagnostics.note(loc, "in " + what + " " + Twine(number) + " of the program of rank " +
                              Twine(program.rank));
  return failure();
}

LogicalResult ProgramVerifier::run() {
  for (size_t i = 1; i < module.programs.size(); ++i)
    if (module.programs[i].rank <= module.programs[i - 1].rank) {
      (void)error(module.programs[i].loc,
                  "rank " + Twine(module.programs[i].rank) + " has two programs");
      diagnostics.note(module.programs[i - 1].loc, "the other one is here");
      return failure();
    }
  LogicalResult result = success();
  for (const Program &program : module.programs)
    if (failed(verifyProgram(program)))
      result = failure();
  return result;
}

LogicalResult verifyPrograms(const Module &module, Diagnostics &diagnostics) {
  return ProgramVerifier(module, diagnostics).run();
}

} // namespace xfer
