//===- Ownership.h - What every rank of a side owns -------------*- C++ -*-===//
//
// The layout algebra. An axis cuts at most one dimension, so what a rank owns
// of a tensor is a product over its indices, and per index it depends only on
// the coordinates that cut the dimension it lies in: the *cell*. Where several
// indices are flattened into one cut dimension, it is a disjoint union of such
// products: blocks. Everything here costs what the cells of one dimension cost,
// never a product over ranks.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Memory.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace xfer {

/// One index of the tensor in a block.
struct OwnedIndex {
  int32_t ownership = 0;  ///< Ownership::dims
  int64_t cellWeight = 1; ///< of the index's cell in the cell of the tensor
  int32_t dim = 0;        ///< of the memory
  int64_t step = 1;       ///< positions along that dimension from one index to the next
};

/// The elements whose every index is owned in the same cell.
struct OwnedBlock {
  llvm::SmallVector<OwnedIndex, 3> indices; ///< by index of the tensor
  int64_t cell = 0;                         ///< what indices that are not cut alone add to the cell
  llvm::SmallVector<int64_t, 3> begin;      ///< by dimension: added to the pieces' local positions
};

/// Where the runs of a segment lie.
struct LocalSegment {
  int64_t begin = 0, stride = 0; ///< local positions
};

/// A side of a tensor: a layout, and the view if the tensor lies in a storage. The declarations
/// must have passed verifyDeclarations.
class Ownership {
public:
  /// `memory` is that of `shape`, and is shared by all that lies in one storage. `module` must
  /// outlive this.
  Ownership(const Module &module, const Tensor &tensor, const Side &side,
            std::shared_ptr<const Memory> memory, const StorageShape &shape);

  int32_t mesh() const { return meshId; }
  llvm::ArrayRef<DimOwnership> dims() const { return dimensions; }
  llvm::ArrayRef<OwnedBlock> blocks() const { return blockList; }
  /// Cells of the whole tensor: mixed radix of the cells of the memory's dimensions, the first
  /// slowest.
  int64_t numCells() const { return cellCount; }
  /// The cell that position `position` of the mesh holds. It may own nothing.
  int64_t cellOfPosition(int64_t position) const;
  /// True if `cell` has elements of `block`, but for indices that it owns nothing of.
  bool mayOwn(int64_t cell, const OwnedBlock &block) const {
    return isProduct || blockCell(cell) == block.cell;
  }
  /// The cell of `index` that is part of the tensor's cell.
  int64_t cellOf(const OwnedIndex &index, int64_t cell) const {
    return cell / index.cellWeight % dimensions[index.ownership].numCells;
  }

  /// The number of the block that owns all of `region` in `cell`, or -1. Each index of `region`
  /// must be one segment.
  int32_t findBlock(int64_t cell, const Region &region) const {
    llvm::SmallVector<LocalSegment, 4> places;
    return findBlock(cell, region, places);
  }

  /// Ranks that hold `cell`, as groups of groupSize() contributors in mesh order, the groups in
  /// mesh order too. Without a partial clause every rank is a group.
  void appendHolders(int64_t cell, llvm::SmallVectorImpl<int64_t> &out) const;
  int64_t groupSize() const { return contributors; }

  /// Equal for positions where equal regions lie at equal places.
  void appendPlace(int64_t position, llvm::SmallVectorImpl<int64_t> &out) const;

  /// Where the elements of `region` lie in the memory at `position`; nullopt unless it owns them
  /// all and they form one loop nest there. Each index of `region` must be one segment.
  std::optional<StridedRegion> localize(int64_t position, const Region &region) const;

private:
  void sortBlocks();
  /// `places` becomes where each index of the region lies.
  bool owns(int64_t cell, const OwnedBlock &block, const Region &region,
            llvm::SmallVectorImpl<LocalSegment> &places) const;
  int32_t findBlock(int64_t cell, const Region &region,
                    llvm::SmallVectorImpl<LocalSegment> &places) const;
  void findReplicas(const Mesh &mesh, const Layout &layout, const StorageShape &shape);
  void addDimension(size_t dim, const ViewEntry &entry, const StoragePart &part,
                    int32_t occurrence);
  /// The part of a dimension that holds the tensor.
  const MemoryPart &viewed(size_t dim) const { return memory->parts(dim)[viewPart[dim]]; }
  /// What the dimensions that are not cut for one index alone add to `cell`.
  int64_t blockCell(int64_t cell) const;

  int32_t meshId;
  llvm::ArrayRef<int64_t> meshRanks;
  std::shared_ptr<const Memory> memory;
  llvm::SmallVector<int32_t, 3> viewPart; ///< of each dimension, the part with the tensor
  std::vector<DimOwnership> dimensions;
  std::vector<OwnedBlock> blockList;
  /// Many blocks, by where they begin along the index that parts them most.
  struct SortedBlock {
    int64_t begin = 0, end = 0;
    int64_t highestEnd = 0; ///< of this one and those before it
    int32_t number = 0;
  };
  std::vector<SortedBlock> sortedBlocks; ///< empty if there are few
  size_t sortedIndex = 0;
  struct CellDigit {
    int64_t weight = 1, size = 1;
    bool isAlone = true; ///< this dimension holds one index
  };
  llvm::SmallVector<CellDigit, 3> cellDigits;    ///< by dimension of the memory
  llvm::SmallVector<MeshDigit, 4> replicaDigits; ///< slowest first
  llvm::SmallVector<MeshDigit, 2> partialDigits; ///< slowest first
  int64_t cellCount = 1, contributors = 1;
  bool isProduct = true; ///< one block, and every dimension holds one index
};

/// The local position and stride of the runs of `segment` in `cell`; nullopt as for localize.
std::optional<LocalSegment> localize(const DimOwnership &dim, int64_t cell, const Segment &segment);

/// Ownerships by side, and rank positions by mesh; computed once each. Borrows the module, whose
/// declarations must not change.
class OwnershipCache {
public:
  explicit OwnershipCache(const Module &module) : module(module) {}

  /// A small id for what decides ownership: equal ids, equal ownership.
  int32_t id(const Tensor &tensor, const Side &side);
  const Ownership &operator[](int32_t id) const { return *ownerships[id]; }
  /// Position of `rank` in the mesh, or -1.
  int64_t position(int32_t mesh, int64_t rank);
  /// The cell that `rank` holds, or -1 if it is outside the mesh.
  int64_t cell(const Ownership &ownership, int64_t rank) {
    int64_t at = position(ownership.mesh(), rank);
    return at < 0 ? -1 : ownership.cellOfPosition(at);
  }

private:
  std::unique_ptr<Ownership> make(const Tensor &tensor, const Side &side);

  const Module &module;
  SequenceInterner keys;
  /// By layout and shape of a storage.
  llvm::DenseMap<std::pair<LayoutId, StorageShapeId>, std::shared_ptr<const Memory>> memories;
  std::vector<std::unique_ptr<Ownership>> ownerships;
  std::vector<std::unique_ptr<RankMap<int64_t>>> positions; ///< by mesh
};

} // namespace xfer
