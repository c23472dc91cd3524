//===- ParserState.h - What all buffers of one text share -------*- C++ -*-===//
//
// Symbols may be used before they are declared, in any buffer. So parsing only
// numbers the names it meets and collects the sides; Resolver.h connects them
// when every buffer has been read.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Module.h"
#include "llvm/ADT/StringMap.h"

namespace xfer {

/// A name met in the text: a mesh, a tensor, or not declared yet.
struct NameEntry {
  const char *firstUse = nullptr; ///< points at the name, after its `@`
  int32_t mesh = kNone;
  int32_t tensor = kNone;
  bool isReported = false; ///< as undeclared or of the wrong kind, so that it is said once
};

/// Numbers names in order of appearance.
class NameTable {
public:
  /// `name` must lie in a buffer.
  int32_t idOf(llvm::StringRef name) {
    if (name == lastName)
      return lastId;
    auto [entry, isNew] = ids.try_emplace(name, static_cast<int32_t>(entries.size()));
    if (isNew)
      entries.push_back({name.begin()});
    lastName = name;
    lastId = entry->second;
    return lastId;
  }
  NameEntry &operator[](int32_t id) { return entries[id]; }

private:
  llvm::StringMap<int32_t> ids;
  std::vector<NameEntry> entries;
  llvm::StringRef lastName; ///< a tensor's sides tend to follow it
  int32_t lastId = kNone;
};

/// A `source` or `target` statement.
struct SideStatement {
  const char *position;
  llvm::StringRef tensor, mesh; ///< lie in the buffer
  int32_t tensorName, meshName; ///< NameTable ids
  bool isTarget;
  bool hasDType = false;
  DType dtype = DType::F32;
  const char *dtypePosition = nullptr;
  const char *layoutBegin = nullptr; ///< null without a layout
  const char *bufferEnd = nullptr;
  int32_t layoutText = kNone; ///< equal for equal text; kNone without a layout
};

/// A reduction spelled in a lowered operation, to be compared with its tensor's.
struct ReduceUse {
  const char *position;
  int32_t tensorName;
  ReduceOp op;
};

struct ParserState {
  explicit ParserState(Module &module) : module(module) {}

  Module &module; ///< operations name tensors by NameTable id until they are resolved
  NameTable names;
  std::vector<SideStatement> sides;
  std::vector<ReduceUse> reduceUses;
  llvm::StringMap<int32_t> layoutTexts; ///< texts of layouts that have parsed before
  const char *firstOperation = nullptr; ///< the one that set Module::level
};

} // namespace xfer
