//===- Storage.h - What a rank allocates, and what lies in it ---*- C++ -*-===//
//
// A storage is the memory that every rank of a mesh allocates under one name;
// views say which tensors lie in it. Per dimension, a storage is a local
// concatenation of parts, each an index space of its own that the mesh cuts on
// its own; a part is a repeated sequence of named runs and padding. A view maps
// every index of a tensor to one dimension of the storage.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "xfer/IR/Ops.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace xfer {

/// A stretch of a part: `q:1024`, `1024`, `pad:7` or `zero:7`.
struct Run {
  enum class Kind : uint8_t {
    Data, ///< a tensor may lie here
    Pad,  ///< never travels; a target's keeps what it holds
    Zero, ///< never travels; a target's is zeroed by every replay
  };
  Kind kind = Kind::Data;
  llvm::StringRef name; ///< saved in the module; may be empty
  int64_t size = 0;
  int64_t begin = 0; ///< in a repetition; set by StoragePart::add
};

/// `8 x (q:1024 | k:128 | v:128)`: index space of `repeat` times all runs, cut as a whole.
struct StoragePart {
  int64_t repeat = 1;
  llvm::SmallVector<Run, 1> runs;
  /// Appends a run after the others. Whether their sum fits is checkStorageShape's question.
  void add(Run run);
  /// Indices of one repetition, and of all.
  int64_t period() const { return runs.empty() ? 0 : runs.back().begin + runs.back().size; }
  int64_t extent() const { return repeat * period(); }

  /// A place as one run counts: its own indices are those of its repetitions one after the other.
  struct RunIndex {
    int32_t run = 0;
    int64_t index = 0;
  };
  /// The run that index `index` of the part lies in, and the reverse.
  RunIndex locate(int64_t index) const;
  int64_t indexOf(const RunIndex &place) const;
};

using StorageDim = llvm::SmallVector<StoragePart, 1>;

/// Where a run lies in a dimension.
struct RunRef {
  int32_t part = 0, run = 0;
  auto operator<=>(const RunRef &) const = default;
};

struct StorageShape {
  llvm::SmallVector<StorageDim, 2> dims;
  /// The extents of all parts, dimension by dimension: what Layout::dims cut.
  llvm::SmallVector<int64_t, 4> partExtents() const;
  /// The dimension of each part.
  llvm::SmallVector<int32_t, 4> dimOfParts() const;
};

/// `d1` or `d1[0:128]`: an index of the tensor, or the slice [begin, end) of it.
struct ViewFactor {
  int32_t index = 0;
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

/// What one dimension of the storage holds of the tensor. Run `at`, whose own index space is that
/// of its repetitions one after the other, holds:
/// - at `fixed`, all of the tensor, if there are no factors;
/// - the row-major flattening of the factors;
/// - or, with a table (one factor), at slot s the index table[s] of that factor.
struct ViewEntry {
  RunRef at;
  int64_t fixed = 0;
  llvm::SmallVector<ViewFactor, 1> factors;
  llvm::ArrayRef<int64_t> table; ///< Module::saveTable
};

/// One entry per dimension of the storage. A table may repeat an index: `occurrence` n is the view
/// of the slots that hold an index for the n-th time.
struct View {
  llvm::SmallVector<ViewEntry, 3> entries;
  int32_t occurrence = 0;
};

/// A tensor in a storage, as declared.
struct StorageView {
  TensorId tensor = kNone;
  ViewId view = kNone; ///< of occurrence 0
  llvm::SMLoc loc;
};

struct Storage {
  llvm::StringRef name; ///< without `@`; what callers bind
  DType dtype = DType::F32;
  bool isTarget = false;
  StorageShapeId shape = kNone;
  LayoutId layout = kNone; ///< dims are the parts' cuts
  std::vector<StorageView> views;
  llvm::SMLoc loc;
};

} // namespace xfer
