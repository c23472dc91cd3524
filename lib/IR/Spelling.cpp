//===- Spelling.cpp - What the user meant ---------------------------------===//
//
// The nearest of a few dozen names; called only on the way to an error.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Spelling.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

StringRef nearestSpelling(StringRef text, ArrayRef<StringRef> candidates) {
  // Edit distance is quadratic; what is so long is no misspelling.
  if (text.size() > 64)
    return "";
  StringRef nearest;
  unsigned best = static_cast<unsigned>(text.size() + 2) / 3;
  for (StringRef candidate : candidates) {
    unsigned distance = text.edit_distance(candidate, /*AllowReplacements=*/true, best);
    if (distance > best || distance >= text.size())
      continue; // too far, or every letter is another
    bool beginsAlike = candidate.front() == text.front();
    if (distance < best || nearest.empty() || (beginsAlike && nearest.front() != text.front()))
      nearest = candidate;
    best = distance;
  }
  return nearest;
}

std::string didYouMean(StringRef text, ArrayRef<StringRef> candidates, StringRef prefix) {
  StringRef nearest = nearestSpelling(text, candidates);
  if (nearest.empty())
    return "";
  return "; did you mean '" + prefix.str() + nearest.str() + "'?";
}

} // namespace xfer
