//===- ExpectedDiagnostics.h - Tests of error texts -------------*- C++ -*-===//
//
// `--verify-diagnostics`: the input says in comments which diagnostics it must
// cause, and causing others or fewer is the error.
//
//   mesh @m = [tp=0]     // expected-error {{axis 'tp' has size 0}}
//   // expected-note@+1 {{first declared here}}
//
// `@+N`, `@-N`, `@above` and `@below` name another line, the latter two the
// nearest one without such a comment; `@unknown` means no place at all. The
// text in braces must be a part of the diagnostic's. Notes without a place need
// not be expected.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/SourceMgr.h"
#include <functional>
#include <vector>

namespace xfer {

class ExpectedDiagnostics {
public:
  using Report = std::function<void(const llvm::SMDiagnostic &)>;

  /// Collects the comments of the buffers. `report` gets what is wrong, malformed comments too.
  ExpectedDiagnostics(llvm::SourceMgr &sources, llvm::ArrayRef<unsigned> bufferIds, Report report);

  /// Matches one diagnostic; reports it if it was not expected.
  void take(const llvm::SMDiagnostic &diagnostic);
  /// Reports what did not come. Succeeds if nothing was ever reported.
  llvm::LogicalResult finish();

private:
  struct Expected {
    unsigned bufferId, line; ///< line 0: without a place
    llvm::SourceMgr::DiagKind kind;
    llvm::StringRef text;
    llvm::SMLoc loc; ///< of the comment
    bool found = false;
  };
  void collect(unsigned bufferId);
  void complain(llvm::SMLoc loc, const llvm::Twine &text);

  llvm::SourceMgr &sources;
  Report report;
  std::vector<Expected> expectations;
  bool anyReported = false;
};

} // namespace xfer
