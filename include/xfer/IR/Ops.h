//===- Ops.h - Lowered operations -------------------------------*- C++ -*-===//
//
// A route says what must move, a chunk says which bytes, a bucket moves them.
// Operations are flat records that name tensors, regions and rank lists by
// interned id, so that a job of millions of deliveries stays small. docs/LangRef.md
// has the textual form of each.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <vector>

namespace xfer {

using TensorId = int32_t;
using RegionId = int32_t;        ///< Module::region
using StridedRegionId = int32_t; ///< Module::stridedRegion
using RankListId = int32_t;      ///< Module::rankList
using LayoutId = int32_t;        ///< Module::layout
using StorageShapeId = int32_t;  ///< Module::storageShape
using ViewId = int32_t;          ///< Module::view
inline constexpr int32_t kNone = -1;

/// What a route is; set by type-routes.
enum class RouteType : uint8_t {
  Untyped,
  Unicast,   ///< one destination, another rank
  Multicast, ///< several destinations
  Local,     ///< the sender is the only destination
  Reduce,    ///< several contributors, whatever the destinations
};

/// How the bytes of a chunk or bucket cross ranks; set by assign-transport. Orthogonal to Roles.
/// The numbers are part of the plan format.
enum class Transport : uint8_t {
  Unassigned,
  P2P,       ///< one message per destination, from one packed buffer
  Broadcast, ///< one collective over sender and destinations
  Local,     ///< sender and destination are one rank: no wire
  None,      ///< this rank contributes to a reduction and ships nothing
};

/// What one rank does with a chunk, whatever the transport. prepare looks only at `source`,
/// finalize only at `target`.
struct Roles {
  bool source = false; ///< reads its local tensor into the buffer
  bool target = false; ///< writes the buffer into its local tensor
  bool operator==(const Roles &) const = default;
};

/// Who ships what to whom. Three states of the sender:
/// - candidates (from build-routes): `sender` is kNone; `sources` lists every replica that could
///   ship, each as a group of `groupSize` contributors, one group after the other;
/// - chosen (by select-sources): `sources` is one group, `sender` one of its ranks;
/// - groupSize is 1 unless contributors of a partial source reduce, in mesh order, to the sender.
struct Endpoints {
  RankListId sources = kNone;
  RankListId destinations = kNone; ///< ranks of one target, a set; ascending from build-routes
  int64_t sender = kNone;
  int32_t groupSize = 1;
  bool isChosen() const { return sender != kNone; }
  bool isReduce() const { return groupSize > 1; }
  bool operator==(const Endpoints &) const = default;
};

/// `route @w [0:512, 0:8] 0 -> [4, 5] : multicast`
/// Created by build-routes, gone after cut-chunks.
struct Route {
  TensorId tensor = kNone;
  /// Among Tensor::targets; printed `copy n` if n targets before it are on the first destination.
  int32_t targetIndex = 0;
  RegionId region = kNone; ///< global; any product of segments
  Endpoints ends;
  RouteType type = RouteType::Untyped;
  llvm::SMLoc loc;
};

/// `chunk @w [0:512, 0:8] 0 -> [4, 5] : multicast`, then `transport p2p` in place of the type.
/// Created by cut-chunks, gone after split-roles.
struct Chunk {
  TensorId tensor = kNone;
  int32_t targetIndex = 0; ///< Tensor::targets
  RegionId region = kNone; ///< global; Region::isStrided()
  Endpoints ends;
  RouteType type = RouteType::Untyped;
  Transport transport = Transport::Unassigned;
  llvm::SMLoc loc;
};

/// One rank's part in a chunk. Created by split-roles; form-buckets puts it into a bucket.
///   chunk @w [0:512, 0:8] 0 -> [4] transport p2p source offset 0 sizes [4096] strides [1]
///   chunk @w [0:512, 0:8] source offset 0 sizes [4096] strides [1] at 0      (in a bucket)
struct ProgramChunk {
  TensorId tensor = kNone;
  int32_t targetIndex = 0; ///< Tensor::targets
  RegionId region = kNone;
  Endpoints ends; ///< as its bucket's, once in a bucket
  Transport transport = Transport::Unassigned;
  StridedRegionId source = kNone; ///< local region read; kNone without the source role
  StridedRegionId target = kNone; ///< local region written; kNone without the target role
  int64_t offset = 0;             ///< bytes from the start of the bucket's wire buffer
  llvm::SMLoc loc;
  Roles roles() const { return {source != kNone, target != kNone}; }
};

/// Chunks that cross in one buffer. Its identity, the same on every rank that takes part, is its
/// endpoints, whether it is a broadcast, and `ordinal`, its number among the buckets that agree in
/// these: no rank needs to see the rest of the job to name it. A reduce bucket first gathers
/// contributions of the source element type at the sender, then ships the reduced bytes.
///   bucket 3 p2p 0 -> [4] roles(source) bytes 1310720 { ... }
struct Bucket {
  int64_t ordinal = 0;
  Endpoints ends;
  Transport transport = Transport::Unassigned; ///< of this rank; None for a pure contributor
  Roles roles;                                 ///< the union of its chunks' roles
  int64_t bytes = 0;                           ///< of the wire buffer
  int32_t firstChunk = 0, numChunks = 0;       ///< range of Program::chunks
  llvm::SMLoc loc;
};

/// Buckets in flight together. `index` orders windows in the whole job; a rank's program lists
/// only the windows it takes part in, ascending.
struct Window {
  int64_t index = 0;
  int32_t firstBucket = 0, numBuckets = 0; ///< range of Program::buckets
  llvm::SMLoc loc;
};

/// What one rank does. Chunks alone after split-roles, in buckets after form-buckets, in windows
/// after schedule-windows.
struct Program {
  int64_t rank = 0;
  std::vector<ProgramChunk> chunks;
  std::vector<Bucket> buckets;
  std::vector<Window> windows;
  llvm::SMLoc loc;

  llvm::ArrayRef<Bucket> bucketsOf(const Window &window) const {
    return llvm::ArrayRef(buckets).slice(window.firstBucket, window.numBuckets);
  }
  llvm::ArrayRef<ProgramChunk> chunksOf(const Bucket &bucket) const {
    return llvm::ArrayRef(chunks).slice(bucket.firstChunk, bucket.numChunks);
  }
};

} // namespace xfer
