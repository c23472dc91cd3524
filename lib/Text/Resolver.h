//===- Resolver.h - Names to what they name ---------------------*- C++ -*-===//
//
// Symbols may be used before they are declared, in any buffer. What names
// something that is known is connected at once; the rest waits for `finish`,
// when every buffer has been read. A model has many sides and few layouts: a
// layout's text is given meaning once per mesh, and checked once per shape.
//===----------------------------------------------------------------------===//
#pragma once
#include "LayoutSyntax.h"
#include "ResolveLayout.h"
#include "StorageSyntax.h"
#include "xfer/IR/Module.h"
#include <variant>

namespace xfer {

/// A `source` or `target` statement. Its names lie in the buffer.
struct SideStatement {
  const char *position = nullptr;
  llvm::StringRef tensor;
  bool isTarget = false;
  std::optional<DType> dtype;
  const char *dtypePosition = nullptr;
  LayoutClause layout;
};

class Resolver {
public:
  Resolver(Module &module, Diagnostics &diagnostics) : module(module), diagnostics(diagnostics) {}

  /// Gives a tensor its side, now or in `finish`.
  LogicalResult addSide(const SideStatement &statement);
  /// Declares a storage and gives the tensors in it their sides, now or in `finish`.
  LogicalResult addStorage(StorageStatement statement);
  /// Gives a tensor a second name, now or in `finish`.
  LogicalResult addAlias(const AliasStatement &statement);
  /// The tensor called `name`, or a number below kNone that `finish` replaces in every operation.
  TensorId useTensor(llvm::StringRef name);
  /// An operation on `tensor` spells its reduction, which must be the source's.
  void addReduction(const char *position, TensorId tensor, ReduceOp op) {
    reductions.push_back({position, tensor, op});
  }
  LogicalResult finish();

private:
  struct Reduction {
    const char *position;
    TensorId tensor;
    ReduceOp op;
  };

  LogicalResult errorAt(const char *position, const llvm::Twine &text) {
    return diagnostics.error(llvm::SMLoc::getFromPointer(position), text);
  }
  int32_t findTensor(llvm::StringRef name);
  int32_t findMesh(llvm::StringRef name);
  LogicalResult notDeclared(const char *kind, llvm::StringRef name, bool isOtherKind);
  LogicalResult resolveSide(const SideStatement &statement, TensorId tensor, int32_t mesh);
  LogicalResult resolveDelayed(const SideStatement &statement);
  LogicalResult resolveDelayed(const StorageStatement &statement);
  LogicalResult attachSide(bool isTarget, Tensor &tensor, const Side &side);
  LogicalResult findLayout(const LayoutClause &clause, const LayoutContext &context,
                           LayoutId &layout);
  LogicalResult resolveStorage(const StorageStatement &statement, int32_t mesh);
  LogicalResult checkStorage(const StorageStatement &statement, const LayoutContext &context,
                             const Storage &storage);
  class RunNames;
  LogicalResult resolveView(const StorageStatement &statement, llvm::ArrayRef<RunNames> names,
                            const ViewStatement &view, int32_t storage);
  LogicalResult resolveEntry(const EntrySyntax &syntax, const Tensor &tensor, const StorageDim &dim,
                             const RunNames &names, ViewEntry &entry);
  LogicalResult resolveAliases();
  LogicalResult resolveAlias(const AliasStatement &statement, TensorId tensor);
  LogicalResult resolveScales();
  void orderTargets();
  LogicalResult resolveTargetIndices();
  LogicalResult checkSide(const SideStatement &statement, const LayoutContext &context,
                          const Tensor &tensor, const Side &side);
  LogicalResult parseLayout(const LayoutClause &clause, LayoutSyntax &syntax);
  LogicalResult resolveOperations();
  LogicalResult resolveReductions();

  Module &module;
  Diagnostics &diagnostics;

  llvm::StringRef lastTensorName, lastMeshName; ///< a tensor's sides tend to follow it
  int32_t lastTensor = kNone, lastMesh = kNone;

  SequenceInterner layoutKeys;        ///< (text, mesh, isTarget, dimensions or parts)
  std::vector<LayoutId> layoutsByKey; ///< kNone if it is wrong
  SequenceInterner checkedSides;      ///< (layout, types, isTarget, shape...)

  SequenceInterner checkedStorages; ///< (shape, layout, type, isTarget)
  SequenceInterner checkedViews;    ///< (view, shape, isTarget, indices...)

  std::vector<std::variant<SideStatement, StorageStatement>> delayed; ///< in the order of the text
  std::vector<AliasStatement> delayedAliases;
  llvm::StringMap<int32_t> delayedTensors;   ///< names not declared yet, numbered
  std::vector<llvm::StringRef> delayedNames; ///< by number; lie in the buffer
  llvm::StringMap<bool> reportedNames;       ///< so that each is reported once
  std::vector<Reduction> reductions;
};

} // namespace xfer
