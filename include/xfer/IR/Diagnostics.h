//===- Diagnostics.h - Errors with a place ----------------------*- C++ -*-===//
//
// Everything that can be wrong is said through one object: `file:line:col:
// error: text`, the source line and a caret. Texts are lower case, without a
// full stop, with names quoted and with what was expected and got.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/SourceMgr.h"
#include <functional>

namespace xfer {

using llvm::failed;
using llvm::failure;
using llvm::LogicalResult;
using llvm::succeeded;
using llvm::success;

/// Prints `file:line:col: error: text`, the source line and a caret; the text alone without a
/// place. Safe for any bytes: long lines are clipped around the caret, control bytes not sent on.
void printDiagnostic(const llvm::SMDiagnostic &diagnostic, llvm::raw_ostream &os);

class Diagnostics {
public:
  using Handler = std::function<void(const llvm::SMDiagnostic &)>;

  /// Prints to llvm::errs() through `sources` unless a handler is set. Borrows `sources`.
  explicit Diagnostics(llvm::SourceMgr &sources) : sources(sources) {}

  /// Reports and returns failure(), so that `return diagnostics.error(...)` reads well. An invalid
  /// `loc` prints the text without a place. After kMaxErrors further errors are only counted.
  LogicalResult error(llvm::SMLoc loc, const llvm::Twine &text);
  /// Points at the other party of the error before it.
  void note(llvm::SMLoc loc, const llvm::Twine &text);
  void warning(llvm::SMLoc loc, const llvm::Twine &text);

  void setHandler(Handler newHandler) { handler = std::move(newHandler); }
  unsigned errorCount() const { return numErrors; }
  llvm::SourceMgr &sourceMgr() { return sources; }

  static constexpr unsigned kMaxErrors = 20;

private:
  void report(llvm::SMLoc loc, llvm::SourceMgr::DiagKind kind, const llvm::Twine &text);
  llvm::SourceMgr &sources;
  Handler handler;
  unsigned numErrors = 0;
};

} // namespace xfer
