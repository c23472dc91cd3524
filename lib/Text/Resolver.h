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
#include "xfer/IR/Module.h"

namespace xfer {

/// A `source` or `target` statement. Its names lie in the buffer.
struct SideStatement {
  const char *position = nullptr;
  llvm::StringRef tensor, mesh;
  bool isTarget = false;
  std::optional<DType> dtype;
  const char *dtypePosition = nullptr;
  const char *layoutBegin = nullptr; ///< null without a layout
  const char *bufferEnd = nullptr;
  int32_t layoutText = kNone; ///< equal for equal text; kNone without a layout
};

class Resolver {
public:
  Resolver(Module &module, Diagnostics &diagnostics) : module(module), diagnostics(diagnostics) {}

  /// Gives a tensor its side, now or in `finish`.
  LogicalResult addSide(const SideStatement &statement);
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
  LogicalResult resolveDelayedSide(const SideStatement &statement);
  LogicalResult attachSide(const SideStatement &statement, Tensor &tensor, const Side &side);
  LogicalResult findLayout(const SideStatement &statement, const LayoutContext &context,
                           LayoutId &layout);
  LogicalResult checkSide(const SideStatement &statement, const LayoutContext &context,
                          const Tensor &tensor, const Side &side);
  LogicalResult parseLayout(const SideStatement &statement, LayoutSyntax &syntax);
  LogicalResult resolveOperations();
  LogicalResult resolveReductions();

  Module &module;
  Diagnostics &diagnostics;

  llvm::StringRef lastTensorName, lastMeshName; ///< a tensor's sides tend to follow it
  int32_t lastTensor = kNone, lastMesh = kNone;

  SequenceInterner layoutKeys;        ///< (text, mesh, dimensions, isTarget)
  std::vector<LayoutId> layoutsByKey; ///< kNone if it is wrong
  SequenceInterner checkedSides;      ///< (layout, types, isTarget, shape...)

  std::vector<SideStatement> delayedSides;   ///< in the order of the text
  llvm::StringMap<int32_t> delayedTensors;   ///< names not declared yet, numbered
  std::vector<llvm::StringRef> delayedNames; ///< by number; lie in the buffer
  llvm::StringMap<bool> reportedNames;       ///< so that each is reported once
  std::vector<Reduction> reductions;
};

} // namespace xfer
