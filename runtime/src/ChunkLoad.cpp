//===- ChunkLoad.cpp - Reads and checks where chunks read and write -------===//
//===----------------------------------------------------------------------===//
#include "PlanReader.h"
#include <limits>

namespace xfer::runtime {
namespace {

constexpr uint32_t kNoNumber = std::numeric_limits<uint32_t>::max();

/// The place among a program's bindings of its target number `target`.
Status findTarget(uint32_t target, const Program &program, int32_t &binding) {
  if (target >= program.bindings.size() - program.numSources)
    return invalidPlan("target ", target, " is unknown, the rank has ",
                       program.bindings.size() - program.numSources);
  binding = static_cast<int32_t>(program.numSources + target);
  return {};
}

} // namespace

/// Verifies that a nest stays inside the tensor it names elements of.
Status PlanReader::checkNest(uint32_t region, const BindingSpec &binding) const {
  if (region >= plan.nests.size())
    return invalidPlan("region ", region, " is unknown");
  if (nestEnds[region] > binding.numElements)
    return invalidPlan("region ", region, " reaches element ", nestEnds[region] - 1, " of ",
                       binding.side == XFER_SOURCE ? "source" : "target", " '", *binding.name,
                       "', which has ", binding.numElements);
  return {};
}

/// Verifies:
/// - the chunk has a source exactly if the rank contributes, a target exactly if it is a
/// destination;
/// - each names a binding of the program and elements inside it;
/// - the stored types cast to and from the wire's;
/// - a reduce bucket's source says how it reduces;
/// - both sides have equally many elements.
Status PlanReader::readChunk(const fb::Chunk &from, const BucketStep &bucket,
                             const Program &program, ChunkStep &chunk) {
  if (from.tensor() >= plan.tensors.size())
    return invalidPlan("tensor ", from.tensor(), " is unknown");
  const TensorSpec &tensor = plan.tensors[from.tensor()];
  auto isThere = [](uint32_t number) { return number != kNoNumber; };
  if (isThere(from.source()) != bucket.isSource ||
      isThere(from.source_region()) != bucket.isSource ||
      isThere(from.target()) != bucket.isTarget || isThere(from.target_region()) != bucket.isTarget)
    return invalidPlan("roles do not fit the bucket's ends ", describeEnds(plan, bucket));
  chunk.tensor = static_cast<int32_t>(from.tensor());
  chunk.wireDType = tensor.dtype;
  chunk.offset = from.offset();
  if (bucket.isSource) {
    if (from.source() >= program.numSources)
      return invalidPlan("source ", from.source(), " is unknown, the rank has ",
                         program.numSources);
    chunk.sourceBinding = static_cast<int32_t>(from.source());
    const BindingSpec &source = program.binding(chunk.sourceBinding);
    if (Status status = checkNest(from.source_region(), source); !status.isOk())
      return status;
    if (!canCast(source.dtype, tensor.dtype))
      return invalidPlan("source '", *source.name, "' of ", spelling(source.dtype),
                         " cannot be cast to the wire's ", spelling(tensor.dtype));
    if (bucket.isReduce && source.reduce == ReduceOp::None)
      return invalidPlan("source '", *source.name, "' has several contributors but no reduction");
    chunk.sourceNest = static_cast<int32_t>(from.source_region());
    chunk.numElements = plan.nests[from.source_region()].numElements;
  }
  if (bucket.isTarget) {
    if (Status status = findTarget(from.target(), program, chunk.targetBinding); !status.isOk())
      return status;
    const BindingSpec &target = program.binding(chunk.targetBinding);
    if (Status status = checkNest(from.target_region(), target); !status.isOk())
      return status;
    if (!canCast(tensor.dtype, target.dtype))
      return invalidPlan("target '", *target.name, "' of ", spelling(target.dtype),
                         " cannot be cast from the wire's ", spelling(tensor.dtype));
    chunk.targetNest = static_cast<int32_t>(from.target_region());
    const int64_t numElements = plan.nests[from.target_region()].numElements;
    if (bucket.isSource && numElements != chunk.numElements)
      return invalidPlan("source has ", chunk.numElements, " elements, target ", numElements);
    chunk.numElements = numElements;
  }
  return {};
}

/// Verifies that zeros lie in targets of the rank, and do not take longer than these are large.
Status PlanReader::readZeros(const fb::Program &from, Program &program) const {
  for (size_t i = 0; i < sizeOf(from.zeros()); ++i) {
    const fb::Zeros &zeros = *from.zeros()->Get(static_cast<flatbuffers::uoffset_t>(i));
    ZeroStep step;
    Status status = findTarget(zeros.target(), program, step.binding);
    if (status.isOk())
      status = checkNest(zeros.region(), program.binding(step.binding));
    if (!status.isOk())
      return invalidPlan("zeros ", i, ": ", status.text());
    if (const LoopNest &nest = plan.nests[zeros.region()];
        nest.numElements > program.binding(step.binding).numElements)
      return invalidPlan("zeros ", i, ": region ", zeros.region(), " repeats elements");
    step.nest = static_cast<int32_t>(zeros.region());
    program.zeros.push_back(step);
  }
  return {};
}

} // namespace xfer::runtime
