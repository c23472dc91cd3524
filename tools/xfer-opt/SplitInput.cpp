//===- SplitInput.cpp - Several modules in one file -----------------------===//
#include "SplitInput.h"

using llvm::StringRef;

namespace xfer {

llvm::SmallVector<Piece> splitInput(StringRef text) {
  llvm::SmallVector<Piece> pieces;
  const char *pieceBegin = text.begin();
  unsigned linesBefore = 0, line = 0;
  for (StringRef rest = text; !rest.empty();) {
    auto [current, next] = rest.split('\n');
    ++line;
    if (current.rtrim() == kSplitMarker) {
      pieces.push_back({StringRef(pieceBegin, current.begin() - pieceBegin), linesBefore});
      pieceBegin = current.end() == text.end() ? text.end() : next.begin();
      linesBefore = line;
    }
    rest = next;
  }
  pieces.push_back({StringRef(pieceBegin, text.end() - pieceBegin), linesBefore});
  return pieces;
}

} // namespace xfer
