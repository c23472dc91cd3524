//===- CompileText.h - From texts to plan bytes -----------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/Transforms/Pipelines.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace xfer {

struct CompileOptions {
  std::optional<int64_t> rank; ///< compile its program alone
  llvm::StringRef pipeline;    ///< passes that run before what is left of the default pipeline
  PipelineOptions sizes;       ///< of the default pipeline
};

/// Compiles the buffers, as one text, to a plan file: byte for byte what
/// `xfer-opt --pass-pipeline=PIPELINE --emit=plan` writes.
LogicalResult compileText(llvm::ArrayRef<unsigned> bufferIds, const CompileOptions &options,
                          std::vector<uint8_t> &plan, Diagnostics &diagnostics);

} // namespace xfer
