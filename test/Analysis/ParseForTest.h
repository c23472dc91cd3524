//===- ParseForTest.h - Modules from text, for tests ------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

namespace xfer {

/// A module and the text it points into.
struct ParsedModule {
  explicit ParsedModule(llvm::StringRef text) : diagnostics(sources) {
    unsigned id =
        sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test"), {});
    module = parseModule(id, diagnostics);
    EXPECT_TRUE(module && succeeded(verifyModule(*module, diagnostics)));
  }
  Module &operator*() { return *module; }
  Module *operator->() { return module.get(); }

  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  std::unique_ptr<Module> module;
};

} // namespace xfer
