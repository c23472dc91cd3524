//===- Spelling.h - What the user meant -------------------------*- C++ -*-===//
//
// Suggestions for misspelt names, by edit distance.
//===----------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace xfer {

/// The candidate nearest to `text`; "" if none differs by at most a third of its characters. Of
/// equally near ones, one with the same first letter, else the first.
llvm::StringRef nearestSpelling(llvm::StringRef text, llvm::ArrayRef<llvm::StringRef> candidates);

/// `; did you mean 'NAME'?` for the end of an error, or "" without a near candidate. `prefix` goes
/// before the name: the dashes of a flag.
std::string didYouMean(llvm::StringRef text, llvm::ArrayRef<llvm::StringRef> candidates,
                       llvm::StringRef prefix = "");

} // namespace xfer
