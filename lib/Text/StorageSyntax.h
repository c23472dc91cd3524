//===- StorageSyntax.h - Storages, aliases and scales as written *- C++ -*-===//
//
// Statements with the place of each part; names lie in the buffer and are not
// resolved. The shape of a storage has its meaning at once: it names nothing.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Storage.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace xfer {

/// `on @mesh split [...] partial<...>{...}`. Its names lie in the buffer.
struct LayoutClause {
  llvm::StringRef mesh;
  const char *begin = nullptr; ///< of what follows the mesh; null if nothing does
  const char *bufferEnd = nullptr;
  int32_t text = kNone; ///< equal for equal text; kNone if there is none
};

/// `d1` or `d1[0:128]`.
struct FactorSyntax {
  const char *position = nullptr;
  int64_t index = 0;
  bool hasSlice = false;
  int64_t begin = 0, end = 0;
};

/// `3`, `d0`, `q: d0*d1` or `d0 table [0, 2, 1, 2]`.
struct EntrySyntax {
  const char *position = nullptr;
  llvm::StringRef run; ///< empty if not named
  int64_t fixed = 0;   ///< without factors
  llvm::SmallVector<FactorSyntax, 1> factors;
  bool hasTable = false;
  llvm::SmallVector<int64_t, 0> table;
};

/// `view @w [q: d0, d1]`
struct ViewStatement {
  const char *position = nullptr;
  llvm::StringRef tensor;
  llvm::SmallVector<EntrySyntax, 3> entries;
};

/// `source storage @s : bf16[4 x (q:1024 | k:128), 64] on @mesh split [{tp}, {}] { ... }`
struct StorageStatement {
  const char *position = nullptr;
  bool isTarget = false;
  llvm::StringRef name;
  DType dtype = DType::F32;
  const char *dtypePosition = nullptr;
  StorageShape shape;
  std::vector<const char *> runPositions; ///< of all runs, part by part
  LayoutClause layout;
  std::vector<ViewStatement> views;
};

/// `alias @head = @embedding`
struct AliasStatement {
  const char *position = nullptr;
  llvm::StringRef name, tensor;
};

} // namespace xfer
