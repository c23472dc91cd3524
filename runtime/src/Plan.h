//===- Plan.h - A plan in memory --------------------------------*- C++ -*-===//
//
// What xfer_plan_load makes of a plan file: plain structures in which every
// index, region and size has been checked, so that replaying checks nothing.
// Immutable once loaded. PlanLoad.cpp reads the file and its tables,
// ProgramLoad.cpp the programs.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_PLAN_H
#define XFER_RUNTIME_PLAN_H

#include "Elements.h"
#include "Status.h"
#include "StridedCopy.h"
#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace xfer::runtime {

inline constexpr int32_t kAbsent = -1;

/// How a bucket's bytes cross ranks. Numbered as in the plan file; Unassigned is never loaded.
enum class Transport : uint8_t { Unassigned, P2P, Broadcast, Local, None };

/// Memory that the caller binds on one rank.
struct BindingSpec {
  const std::string *name = nullptr; ///< xfer_plan::bindingNames
  xfer_side_t side = XFER_SOURCE;
  xfer_dtype_t dtype = XFER_F32;
  ReduceOp reduce = ReduceOp::None; ///< of a partial source
  std::vector<int64_t> shape;
  int64_t numElements = 0;
  int64_t numBytes = 0;
};

/// One rank's part in a chunk; has a source or a target, or both.
struct ChunkStep {
  int32_t tensor = kAbsent;     ///< xfer_plan::tensors
  int32_t sourceNest = kAbsent; ///< xfer_plan::nests
  int32_t targetNest = kAbsent;
  int32_t sourceBinding = kAbsent; ///< Program::bindings
  int32_t targetBinding = kAbsent;
  xfer_dtype_t wireDType = XFER_F32;
  int64_t numElements = 0;
  int64_t offset = 0;             ///< bytes into the bucket's wire buffer
  int64_t contributionOffset = 0; ///< bytes into a reduce bucket's packed contribution
};

/// Chunks that cross in one buffer.
struct BucketStep {
  int64_t ordinal = 0;
  int64_t sender = 0;
  int64_t bytes = 0;             ///< of the wire buffer
  int64_t contributionBytes = 0; ///< of a reduce bucket's packed contribution, where known
  int32_t contributors = 0;      ///< xfer_plan::rankLists
  int32_t destinations = 0;
  int32_t firstChunk = 0, numChunks = 0; ///< Program::chunks
  uint64_t content = 0; ///< hash of what its chunks are of the logical tensors, and their order
  Transport transport = Transport::P2P;
  bool isReduce = false;
  bool isSource = false; ///< every chunk has a source
  bool isTarget = false; ///< every chunk has a target
  /// The tensor's own memory serves as the packed buffer: one chunk, contiguous, nothing to cast.
  bool packsInPlace = false;
  /// The same of the target, for what comes from another rank.
  bool unpacksInPlace = false;

  /// Bytes that `rank` must hold for this bucket beside its tensors: a contribution that it packs,
  /// and a wire buffer that it packs or folds into.
  int64_t stagedBytes(int64_t rank) const {
    const bool packs = isSource && !packsInPlace;
    if (isReduce)
      return (packs ? contributionBytes : 0) + (sender == rank ? bytes : 0);
    return packs ? bytes : 0;
  }
  /// Further bytes where messages need memory of their own to arrive in: contributions of
  /// `numOthers` to what `rank` folds, and what it unpacks.
  int64_t receivedBytes(int64_t rank, int64_t numOthers) const {
    if (sender == rank)
      return isReduce ? numOthers * contributionBytes : 0;
    return isTarget && !unpacksInPlace ? bytes : 0;
  }
};

struct WindowStep {
  int64_t index = 0;
  int32_t firstBucket = 0, numBuckets = 0; ///< Program::buckets
  int64_t stagedBytes = 0;                 ///< sum of the buckets'
  int64_t receivedBytes = 0; ///< further bytes where messages arrive in memory of their own
};

/// Elements of a target that are zeroed before any chunk is written.
struct ZeroStep {
  int32_t binding = kAbsent; ///< Program::bindings
  int32_t nest = kAbsent;    ///< xfer_plan::nests
};

struct Program {
  int64_t rank = 0;
  /// Sources, then targets; ranks share equal ones.
  std::vector<const BindingSpec *> bindings;
  size_t numSources = 0;
  std::vector<ChunkStep> chunks;
  std::vector<BucketStep> buckets;
  std::vector<WindowStep> windows;
  std::vector<ZeroStep> zeros;
  int64_t stagingBytes = 0;  ///< the largest sum of two windows in a row
  int64_t exchangeBytes = 0; ///< the same with received bytes
  xfer_program_info_t info = {};

  const BindingSpec &binding(int32_t index) const { return *bindings[static_cast<size_t>(index)]; }
  /// Of a bucket or a part of one.
  template <typename CHUNKS> std::span<const ChunkStep> chunksOf(const CHUNKS &part) const {
    return std::span(chunks).subspan(static_cast<size_t>(part.firstChunk),
                                     static_cast<size_t>(part.numChunks));
  }
  std::span<const BucketStep> bucketsOf(const WindowStep &window) const {
    return std::span(buckets).subspan(static_cast<size_t>(window.firstBucket),
                                      static_cast<size_t>(window.numBuckets));
  }
  /// The number of one of `buckets`.
  size_t indexOf(const BucketStep &bucket) const {
    return static_cast<size_t>(&bucket - buckets.data());
  }
};

/// Distinct ranks of the job, in an order that matters.
struct RankList {
  std::vector<int64_t> ranks;
  std::vector<int64_t> sorted;
  uint64_t hash = 0; ///< of `ranks`
  bool contains(int64_t rank) const {
    return std::binary_search(sorted.begin(), sorted.end(), rank);
  }
};

struct TensorSpec {
  std::string name;
  xfer_dtype_t dtype = XFER_F32; ///< on the wire
};

} // namespace xfer::runtime

struct xfer_plan {
  uint64_t digest = 0;
  uint32_t version = 0;
  std::string pipeline;
  std::string declarations;
  std::vector<int64_t> ranks; ///< ascending
  std::vector<xfer::runtime::TensorSpec> tensors;
  std::vector<xfer::runtime::Loop> loops; ///< of all nests
  std::vector<xfer::runtime::LoopNest> nests;
  std::vector<xfer::runtime::RankList> rankLists;
  std::deque<std::string> bindingNames;            ///< distinct; addresses stay
  std::deque<xfer::runtime::BindingSpec> bindings; ///< of all programs; addresses stay
  std::vector<xfer::runtime::Program> programs;    ///< ascending by rank

  /// The program of `rank`, or nullptr.
  const xfer::runtime::Program *findProgram(int64_t rank) const;
  const xfer::runtime::RankList &contributorsOf(const xfer::runtime::BucketStep &bucket) const {
    return rankLists[static_cast<size_t>(bucket.contributors)];
  }
  const xfer::runtime::RankList &destinationsOf(const xfer::runtime::BucketStep &bucket) const {
    return rankLists[static_cast<size_t>(bucket.destinations)];
  }
};

namespace xfer::runtime {

/// Reads and checks a whole plan file.
Status loadPlan(std::span<const uint8_t> bytes, xfer_plan &plan);

/// "0 -> [4, 5]" or "{0, 2} via 0 -> [4]": how messages name a bucket's ends.
std::string describeEnds(const xfer_plan &plan, const BucketStep &bucket);
/// "tensor 'wq' at offset 4 sizes [2, 3] strides [6, 1] of target 'qkv' and 3 chunks more".
std::string describeChunks(const xfer_plan &plan, const Program &program,
                           std::span<const ChunkStep> chunks);

} // namespace xfer::runtime

#endif
