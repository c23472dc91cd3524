//===- LocalTensors.h - Every rank's memory ---------------------*- C++ -*-===//
//
// One record and one buffer for each memory that a rank holds: a storage, or a
// tensor's own, as source or target. Says what lies in it, and how much memory
// a job needs before any of it is touched.
//===----------------------------------------------------------------------===//
#pragma once
#include "Placement.h"
#include "xfer/IR/Diagnostics.h"
#include <cstdlib>
#include <deque>
#include <memory>

namespace xfer::run {

/// A tensor that lies in a memory.
struct PlacedTensor {
  TensorId tensor = kNone;
  Placement placement;
};

/// A storage, or the memory of a tensor that lies in none.
struct DeclaredMemory {
  llvm::StringRef name; ///< what callers bind; ends in a zero
  bool isSource = false;
  DType dtype = DType::F32; ///< as stored
  StorageShape shape;       ///< of a 0-d memory: one dimension of one
  size_t numDims = 0;       ///< as declared
  bool hasPadding = false;
  MemoryCuts *cuts = nullptr;
  View ownView; ///< of a tensor in no storage
  std::vector<PlacedTensor> tensors;
  /// True if a tensor's own: it fills all of the memory.
  bool isPlain() const { return !ownView.entries.empty(); }
};

/// A memory on one rank: dense and row-major.
struct LocalTensor {
  const DeclaredMemory *memory = nullptr;
  int64_t rank = 0;
  int64_t position = 0; ///< of the rank in its mesh
  llvm::SmallVector<int64_t, 3> shape;
  int64_t elements = 0, bytes = 0;
  bool isHere = true;   ///< in this process; see LocalTensors::keepRank
  char *data = nullptr; ///< null if empty or not here
};

/// The source of a tensor on every rank.
struct TensorSource {
  const Placement *placement = nullptr;
  llvm::ArrayRef<LocalTensor> locals; ///< by mesh position
};

/// Gives mapped memory back.
struct UnmapMemory {
  size_t bytes = 0;
  void operator()(void *memory) const;
};

class LocalTensors {
public:
  /// Lists what the module's declarations place. `module` must outlive this object.
  explicit LocalTensors(const Module &module);

  /// Fails if this machine cannot hold the buffers and `extraBytes` of something else.
  LogicalResult checkMemory(int64_t extraBytes, Diagnostics &diagnostics) const;
  /// Leaves other ranks' memory to their processes: their targets are not listed any more, their
  /// sources have no buffers unless `allSources` are wanted.
  void keepRank(int64_t rank, bool allSources);
  /// Allocates every buffer; `shared` with processes that this one starts.
  LogicalResult allocate(Diagnostics &diagnostics, bool shared = false);

  const Module &module() const { return declarations; }
  /// Sources before targets, by memory, then by mesh position.
  llvm::ArrayRef<LocalTensor> all() const { return tensors; }
  llvm::ArrayRef<LocalTensor> sources() const { return all().take_front(numSources); }
  llvm::ArrayRef<LocalTensor> targets() const { return all().drop_front(numSources); }
  TensorSource sourceOf(TensorId tensor) const;
  const std::vector<int64_t> &ranks() const { return rankNumbers; } ///< ascending
  int64_t numLogicalElements() const; ///< of all tensors, each counted once

private:
  void addSide(TensorId tensor, const Side &side, bool isSource);
  void addStorage(int32_t number);
  DeclaredMemory &addMemory(llvm::StringRef name, DType dtype, bool isSource, LayoutId layout,
                            StorageShape shape);
  void addTensor(DeclaredMemory &memory, TensorId tensor, const View &view);

  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  LogicalResult allocateShared(Diagnostics &diagnostics);
  /// Where a tensor's source is in `tensors` and in its memory's list.
  struct SourcePlace {
    size_t firstLocal = 0, numLocals = 0, placed = 0;
  };
  const Module &declarations;
  std::deque<MemoryCuts> cuts;
  std::deque<DeclaredMemory> memories;
  std::vector<LocalTensor> tensors;
  std::vector<SourcePlace> sourcePlaces; ///< by tensor
  size_t numSources = 0;
  std::vector<int64_t> rankNumbers;
  SequenceInterner cutsKeys; ///< layout and parts; ids index `cuts`
  std::vector<std::unique_ptr<char, Free>> buffers;
  std::unique_ptr<void, UnmapMemory> sharedBuffer;
};

} // namespace xfer::run
