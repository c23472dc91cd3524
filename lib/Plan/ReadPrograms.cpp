//===- ReadPrograms.cpp - The programs of a plan --------------------------===//
#include "CheckBindings.h"
#include "PlanReader.h"

using llvm::Twine;

namespace xfer {

/// Verifies that programs ascend by rank.
LogicalResult PlanReader::readPrograms() {
  module->level = Level::Programs;
  for (size_t i = 0; i < sizeOf(plan->programs()); ++i) {
    const fb::Program &from = *at(plan->programs(), i);
    if (i && from.rank() <= module->programs.back().rank)
      return error("programs do not ascend by rank at " + Twine(from.rank()));
    Program &to = module->programs.emplace_back();
    to.rank = from.rank();
    if (failed(readProgram(from, to)))
      return failure();
  }
  return success();
}

LogicalResult PlanReader::checkBindings() {
  BindingChecker checker(*module, *plan, diagnostics);
  for (size_t i = 0; i < module->programs.size(); ++i)
    if (failed(checker.check(*at(plan->programs(), i), module->programs[i])))
      return failure();
  return success();
}

/// Verifies:
/// - its vectors may be read, and every chunk is described;
/// - windows ascend, and have the buckets one after the other.
LogicalResult PlanReader::readProgram(const fb::Program &from, Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("program of rank " + Twine(to.rank) + " " + text);
  };
  if (!vectors.mayRead(from.windows()) || !vectors.mayRead(from.buckets()) ||
      !vectors.mayRead(from.chunks()) || !vectors.mayRead(from.logical()) ||
      !vectors.mayRead(from.zeros()))
    return wrong("is misaligned or shares its parts");
  if (sizeOf(from.logical()) != sizeOf(from.chunks()))
    return wrong("has " + Twine(sizeOf(from.chunks())) + " chunks, but says of " +
                 Twine(sizeOf(from.logical())) + " which logical regions they are");
  for (size_t w = 0; w < sizeOf(from.windows()); ++w) {
    const fb::Window &window = *at(from.windows(), w);
    if (w && window.index() <= to.windows.back().index)
      return wrong("has windows that do not ascend");
    if (window.first_bucket() != to.buckets.size() ||
        window.num_buckets() > sizeOf(from.buckets()) - to.buckets.size())
      return wrong("has a window of buckets " + Twine(window.first_bucket()) + " + " +
                   Twine(window.num_buckets()) + ", expected to begin at " +
                   Twine(to.buckets.size()) + " of " + Twine(sizeOf(from.buckets())));
    to.windows.push_back({window.index(),
                          static_cast<int32_t>(window.first_bucket()),
                          static_cast<int32_t>(window.num_buckets()),
                          {}});
    for (uint32_t b = 0; b < window.num_buckets(); ++b)
      if (failed(readBucket(from, *at(from.buckets(), window.first_bucket() + b), to)))
        return failure();
  }
  if (to.buckets.size() != sizeOf(from.buckets()) || to.chunks.size() != sizeOf(from.chunks()))
    return wrong("has buckets or chunks that are in no window");
  return success();
}

/// Verifies that the lists and the transport are known, and that the chunks follow the last
/// bucket's.
LogicalResult PlanReader::readBucket(const fb::Program &program, const fb::Bucket &from,
                                     Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("bucket " + Twine(to.buckets.size()) + " of rank " + Twine(to.rank) + " " + text);
  };
  if (from.contributors() >= rankLists.size() || from.destinations() >= rankLists.size())
    return wrong("has rank lists " + Twine(from.contributors()) + " and " +
                 Twine(from.destinations()) + " of " + Twine(rankLists.size()));
  if (static_cast<unsigned>(from.transport()) > static_cast<unsigned>(Transport::None))
    return wrong("has transport " + Twine(static_cast<unsigned>(from.transport())) +
                 ", expected one up to " + Twine(static_cast<unsigned>(Transport::None)));
  if (from.first_chunk() != to.chunks.size() || from.num_chunks() < 1 ||
      from.num_chunks() > sizeOf(program.chunks()) - to.chunks.size())
    return wrong("has chunks " + Twine(from.first_chunk()) + " + " + Twine(from.num_chunks()) +
                 ", expected to begin at " + Twine(to.chunks.size()) + " of " +
                 Twine(sizeOf(program.chunks())));
  Bucket bucket;
  bucket.ordinal = from.ordinal();
  bucket.ends.sources = rankLists[from.contributors()];
  bucket.ends.destinations = rankLists[from.destinations()];
  bucket.ends.sender = from.sender();
  bucket.ends.groupSize = static_cast<int32_t>(module->rankList(bucket.ends.sources).size());
  bucket.transport = static_cast<Transport>(from.transport());
  bucket.bytes = from.bytes();
  bucket.firstChunk = static_cast<int32_t>(from.first_chunk());
  bucket.numChunks = static_cast<int32_t>(from.num_chunks());
  for (uint32_t c = 0; c < from.num_chunks(); ++c) {
    const size_t number = from.first_chunk() + c;
    if (failed(
            readChunk(*at(program.chunks(), number), *at(program.logical(), number), bucket, to)))
      return failure();
    bucket.roles.source |= to.chunks.back().roles().source;
    bucket.roles.target |= to.chunks.back().roles().target;
  }
  to.buckets.push_back(bucket);
  return success();
}

/// Verifies that the tensor, its target and the regions are known.
LogicalResult PlanReader::readChunk(const fb::Chunk &from, const fb::LogicalChunk &logical,
                                    const Bucket &bucket, Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("chunk " + Twine(to.chunks.size()) + " of rank " + Twine(to.rank) + " " + text);
  };
  if (from.tensor() >= module->tensors.size())
    return wrong("is of tensor " + Twine(from.tensor()) + " of " + Twine(module->tensors.size()));
  if (logical.target() >= module->tensors[from.tensor()].targets.size())
    return wrong("is for target " + Twine(logical.target()) + " of " +
                 Twine(module->tensors[from.tensor()].targets.size()) + " of tensor '" +
                 module->tensors[from.tensor()].name + "'");
  if (logical.region() >= logicalRegions.size())
    return wrong("is logical region " + Twine(logical.region()) + " of " +
                 Twine(logicalRegions.size()));
  for (uint32_t number : {from.source_region(), from.target_region()})
    if (number != kAbsent && number >= regions.size())
      return wrong("names region " + Twine(number) + " of " + Twine(regions.size()));
  ProgramChunk chunk;
  chunk.tensor = static_cast<TensorId>(from.tensor());
  chunk.targetIndex = static_cast<int32_t>(logical.target());
  chunk.region = logicalRegions[logical.region()];
  chunk.ends = bucket.ends;
  chunk.transport = bucket.transport;
  if (from.source_region() != kAbsent)
    chunk.source = regions[from.source_region()];
  if (from.target_region() != kAbsent)
    chunk.target = regions[from.target_region()];
  chunk.offset = from.offset();
  to.chunks.push_back(chunk);
  return success();
}

} // namespace xfer
