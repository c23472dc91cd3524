//===- ParserState.h - What all buffers of one text share -------*- C++ -*-===//
//
// The module, its names, and the texts that have been parsed before: layouts
// and endpoints repeat, so their text is the key under which they are known.
//===----------------------------------------------------------------------===//
#pragma once
#include "Resolver.h"
#include "TokenStream.h"

namespace xfer {

/// What the text of endpoints means. They spell the reduction at `opOffset`, if there is one.
struct KnownEndpoints {
  Endpoints ends;
  ReduceOp op = ReduceOp::None;
  int64_t opOffset = 0;
};

struct ParserState {
  ParserState(Module &module, Diagnostics &diagnostics)
      : module(module), resolver(module, diagnostics) {}

  /// Counts ranks that are listed, so that a short text cannot ask for more memory than there is.
  LogicalResult addRanks(size_t count, const char *position, TokenStream &tokens) {
    numRanks += count;
    if (numRanks <= kMaxRanks)
      return success();
    return tokens.errorAt(position, "more than " + llvm::Twine(kMaxRanks) + " ranks are listed");
  }

  Module &module;
  Resolver resolver;
  llvm::StringMap<int32_t> layoutTexts; ///< numbered
  llvm::StringMap<KnownEndpoints, llvm::BumpPtrAllocator> endpointTexts;
  const char *firstOperation = nullptr; ///< the one that set Module::level
  size_t numRanks = 0;

  /// In all meshes and in distinct endpoints.
  static constexpr size_t kMaxRanks = size_t(1) << 27;
};

} // namespace xfer
