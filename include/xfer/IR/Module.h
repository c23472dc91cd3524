//===- Module.h - A whole transfer ------------------------------*- C++ -*-===//
//
// A module owns the declarations (meshes, tensors with their sides) and one
// level of lowered operations: routes, chunks or programs. It owns every
// string, region, layout and rank list they name. Not thread-safe.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Interner.h"
#include "xfer/IR/Layout.h"
#include "xfer/IR/Mesh.h"
#include "xfer/IR/Ops.h"
#include "xfer/IR/Region.h"
#include "xfer/IR/Storage.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace xfer {

/// Where a tensor lives on one mesh: in memory of its own, dense and row-major, or in a storage.
struct Side {
  DType dtype = DType::F32; ///< as stored
  LayoutId layout = kNone;
  int32_t storage = kNone; ///< Module::storages; kNone: memory of its own
  ViewId view = kNone;     ///< in that storage
  llvm::StringRef name;    ///< of the memory: what callers bind
  llvm::SMLoc loc;
};

/// Says that a tensor holds one element per block of `weight`, whose cuts it follows.
struct BlockScale {
  llvm::StringRef weightName; ///< as declared, without `@`
  TensorId weight = kNone;
  llvm::SmallVector<int64_t, 2> block; ///< by index of the weight
  llvm::SMLoc loc;
};

struct Tensor {
  llvm::StringRef name;                ///< without `@`
  DType dtype = DType::F32;            ///< what crosses the wire
  llvm::SmallVector<int64_t, 3> shape; ///< extents of the indices d0, d1, ...
  /// Indices per dimension, if some dimension is written as a product: [2, 1] for `[8*4, 3]`.
  llvm::SmallVector<int32_t, 3> factors;
  std::optional<BlockScale> scales;
  std::optional<Side> source;
  llvm::SmallVector<Side, 1> targets;
  llvm::SMLoc loc;
};

/// The extents of the tensor's dimensions: those of its indices, multiplied where they are factors.
llvm::SmallVector<int64_t, 3> dimExtents(const Tensor &tensor);

/// The memory of a tensor that lies in no storage: its own dimensions, and the view in which each
/// holds its factors, row-major.
StorageShape ownShape(const Tensor &tensor);
View ownView(const Tensor &tensor);

/// A second name of a tensor.
struct Alias {
  llvm::StringRef name;
  TensorId tensor = kNone;
  llvm::SMLoc loc;
};

/// The lowered level a module is at. Programs have three sub-levels, told apart by what they hold.
enum class Level : uint8_t { Declarations, Routes, Chunks, Programs };

/// What a window may hold; 0 means unlimited.
struct WindowLimits {
  int64_t stagingBytes = 0;  ///< of one rank, for two windows in a row
  int64_t maxOperations = 0; ///< messages of one rank in a window
  /// The limits that keep these and `other`.
  WindowLimits with(const WindowLimits &other) const {
    auto lower = [](int64_t a, int64_t b) { return a && b ? std::min(a, b) : std::max(a, b); };
    return {lower(stagingBytes, other.stagingBytes), lower(maxOperations, other.maxOperations)};
  }
};

class Module {
public:
  std::vector<Mesh> meshes;
  std::vector<Tensor> tensors;
  std::vector<Alias> aliases;
  std::vector<Storage> storages;

  std::vector<Route> routes;
  std::vector<Chunk> chunks;
  std::vector<Program> programs;     ///< ascending by rank
  Level level = Level::Declarations; ///< which of the three vectors is meaningful
  WindowLimits promised;             ///< what the pipeline of a plan file says of its windows

  Module() = default;
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  /// Copies `text` into the module.
  llvm::StringRef saveString(llvm::StringRef text) {
    return strings.insert({text, 0}).first->first();
  }

  /// Copies `table` into the module; equal tables are one.
  llvm::ArrayRef<int64_t> saveTable(llvm::ArrayRef<int64_t> table) {
    return tables[tables.intern(table)];
  }

  int32_t findMesh(llvm::StringRef name) const;   ///< index or kNone
  int32_t findTensor(llvm::StringRef name) const; ///< index or kNone; an alias finds its tensor
  /// Appends and enters into the symbol table, which keeps the name; the name must be new.
  int32_t addMesh(Mesh mesh);
  int32_t addTensor(Tensor tensor);
  void addAlias(Alias alias);

  LayoutId intern(const Layout &layout);
  RegionId intern(const Region &region);
  StridedRegionId intern(const StridedRegion &region);
  StorageShapeId intern(const StorageShape &shape);
  ViewId intern(const View &view);
  RankListId internRanks(llvm::ArrayRef<int64_t> ranks) { return rankLists.intern(ranks); }

  const Layout &layout(LayoutId id) const { return layouts[id]; }
  /// By which contributions to the tensor's source are reduced, if it has a partial one.
  ReduceOp reductionOf(const Tensor &tensor) const {
    return tensor.source ? layout(tensor.source->layout).reduction : ReduceOp::None;
  }
  const Region &region(RegionId id) const { return regions[id]; }
  const StridedRegion &stridedRegion(StridedRegionId id) const { return stridedRegions[id]; }
  const StorageShape &storageShape(StorageShapeId id) const { return storageShapes[id]; }
  const View &view(ViewId id) const { return views[id]; }
  llvm::ArrayRef<int64_t> rankList(RankListId id) const { return rankLists[id]; }
  /// True if `rank` is in the list: O(log n), after the first question about a long list.
  bool contains(RankListId list, int64_t rank) const;

  int32_t numLayouts() const { return layouts.size(); }
  int32_t numViews() const { return views.size(); }
  int32_t numStorageShapes() const { return storageShapes.size(); }
  int32_t numRegions() const { return regions.size(); }
  int32_t numStridedRegions() const { return stridedRegions.size(); }
  int32_t numRankLists() const { return rankLists.size(); }

private:
  using NameMap = llvm::StringMap<int32_t, llvm::BumpPtrAllocator>;
  NameMap strings;
  NameMap meshByName, tensorByName;
  ValueInterner<Layout> layouts;
  ValueInterner<Region> regions;
  ValueInterner<StridedRegion> stridedRegions;
  ValueInterner<StorageShape> storageShapes;
  SequenceInterner tables; ///< of views
  ValueInterner<View> views;
  SequenceInterner rankLists;
  mutable llvm::DenseMap<RankListId, std::vector<int64_t>> sortedRankLists; ///< of long lists
};

} // namespace xfer
