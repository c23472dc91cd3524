//===- OperandFacts.h - What holds for regions and rank lists ---*- C++ -*-===//
//
// Regions and rank lists are shared by many operations. What concerns them
// alone is asked when an operation first needs it, and remembered by id.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/MeshRanks.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace xfer {

class OperandFacts {
public:
  struct Facts {
    const char *wrong = nullptr; ///< what is wrong with it, in words; null if nothing is
    bool isChecked = false;
    int64_t elements = 0; ///< of a region that is right
  };

  explicit OperandFacts(const Module &module);

  const Facts &ofRegion(RegionId id);
  const Facts &ofStridedRegion(StridedRegionId id);
  const std::string &wrongOfRankList(RankListId id); ///< empty if nothing is
  bool isKnownRank(int64_t rank) const;              ///< to any mesh
  /// The first rank of the list that the mesh lacks; nullopt if it has all.
  std::optional<int64_t> findOutside(int32_t mesh, RankListId list);

private:
  std::string findWrong(llvm::ArrayRef<int64_t> ranks) const;

  const Module &module;
  std::vector<Facts> regions, stridedRegions;
  std::vector<std::optional<std::string>> rankLists;
  std::vector<int64_t> knownRanks; ///< of all meshes, ascending
  MeshRanks meshRanks;
  llvm::DenseMap<std::pair<int32_t, RankListId>, std::optional<int64_t>> outside;
};

} // namespace xfer
