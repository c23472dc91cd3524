//===- PassRegistry.h - Passes by name --------------------------*- C++ -*-===//
//
// The names, summaries and factories of passes, and the parser of pipeline
// text: `pass,pass{option=value option=value}`.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Pass/PassManager.h"

namespace xfer {

struct PassInfo {
  llvm::StringRef flag, summary;
  std::unique_ptr<Pass> (*create)();
};

class PassRegistry {
public:
  /// Every pass of Passes.def, in pipeline order.
  static llvm::ArrayRef<PassInfo> all();
  /// A new pass by flag, or null.
  static std::unique_ptr<Pass> create(llvm::StringRef flag);
  /// The known flag nearest to `flag` by edit distance, or "" if none is close.
  static llvm::StringRef suggest(llvm::StringRef flag);

  /// Sets the options in `text` (`a=1 b=2`) on `pass`. `text` lies in a SourceMgr buffer of
  /// `diagnostics`, so that errors carry a caret; unknown names get a suggestion.
  static LogicalResult parseOptions(Pass &pass, llvm::StringRef text, Diagnostics &diagnostics);
  /// Appends the passes named by `text`, a part of a buffer as above.
  static LogicalResult parsePipeline(llvm::StringRef text, PassManager &manager,
                                     Diagnostics &diagnostics);
};

} // namespace xfer
