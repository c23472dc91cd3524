//===- FrontendForTest.h - Frontends on strings -----------------*- C++ -*-===//
#pragma once
#include "xfer/Frontend/ModelFiles.h"
#include "xfer/Frontend/Translate.h"
#include "llvm/Support/SourceMgr.h"
#include <memory>
#include <string>

namespace xfer::frontend {

/// Buffers and the first error of one case.
struct FrontendCase {
  FrontendCase() : diagnostics(sources) {
    diagnostics.setHandler([this](const llvm::SMDiagnostic &diagnostic) {
      if (diagnostic.getKind() != llvm::SourceMgr::DK_Error || !error.empty())
        return;
      if (diagnostic.getLoc().isValid())
        error = std::to_string(diagnostic.getLineNo()) + ":" +
                std::to_string(diagnostic.getColumnNo() + 1) + ": ";
      error += diagnostic.getMessage();
    });
  }
  unsigned add(llvm::StringRef text) {
    return sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "case"),
                                      llvm::SMLoc());
  }
  llvm::StringRef buffer(llvm::StringRef text) {
    return sources.getMemoryBuffer(add(text))->getBuffer();
  }
  /// Reads a configuration, or a list of tensors, that is text.
  bool readModelText(llvm::StringRef text, Model &model) {
    std::string name = "model.json";
    FileReader reader = [&](llvm::StringRef, Diagnostics &) {
      return llvm::MemoryBuffer::getMemBufferCopy(text, name);
    };
    return succeeded(readModel(buffer(name), reader, model, diagnostics));
  }
  /// Reads both sides, as the command line spells them, and resolves them.
  bool readSides(llvm::StringRef train, llvm::StringRef generation, Job &job) {
    return (train.empty() || succeeded(parseSide(buffer(train), job.train, diagnostics))) &&
           (generation.empty() ||
            succeeded(parseSide(buffer(generation), job.generation, diagnostics))) &&
           succeeded(resolveJob(job, diagnostics));
  }

  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  std::string error;
};

} // namespace xfer::frontend
