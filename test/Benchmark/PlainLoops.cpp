//===- PlainLoops.cpp - What anybody must copy and cast -------------------===//
#include "PlainLoops.h"
#include "Messages.h"
#include <atomic>
#include <cstring>
#include <thread>

namespace xfer::test {

using namespace xfer::runtime;

namespace {

std::byte *memoryOf(Job &job, const Program &program, int32_t binding) {
  const BindingSpec &spec = program.binding(binding);
  return static_cast<std::byte *>(job.dataOf(program.rank, *spec.name, spec.side));
}

/// The chunks of `bucket` as `receiver` sees them.
std::span<const ChunkStep> findChunks(const Program &receiver, const BucketStep &bucket) {
  for (const BucketStep &other : receiver.buckets)
    if (other.sender == bucket.sender && other.ordinal == bucket.ordinal &&
        other.destinations == bucket.destinations && other.transport == bucket.transport)
      return receiver.chunksOf(other);
  return {};
}

/// The elements of a nest, in order.
std::vector<int64_t> offsetsOf(const LoopNest &nest) {
  std::vector<int64_t> offsets = {nest.offset};
  for (const runtime::Loop &loop : nest.loops) {
    std::vector<int64_t> longer;
    longer.reserve(offsets.size() * static_cast<size_t>(loop.size));
    for (int64_t offset : offsets)
      for (int64_t i = 0; i < loop.size; ++i)
        longer.push_back(offset + i * loop.stride);
    offsets.swap(longer);
  }
  return offsets;
}

__attribute__((noinline)) void convertPlainly(const uint32_t *from, uint16_t *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<uint16_t>((from[i] + 0x7fff + ((from[i] >> 16) & 1)) >> 16);
}

template <typename BODY> void onAllProcessors(size_t count, BODY body) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads(std::thread::hardware_concurrency());
  for (std::thread &thread : threads)
    thread = std::thread([&] {
      for (size_t i; (i = next++) < count;)
        body(i);
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace

std::vector<Move> movesOf(Job &job) {
  std::vector<Move> moves;
  const xfer_plan &plan = *job.plan;
  for (const Program &sender : plan.programs)
    for (const BucketStep &bucket : sender.buckets) {
      if (bucket.sender != sender.rank)
        continue;
      for (int64_t destination : plan.destinationsOf(bucket).ranks) {
        const Program &receiver = *plan.findProgram(destination);
        const std::span<const ChunkStep> sources = sender.chunksOf(bucket),
                                         targets = findChunks(receiver, bucket);
        for (size_t i = 0; i < sources.size(); ++i)
          moves.push_back({memoryOf(job, sender, sources[i].sourceBinding),
                           memoryOf(job, receiver, targets[i].targetBinding),
                           &plan.nests[static_cast<size_t>(sources[i].sourceNest)],
                           &plan.nests[static_cast<size_t>(targets[i].targetNest)],
                           sender.binding(sources[i].sourceBinding).dtype,
                           receiver.binding(targets[i].targetBinding).dtype});
      }
    }
  return moves;
}

bool areRight(const std::vector<Move> &moves) {
  std::atomic<bool> right = true;
  onAllProcessors(moves.size(), [&](size_t number) {
    const Move &move = moves[number];
    const std::vector<int64_t> from = offsetsOf(*move.source), to = offsetsOf(*move.target);
    const int64_t fromBytes = byteWidth(move.fromType), toBytes = byteWidth(move.toType);
    const CopyFunction copy = copyFunction(move.fromType, move.toType);
    for (size_t i = 0; i < from.size(); ++i) {
      std::byte expected[8];
      copy(move.from + from[i] * fromBytes, 2, expected, 2, 1); // the plain element loop
      if (std::memcmp(expected, move.to + to[i] * toBytes, static_cast<size_t>(toBytes)) != 0)
        right = false;
    }
  });
  return right;
}

PlainLoops PlainLoops::ofMoves(const std::vector<Move> &moves) {
  PlainLoops plain;
  for (const Move &move : moves)
    plain.loops.push_back({move.from + move.source->offset * byteWidth(move.fromType),
                           move.to + move.target->offset * byteWidth(move.toType),
                           move.source->numElements, move.fromType, move.toType});
  return plain;
}

PlainLoops PlainLoops::besideWire(Job &job) {
  constexpr size_t kStagingBytes = 128 << 20; // what the compiler allows a rank
  PlainLoops plain;
  plain.staging.resize(kStagingBytes);
  size_t place = 0;
  for (const Program &program : job.plan->programs) {
    const Messages messages(*job.plan, program);
    for (size_t i = 0; i < program.buckets.size(); ++i)
      for (const Segment &segment : messages.segmentsOf(i))
        for (const ChunkStep &chunk : program.chunksOf(segment)) {
          const auto bytes = static_cast<size_t>(chunk.numElements * byteWidth(chunk.wireDType));
          place = place + bytes > kStagingBytes ? 0 : place;
          std::byte *staged = plain.staging.data() + place;
          place += bytes;
          auto tensorAt = [&](int32_t binding, int32_t nest) {
            return memoryOf(job, program, binding) +
                   job.plan->nests[static_cast<size_t>(nest)].offset *
                       byteWidth(program.binding(binding).dtype);
          };
          if (program.buckets[i].isSource && !segment.packsInPlace)
            plain.loops.push_back({tensorAt(chunk.sourceBinding, chunk.sourceNest), staged,
                                   chunk.numElements, program.binding(chunk.sourceBinding).dtype,
                                   chunk.wireDType});
          if (program.buckets[i].isTarget && !segment.unpacksInPlace)
            plain.loops.push_back({staged, tensorAt(chunk.targetBinding, chunk.targetNest),
                                   chunk.numElements, chunk.wireDType,
                                   program.binding(chunk.targetBinding).dtype});
        }
  }
  return plain;
}

void PlainLoops::run() const {
  onAllProcessors(loops.size(), [&](size_t i) {
    const Loop &loop = loops[i];
    if (loop.fromType == loop.toType)
      std::memcpy(loop.to, loop.from, static_cast<size_t>(loop.count * byteWidth(loop.toType)));
    else
      convertPlainly(reinterpret_cast<const uint32_t *>(loop.from),
                     reinterpret_cast<uint16_t *>(loop.to), loop.count);
  });
}

} // namespace xfer::test
