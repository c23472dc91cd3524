//===- LayerStorages.h - The few shapes that storages have ------*- C++ -*-===//
//
// What frameworks have in common: whole tensors, tensors that are fused by
// rows, padded vocabularies, stacked experts, ranges of ranks. The names of
// storages and tensors, and what is cut, are each framework's own.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Storages.h"

namespace xfer::frontend {

std::vector<int64_t> rankRange(int64_t first, int64_t count);

/// One tensor, uncut; the caller adds cuts.
Storage wholeStorage(const SideStorages &out, llvm::StringRef name, int64_t tensor, int64_t mesh);

/// One tensor with one dimension cut.
LogicalResult addWhole(SideStorages &out, llvm::StringRef name, int64_t tensor, int64_t mesh,
                       size_t dimension = 0, const Cut &cut = Cut());

/// A piece of a fused storage: a run and the tensor that fills it.
struct FusedPiece {
  std::string run;
  int64_t tensor = -1; ///< negative: an error was reported
  Cut cut;
};
/// Tensors one after the other by rows, each cut on its own.
LogicalResult addFused(SideStorages &out, llvm::StringRef name, llvm::ArrayRef<FusedPiece> pieces,
                       int64_t mesh);

/// A tensor whose first dimension grows to `rows`, cut as a whole.
LogicalResult addPadded(SideStorages &out, llvm::StringRef name, int64_t tensor, int64_t rows,
                        llvm::StringRef padName, int64_t mesh, const Cut &cut);

/// The routed experts of a layer in storages of three dimensions.
struct ExpertStorage {
  std::string prefix;       ///< of the storage's name
  std::string tensorPrefix; ///< of the tensors' names, before the number of the expert
  int64_t experts = 0;
  int64_t mesh = 0;
  Cut expertCut; ///< of the first dimension
  Cut upCut;     ///< of the rows of gate and up
  Cut downCut;   ///< of the columns of down
};
/// [experts, gate and up in the order of `halves`, hidden].
LogicalResult addFusedExperts(SideStorages &out, const ExpertStorage &experts, llvm::StringRef name,
                              llvm::ArrayRef<llvm::StringRef> halves);
/// [experts, hidden, intermediate].
LogicalResult addDownExperts(SideStorages &out, const ExpertStorage &experts, llvm::StringRef name);

/// How many layers each of `stages` pipeline stages has: what the side says, or `rule`. Verifies
/// that they are the model's.
LogicalResult stageLayers(SideStorages &out, llvm::ArrayRef<int64_t> rule,
                          std::vector<int64_t> &layers);

/// `, layers 0 to 3`, `no layers`: for the remark of a mesh.
std::string describeLayers(int64_t begin, int64_t end);

/// The architecture; null after an error that says how to give one.
const Architecture *requireArchitecture(SideStorages &out);

} // namespace xfer::frontend
