//===- SplitInput.h - Several modules in one file ---------------*- C++ -*-===//
//
// `--split-input-file`: a line `// -----` ends a module and begins another.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace xfer {

/// What stands between modules, and is printed between them.
inline constexpr llvm::StringLiteral kSplitMarker = "// -----";

struct Piece {
  llvm::StringRef text;
  unsigned linesBefore = 0; ///< lines of the file that precede the piece
};

/// The pieces of `text`, at least one; the marker lines belong to none.
llvm::SmallVector<Piece> splitInput(llvm::StringRef text);

} // namespace xfer
