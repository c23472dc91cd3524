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
  std::unique_ptr<Pass> (*create)(); ///< without a name: use PassRegistry::create
};

class PassRegistry {
public:
  /// Every pass of Passes.def, in pipeline order.
  static llvm::ArrayRef<PassInfo> all();
  static llvm::SmallVector<llvm::StringRef> flags();
  static std::unique_ptr<Pass> create(const PassInfo &info);
  /// A new pass by flag, or null.
  static std::unique_ptr<Pass> create(llvm::StringRef flag);

  /// Sets the options in `text` on `set`: `a=1 b="two words"`, divided by white space or commas,
  /// the whole in braces or not. `text` lies in a SourceMgr buffer of `diagnostics`, so that
  /// errors carry a caret; unknown names get a suggestion.
  static LogicalResult parseOptions(OptionSet &set, llvm::StringRef text, Diagnostics &diagnostics);
  /// Appends the passes named by `text`, which lies in a buffer as above. Nothing is appended on
  /// failure.
  static LogicalResult parsePipeline(llvm::StringRef text, PassManager &manager,
                                     Diagnostics &diagnostics);
};

} // namespace xfer
