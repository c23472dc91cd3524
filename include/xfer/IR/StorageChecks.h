//===- StorageChecks.h - What storages and views must satisfy ---*- C++ -*-===//
//
// The rules of the language about storages, used as those in
// DeclarationChecks.h are: by the reader of text and by the verifier.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DeclarationChecks.h"
#include "xfer/IR/Storage.h"

namespace xfer {

/// More runs than this, in all dimensions, are refused.
inline constexpr size_t kMaxRuns = 1 << 16;

/// Verifies:
/// - every size is at least 0; a group repeats at least once, and at most kMaxIntervals times;
/// - names differ within a dimension;
/// - extents, bytes and strides fit in 63 bits.
std::optional<Problem> checkStorageShape(const StorageShape &shape, DType dtype);

/// Each time that a table names an index is a target of its own, for which all slots are looked at.
inline constexpr int64_t kMaxTableCopies = int64_t(1) << 22;

/// For a shape that is right. `indices` are the extents of the tensor's d0, d1, ... Verifies:
/// - there is one entry per dimension of the storage;
/// - every index of the tensor is in exactly one entry, its slice inside its extent, and whole on a
///   source;
/// - no entry lies in padding; what an entry holds is as large as its run, a fixed index inside it;
/// - a table has a slot per index of its run and values inside the extent; on a source it has every
///   index exactly once; a view has one table at most;
/// - the slots of a table, times how often it names one index, are at most kMaxTableCopies.
std::optional<Problem> checkView(const View &view, const StorageShape &shape,
                                 llvm::ArrayRef<int64_t> indices, bool isTarget);

/// A tensor may be held in this many products of intervals, over all ranks.
inline constexpr int64_t kMaxBlocks = int64_t(1) << 20;

/// For a view and a layout that are right. Verifies:
/// - where several indices are flattened into a dimension, its cuts leave at most kMaxBlocks
///   products of intervals.
std::optional<Problem> checkFlattening(const View &view, const StorageShape &shape,
                                       const Layout &layout);

/// What is wrong with the views of one storage together.
struct ViewsFault {
  int32_t view = -1, other = -1; ///< they overlap; none: an element is left out
  std::string element;           ///< `[3, gate 5, 0]`
};

/// For views that are right, as declared (occurrence 0). Verifies:
/// - no two overlap;
/// - those of a target leave out nothing but padding.
std::optional<ViewsFault> checkViews(llvm::ArrayRef<const View *> views, const StorageShape &shape,
                                     bool isTarget);

/// How often the table of the view, if it has one, names an index at most; 1 without a table.
int32_t numOccurrences(const View &view);

} // namespace xfer
