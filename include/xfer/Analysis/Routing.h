//===- Routing.h - Which cells of two layouts intersect ---------*- C++ -*-===//
//
// Everything the declarations say about routes. Tensors of equal shape, wire
// width and layouts share one pattern, so the cost is that of the distinct
// patterns plus one small record per tensor and target.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Analysis/Ownership.h"

namespace xfer {

/// One source cell meets one target cell: all they share, or one product of it.
struct CellRoute {
  int64_t sourceCell = 0, targetCell = 0;
  RegionId region = kNone;         ///< global; every segment is one loop in both local tensors
  int64_t bytes = 0;               ///< of one copy on the wire
  RankListId sources = kNone;      ///< every holder of the source cell, group after group
  RankListId destinations = kNone; ///< every holder of the target cell
  RankListId remote = kNone;       ///< destinations that hold no replica of the source cell
};

struct RoutePattern {
  int32_t source = 0, target = 0; ///< OwnershipCache ids
  int64_t width = 1;              ///< bytes of one element on the wire
  int32_t groupSize = 1;          ///< contributors per replica
  int64_t numInstances = 0;
  int64_t numBlockPairs = 1;     ///< beyond kMaxBlockPairs, `routes` is empty
  int64_t numRoutes = 0;         ///< beyond kMaxRoutesPerPattern, `routes` is empty
  /// Of each pair of blocks, by source cell, then target cell, index 0 slowest.
  std::vector<CellRoute> routes;
  bool isProduct = true; ///< one pair of blocks: two cells have one route at most
};

/// A tensor and one of its targets.
struct RouteInstance {
  TensorId tensor = kNone;
  int32_t target = 0;  ///< index into Tensor::targets
  int32_t pattern = 0; ///< index into Routing::patterns
  int64_t ordinal = 0; ///< among the instances of the pattern
};

/// A pattern of more routes is not worked out: it would exhaust memory long before it is useful.
inline constexpr int64_t kMaxRoutesPerPattern = int64_t(1) << 23;
/// Each block of the source is compared with each of the target: where both are flattened and cut
/// very finely, for minutes.
inline constexpr int64_t kMaxBlockPairs = int64_t(1) << 24;

class Routing {
public:
  /// Looks only at the declarations, which must be verified; interns regions and rank lists.
  /// Tensors without source or target are left out.
  Routing(Module &module, OwnershipCache &ownerships);

  llvm::ArrayRef<RoutePattern> patterns() const { return patternList; }
  /// In declaration order.
  llvm::ArrayRef<RouteInstance> instances() const { return instanceList; }
  /// The instance of a target of `tensor`, or null if the tensor is left out.
  const RouteInstance *find(TensorId tensor, int32_t target) const;
  /// Index of the route of `region` between two cells of a pattern, or -1. Where the cells have one
  /// route it is found for any region.
  int64_t findRoute(int32_t pattern, int64_t sourceCell, int64_t targetCell, RegionId region);

private:
  void buildPattern(RoutePattern &pattern);
  int64_t findProductRoute(const RoutePattern &pattern, int64_t sourceCell,
                           int64_t targetCell) const;

  Module &module;
  OwnershipCache &ownerships;
  std::vector<RoutePattern> patternList;
  std::vector<RouteInstance> instanceList;
  std::vector<int32_t> firstInstance;        ///< by tensor, plus the end
  std::vector<std::vector<int32_t>> byCells; ///< by pattern: routes by cells; empty until needed
};

} // namespace xfer
