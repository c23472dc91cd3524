//===- ParserState.h - What all buffers of one text share -------*- C++ -*-===//
#pragma once
#include "Resolver.h"

namespace xfer {

struct ParserState {
  ParserState(Module &module, Diagnostics &diagnostics)
      : module(module), resolver(module, diagnostics) {}

  Module &module;
  Resolver resolver;
  llvm::StringMap<int32_t> layoutTexts; ///< numbers the texts of layouts that have parsed before
  const char *firstOperation = nullptr; ///< the one that set Module::level
};

} // namespace xfer
