//===- DeclarationChecks.h - What a declaration must satisfy ----*- C++ -*-===//
//
// One check for each rule of the language about declarations, used twice: by
// the reader of text, which can point at the token that is wrong, and by the
// verifier, which knows the statement only. Each returns what is wrong first,
// or nothing.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Layout.h"
#include "xfer/IR/Mesh.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>

namespace xfer {

/// What is wrong, and in which part of the declaration.
struct Problem {
  enum class Part : uint8_t {
    Whole,
    Axis,        ///< mesh: axis `index`
    Ranks,       ///< mesh: the list of ranks
    Rank,        ///< mesh: rank `index` of the list
    Extent,      ///< tensor: dimension `index`
    DType,       ///< side: the element type
    Dimensions,  ///< layout: the list of dimensions
    Split,       ///< layout: split `split` of dimension `index`
    SplitAxis,   ///< layout: axis `axis` of that split
    SplitValue,  ///< layout: the factor or the sizes of that split
    Reduction,   ///< layout: the reduction's operation
    PartialAxis, ///< layout: entry `index` of partialAxes
    Run,         ///< storage: run `axis` of part `split` of dimension `index`
    Entry,       ///< view: entry `index`
  };
  Part part = Part::Whole;
  int32_t index = 0, split = 0, axis = 0;
  std::string text;
};

/// Verifies:
/// - there is at least one axis and at most kMaxMeshAxes, with unique names;
/// - every axis has size at least 1, and their product is at most kMaxMeshRanks.
std::optional<Problem> checkAxes(const Mesh &mesh);

/// For a mesh whose axes are right. Verifies:
/// - there are as many ranks as positions;
/// - every rank is non-negative and listed once.
std::optional<Problem> checkRanks(const Mesh &mesh);

/// Dimensions of a tensor or a storage, each factor of a flattened one counted. As in NumPy.
inline constexpr size_t kMaxDims = 64;

/// Verifies:
/// - there are at most kMaxDims extents;
/// - every extent is non-negative;
/// - bytes and strides fit in 63 bits, an extent of 0 counted as 1.
std::optional<Problem> checkShape(llvm::ArrayRef<int64_t> shape, DType dtype);

/// Verifies, for a tensor of one element per `block` of a weight:
/// - there is a block size of at least 1 for each index of the weight;
/// - each extent is the weight's divided by the block's, rounded up.
std::optional<Problem> checkScales(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> weight,
                                   llvm::ArrayRef<int64_t> block);

/// Verifies, for a layout on `mesh`:
/// - every dimension of the tensor is listed;
/// - sub-axes divide their axis, and no two splits share a part of an axis, unless they cut
///   different parts of one dimension of a storage;
/// - factors are at least 1; sizes are as many as pieces;
/// - `exact` and `sizes` hold for every extent that a coordinate sees;
/// - no dimension is cut into more than kMaxIntervals intervals;
/// - contributions lie on axes that do not split, each listed once.
/// For a storage, `shape` are the extents of its parts and `dimOfParts` the dimension of each.
std::optional<Problem> checkLayout(const Layout &layout, const Mesh &mesh,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::ArrayRef<int32_t> dimOfParts = {});

/// Verifies, for a side that stores `stored` of a tensor of type `dtype`:
/// - a source's reduction exists for the stored type; a target has none;
/// - the cast to the tensor's type (source) or from it (target) exists;
/// - the side's bytes fit in 63 bits.
std::optional<Problem> checkStoredType(bool isTarget, DType stored, DType dtype, ReduceOp reduction,
                                       llvm::ArrayRef<int64_t> shape);

} // namespace xfer
