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
  char *data = nullptr; ///< null if empty
};

/// The source of a tensor on every rank.
struct TensorSource {
  const Placement *placement = nullptr;
  llvm::ArrayRef<LocalTensor> locals; ///< by mesh position
};

class LocalTensors {
public:
  /// Lists what the module's declarations place. `module` must outlive this object.
  explicit LocalTensors(const Module &module);

  /// Fails if this machine cannot hold the buffers and `extraBytes` of something else.
  LogicalResult checkMemory(int64_t extraBytes, Diagnostics &diagnostics) const;
  /// Allocates every buffer.
  LogicalResult allocate(Diagnostics &diagnostics);

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
};

} // namespace xfer::run
