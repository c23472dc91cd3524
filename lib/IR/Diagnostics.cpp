//===- Diagnostics.cpp - Errors with a place ------------------------------===//
#include "xfer/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

using llvm::SMLoc;
using llvm::SourceMgr;
using llvm::Twine;

namespace xfer {

void Diagnostics::report(SMLoc loc, SourceMgr::DiagKind kind, const Twine &text) {
  if (numErrors > kMaxErrors)
    return;
  // SourceMgr would print `<unknown>:0:` before a text without a place.
  llvm::SMDiagnostic diagnostic = loc.isValid() ? sources.GetMessage(loc, kind, text)
                                                : llvm::SMDiagnostic("", kind, text.str());
  if (handler)
    handler(diagnostic);
  else
    printDiagnostic(diagnostic, llvm::errs());
}

LogicalResult Diagnostics::error(SMLoc loc, const Twine &text) {
  ++numErrors;
  report(loc, SourceMgr::DK_Error, text);
  return failure();
}

void Diagnostics::note(SMLoc loc, const Twine &text) { report(loc, SourceMgr::DK_Note, text); }

void Diagnostics::warning(SMLoc loc, const Twine &text) {
  report(loc, SourceMgr::DK_Warning, text);
}

} // namespace xfer
