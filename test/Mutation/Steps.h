//===- Steps.h - A program as nested lists ----------------------*- C++ -*-===//
//
// Windows with their buckets with their chunks, so that steps can be moved without
// counting ranges.
//===----------------------------------------------------------------------===//
#pragma once
#include "Fields.h"

namespace xfer::mutation {

struct ChunkStep {
  fb::Chunk chunk;
  fb::LogicalChunk logical;
};

struct BucketStep {
  fb::Bucket bucket;
  std::vector<ChunkStep> chunks;
};

struct WindowStep {
  int64_t index = 0;
  std::vector<BucketStep> buckets;
};

using Steps = std::vector<WindowStep>;

/// The steps of a program whose ranges are right.
Steps unfold(const fb::ProgramT &program);
/// Writes them back; windows and buckets that hold nothing are left out.
void fold(const Steps &steps, fb::ProgramT &program);

/// What makes a bucket the same one on several ranks.
struct BucketKey {
  uint32_t contributors, destinations;
  int64_t sender, ordinal;
  bool isBroadcast;
  auto operator<=>(const BucketKey &) const = default;
};
BucketKey keyOf(const fb::Bucket &bucket);

/// The bucket that `key` means; null if the program does not have it.
BucketStep *find(Steps &steps, const BucketKey &key);
/// Places the chunks in the bucket's buffer, one after the other.
void pack(const fb::PlanT &plan, BucketStep &step);

/// A region that a chunk does not have.
constexpr uint32_t kAbsent = 0xffffffff;

/// The field of a struct changed.
template <typename T> T with(const T &from, const char *field, int64_t value) {
  Numbers numbers = Fields<T>::get(from);
  for (size_t f = 0; f < numbers.size(); ++f)
    if (std::string_view(Fields<T>::kFields[f].name) == field)
      numbers[f] = value;
  return Fields<T>::make(numbers);
}

/// `chunk` with what `from` reads.
inline fb::Chunk reading(const fb::Chunk &chunk, const fb::Chunk &from) {
  return with(with(chunk, "source", from.source()), "source_region", from.source_region());
}

/// `chunk` with what `from` writes.
inline fb::Chunk writing(const fb::Chunk &chunk, const fb::Chunk &from) {
  return with(with(chunk, "target", from.target()), "target_region", from.target_region());
}

} // namespace xfer::mutation
