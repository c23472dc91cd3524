//===- PlanReader.h - From plan file to Plan, checking ----------*- C++ -*-===//
//
// The state that loading passes along; private to the files named *Load.cpp. The
// order of the members of readPlan() is the order in which later checks may rely
// on earlier ones.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_PLANREADER_H
#define XFER_RUNTIME_PLANREADER_H

#include "Plan.h"
#include "xfer/plan_digest.h"
#include "xfer/plan_vectors.h"
#include <unordered_map>

namespace xfer::runtime {

template <typename... PARTS> Status invalidPlan(const PARTS &...parts) {
  return failure(XFER_INVALID_PLAN, parts...);
}

/// a * b and a + b of numbers that are not negative; false if the result exceeds 63 bits.
inline bool multiplyChecked(int64_t a, int64_t b, int64_t &result) {
  return !__builtin_mul_overflow(a, b, &result);
}
inline bool addChecked(int64_t a, int64_t b, int64_t &result) {
  return !__builtin_add_overflow(a, b, &result);
}

using fb::sizeOf;

class PlanReader {
public:
  PlanReader(std::span<const uint8_t> file, xfer_plan &plan)
      : file(file), vectors(file.size()), plan(plan) {}
  Status readPlan();

private:
  Status readHeader();
  Status readRanks();
  Status readTensors();
  Status readRegions();
  Status readRankLists();
  Status readLogicalRegions();
  Status readPrograms();
  Status readProgram(const fb::Program &from, Program &program);
  Status readBindings(const flatbuffers::Vector<flatbuffers::Offset<fb::Binding>> *from,
                      xfer_side_t side, Program &program);
  Status readBinding(const fb::Binding &from, BindingSpec &spec);
  Status readBucket(const fb::Bucket &from, const fb::Program &program, BucketStep &bucket,
                    Program &to);
  Status readEnds(const fb::Bucket &from, const Program &program, BucketStep &bucket);
  Status readChunk(const fb::Chunk &from, const BucketStep &bucket, const Program &program,
                   ChunkStep &chunk);
  Status readContent(const fb::Program &from, const Program &program, BucketStep &bucket) const;
  Status readNest(const fb::Region &from, LoopNest &nest, int64_t &end);
  Status readZeros(const fb::Program &from, Program &program) const;
  Status readName(const flatbuffers::String *from, const std::string *&name);
  Status checkNest(uint32_t region, const BindingSpec &binding) const;
  Status sumStaging(WindowStep &window, Program &program);
  Status sumUp(Program &program) const;
  std::string placeOf(const fb::Program &program, size_t bucket) const;

  std::span<const uint8_t> file;
  fb::VectorGuard vectors;
  const fb::Plan *root = nullptr;
  xfer_plan &plan;
  /// Names of bindings by the text in the file, which bindings may share, and by content.
  std::unordered_map<const flatbuffers::String *, const std::string *> knownTexts;
  std::unordered_map<std::string_view, const std::string *> knownNames;
  /// Binding tables already read, per side.
  std::unordered_map<const fb::Binding *, const BindingSpec *> known[2];
  std::vector<int64_t> nestEnds;       ///< per nest: one past the last element it reaches
  std::vector<uint64_t> logicalHashes; ///< per logical region
  int64_t widestWindow = 0; ///< of the program at hand: which stages most, with the one before it
};

} // namespace xfer::runtime

#endif
