//===- Storages.h - What the ranks of a side hold ---------------*- C++ -*-===//
//
// The result of a framework: meshes, and on them storages under the
// framework's own names, whose views are the model's tensors. Construction
// checks what must divide; PrintTransfer.cpp makes text of it.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Job.h"
#include "xfer/Frontend/Model.h"

namespace xfer::frontend {

/// A cut of an index space over axes of the mesh.
struct Cut {
  std::string axes;         ///< as the text says: `tp`, `tp:(1)4`, `balanced(ep)`
  int64_t ways = 1;         ///< a cut into one piece is not printed
  bool mayBeUneven = false; ///< otherwise the pieces must be equal
  std::string why;          ///< names of the sizes, for errors: `tp 8`
};

/// A stretch of a part; with a name if a view needs it, `pad` and `zero` if no tensor lives there.
struct Run {
  std::string name;
  int64_t size = 0;
};

/// A piece of a storage's dimension that is cut on its own.
struct Part {
  int64_t repeat = 1;
  llvm::SmallVector<Run, 1> runs;
  llvm::SmallVector<Cut, 1> cuts; ///< in the order they cut

  int64_t size() const;
};

using StorageDimension = llvm::SmallVector<Part, 1>;

/// Where one dimension of a storage finds a view's tensor.
struct ViewEntry {
  int64_t index = -1; ///< a fixed index; negative: `run` holds `factors`
  std::string run;
  std::string factors;    ///< `d0`, `d0*d1`, `d1[0:128]`
  int64_t dimension = -1; ///< of the tensor, if it is one whole dimension
};

struct View {
  int64_t tensor = 0;
  llvm::SmallVector<ViewEntry, 3> entries;
};

struct Storage {
  std::string name;
  DType dtype = DType::BF16;
  int64_t mesh = 0;
  llvm::SmallVector<StorageDimension, 3> dimensions;
  std::vector<View> views;
};

struct SideMesh {
  struct Axis {
    std::string name;
    int64_t size = 1;
  };
  std::string name;
  llvm::SmallVector<Axis, 3> axes;
  std::vector<int64_t> ranks;
  std::string remark; ///< which part of the model is there
};

class SideStorages {
public:
  SideStorages(const Model &model, const Side &side, Diagnostics &diagnostics)
      : model(model), side(side), diagnostics(diagnostics), isUsed(model.tensors.size(), false) {}

  /// The axes' sizes multiply to the number of ranks, which are row-major over them.
  int64_t addMesh(SideMesh mesh);
  /// Adds a storage, and after it the one of its scales if its tensors have scales. Verifies:
  /// - pieces are equal unless a cut says otherwise;
  /// - cuts of block-scaled tensors are multiples of the block.
  LogicalResult add(Storage storage);
  /// Verifies that every tensor of the model is in a storage.
  LogicalResult finish();

  /// The tensor of a name; -1 after an error.
  int64_t tensor(const llvm::Twine &name);
  /// A view's entries for whole dimensions of a tensor from `firstDimension` on.
  llvm::SmallVector<ViewEntry, 3> wholeEntries(int64_t tensor) const;
  /// What the side stores a tensor as.
  DType storedDType(int64_t tensor) const;

  const Model &model;
  const Side &side;
  Diagnostics &diagnostics;
  std::vector<SideMesh> meshes;
  std::vector<Storage> storages;
  std::vector<std::string> remarks; ///< for the head of the text

private:
  LogicalResult checkCuts(const Storage &storage);
  LogicalResult checkBlocks(const Storage &storage);
  Storage makeScales(const Storage &storage) const;
  std::vector<bool> isUsed;
};

} // namespace xfer::frontend
