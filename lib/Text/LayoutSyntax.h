//===- LayoutSyntax.h - A layout as it is written ---------------*- C++ -*-===//
//
// The clause of a side that says how a mesh cuts a tensor, with the place of
// each part. Names are not resolved: the same text may mean different layouts
// on different meshes. ResolveLayout.h gives it meaning.
//===----------------------------------------------------------------------===//
#pragma once
#include "TokenStream.h"
#include "xfer/IR/Layout.h"

namespace xfer {

/// `tp` or `tp:(1)4`.
struct AxisSyntax {
  llvm::StringRef name; ///< lies in the buffer: its begin is the place
  bool isSubAxis = false;
  int64_t preSize = 1, size = 0;
};

struct SplitSyntax {
  const char *position = nullptr;
  SplitRule rule = SplitRule::Chunk;
  llvm::SmallVector<AxisSyntax, 1> axes;
  const char *valuePosition = nullptr; ///< of the factor or the sizes
  int64_t factor = 0;
  llvm::SmallVector<int64_t, 0> sizes;
};

using DimSyntax = llvm::SmallVector<SplitSyntax, 1>;

/// One entry of `placements`: `replicate`, `shard(0)`, `strided_shard(0, 2)` or `partial(sum)`.
struct PlacementSyntax {
  enum class Kind : uint8_t { Replicate, Shard, StridedShard, Partial };
  const char *position = nullptr;
  Kind kind = Kind::Replicate;
  const char *valuePosition = nullptr; ///< of the dimension or the operation
  int64_t dimension = 0;
  const char *factorPosition = nullptr;
  int64_t factor = 0;
  ReduceOp op = ReduceOp::None;
};

struct LayoutSyntax {
  enum class Form : uint8_t { Absent, Split, Placements };
  Form form = Form::Absent;
  const char *position = nullptr; ///< of the clause
  llvm::SmallVector<DimSyntax, 2> dims;      ///< of a storage: the parts of all dimensions
  llvm::SmallVector<int32_t, 2> partsPerDim; ///< written `{a} | {b}`; 1 each but for a storage
  llvm::SmallVector<PlacementSyntax, 2> placements;

  const char *partialPosition = nullptr; ///< of `partial<...>`; null without the clause
  const char *opPosition = nullptr;
  ReduceOp op = ReduceOp::None;
  llvm::SmallVector<llvm::StringRef, 1> partialAxes;
};

/// Parses `layout? partial?` from the current token on.
LogicalResult parseLayoutSyntax(TokenStream &tokens, LayoutSyntax &layout);

/// Finds the end of the clause that starts at `begin` by its brackets alone; null if it is not
/// plainly well-formed (comments, unbalanced brackets). The clause may still be wrong inside.
const char *skimLayout(const char *begin);

/// Parses the name of a reduction's operation.
LogicalResult parseReduceOp(TokenStream &tokens, ReduceOp &op);

} // namespace xfer
