//===- LocalTensors.h - Every rank's memory ---------------------*- C++ -*-===//
//
// One record and one buffer for each tensor that a rank holds as source or
// target. Says how much memory a job needs before any of it is touched.
//===----------------------------------------------------------------------===//
#pragma once
#include "Placement.h"
#include "xfer/IR/Diagnostics.h"
#include <cstdlib>
#include <deque>
#include <memory>

namespace xfer::run {

struct LocalTensor {
  int64_t rank = 0;
  TensorId tensor = kNone;
  bool isSource = false;
  DType dtype = DType::F32; ///< as stored
  const Placement *placement = nullptr;
  int64_t position = 0;                ///< of the rank in its mesh
  llvm::SmallVector<int64_t, 3> shape; ///< local
  int64_t elements = 0, bytes = 0;
  char *data = nullptr; ///< null if empty
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
  /// Sources before targets, by tensor, then by mesh position.
  llvm::ArrayRef<LocalTensor> all() const { return tensors; }
  llvm::ArrayRef<LocalTensor> sources() const { return all().take_front(numSources); }
  llvm::ArrayRef<LocalTensor> targets() const { return all().drop_front(numSources); }
  /// The sources of one tensor, by mesh position.
  llvm::ArrayRef<LocalTensor> sourcesOf(TensorId tensor) const;
  const std::vector<int64_t> &ranks() const { return rankNumbers; } ///< ascending
  int64_t numLogicalElements() const; ///< of all tensors, each counted once

private:
  const Placement *place(LayoutId layout, llvm::ArrayRef<int64_t> shape);
  void addSide(TensorId tensor, const Side &side, bool isSource);

  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  const Module &declarations;
  std::deque<Placement> placements;
  std::vector<LocalTensor> tensors;
  std::vector<size_t> firstSource; ///< by tensor
  size_t numSources = 0;
  std::vector<int64_t> rankNumbers;
  SequenceInterner placementKeys; ///< layout and shape; ids index `placements`
  std::vector<std::unique_ptr<char, Free>> buffers;
};

} // namespace xfer::run
