//===- TensorFiles.h - --inputs and --outputs -------------------*- C++ -*-===//
//
// Maps local tensors to `DIR/rank<r>.safetensors`, one file per rank, one
// tensor in it for each that the rank holds, named as the symbol without `@`.
//===----------------------------------------------------------------------===//
#pragma once
#include "LocalTensors.h"

namespace xfer::run {

/// Fills the sources from files. Every file's header is checked against the declarations before
/// the first byte of data is read.
LogicalResult readSources(const LocalTensors &locals, llvm::StringRef directory,
                          Diagnostics &diagnostics);

/// Writes the targets to files in an existing directory: all of them or none.
LogicalResult writeTargets(const LocalTensors &locals, llvm::StringRef directory,
                           Diagnostics &diagnostics);

/// Makes the directory of --outputs, before anything moves.
LogicalResult createDirectory(llvm::StringRef directory, Diagnostics &diagnostics);

/// Fails if writing to `outputs` would replace a file that `inputs` is read from.
LogicalResult checkDirectories(const LocalTensors &locals, llvm::StringRef inputs,
                               llvm::StringRef outputs, Diagnostics &diagnostics);

} // namespace xfer::run
