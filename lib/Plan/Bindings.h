//===- Bindings.h - What a rank binds ---------------------------*- C++ -*-===//
#pragma once
#include "xfer/Analysis/Memory.h"
#include <deque>

namespace xfer {

/// Memory that ranks of one mesh bind under one name: a storage, or a tensor's own.
struct BoundMemory {
  llvm::StringRef name;
  DType dtype = DType::F32;
  bool isTarget = false;
  LayoutId layout = kNone;
  TensorId tensor = kNone; ///< whose own it is, or kNone
  int32_t storage = kNone; ///< Module::storages, or kNone
};

/// Every source and target of a module, numbered: each tensor's own, by tensor, then the storages.
class Bindings {
public:
  /// `module` has been verified, has both sides of every tensor and must outlive this.
  explicit Bindings(const Module &module);

  llvm::ArrayRef<BoundMemory> memories() const { return list; }
  /// What the ranks allocate for memory `number`; worked out once for each layout and shape.
  const Memory &memoryOf(int32_t number);
  int32_t ofSource(TensorId tensor) const { return sources[tensor]; }
  int32_t ofTarget(TensorId tensor, int32_t target) const {
    return targets[firstTarget[tensor] + target];
  }

private:
  int32_t add(TensorId tensor, const Side &side, bool isTarget);

  const Module &module;
  std::vector<BoundMemory> list;
  std::vector<int32_t> sources, targets; ///< by tensor; by firstTarget plus target
  std::vector<size_t> firstTarget;
  SequenceInterner memoryKeys; ///< (layout, extents of parts)
  std::deque<Memory> distinct; ///< by key
};

} // namespace xfer
