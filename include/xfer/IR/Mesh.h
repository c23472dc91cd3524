//===- Mesh.h - Named grids of ranks ----------------------------*- C++ -*-===//
#pragma once
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <vector>

namespace xfer {

struct MeshAxis {
  llvm::StringRef name;
  int64_t size = 1; ///< at least 1
};

/// A row-major grid of ranks: position p of the grid, counted with the last axis fastest, is
/// `ranks[p]`. Ranks are unique within a mesh, in any order, with holes; meshes may overlap.
struct Mesh {
  llvm::StringRef name; ///< without `@`
  llvm::SmallVector<MeshAxis, 2> axes;
  std::vector<int64_t> ranks;
  llvm::SMLoc loc;

  int64_t size() const { return static_cast<int64_t>(ranks.size()); }
  /// Index of the axis called `name`, or -1.
  int axisIndex(llvm::StringRef name) const;
};

/// The most ranks a mesh may have.
inline constexpr int64_t kMaxMeshRanks = int64_t(1) << 20;
/// The most axes a mesh may have; only axes of size 1 can be more than twenty.
inline constexpr size_t kMaxMeshAxes = 256;

/// Values by rank. The key is unsigned because a DenseMap reserves two of its values, among them
/// the largest int64_t, which is a rank.
template <typename T> using RankMap = llvm::DenseMap<uint64_t, T>;

} // namespace xfer
