//===- InputFiles.h - Files into memory -------------------------*- C++ -*-===//
//
// Reads what a tool was given. A file is copied, never mapped: it may be the
// output too, or change while it is used.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace xfer {

/// The most bytes that one input may have.
inline constexpr uint64_t kMaxInputBytes = uint64_t(4) << 30;

/// Reads a file, pipe or (`-`) standard input to its end; null after an error. The buffer ends in a
/// zero byte that is not part of it.
std::unique_ptr<llvm::MemoryBuffer> readInput(llvm::StringRef name, Diagnostics &diagnostics);

/// Reads the inputs, standard input if there are none, into the source manager and appends their
/// ids. Fails at the first that cannot be read, and if standard input is named twice.
LogicalResult readInputs(llvm::ArrayRef<llvm::StringRef> names,
                         llvm::SmallVectorImpl<unsigned> &bufferIds, Diagnostics &diagnostics);

} // namespace xfer
