//===- Spelling.cpp - What the user meant ---------------------------------===//
//
// The nearest of a few dozen names; called only on the way to an error.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/Spelling.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

StringRef nearestSpelling(StringRef text, ArrayRef<StringRef> candidates) {
  // Edit distance is quadratic; what is so long is no misspelling.
  if (text.size() > 64)
    return "";
  StringRef nearest;
  unsigned limit = (text.size() + 2) / 3 + 1;
  for (StringRef candidate : candidates) {
    unsigned distance = text.edit_distance(candidate, /*AllowReplacements=*/true, limit);
    if (distance >= limit)
      continue;
    limit = distance;
    nearest = candidate;
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
