//===- Parser.h - Text to Module --------------------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include <memory>

namespace xfer {

/// Parses the buffers with the given SourceMgr ids, in order, as one text, and resolves every
/// symbol. Does not check what verifyModule checks. Returns null after at least one error has been
/// reported. Locations in the module point into the buffers, which must outlive it.
std::unique_ptr<Module> parseModule(llvm::ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics);

} // namespace xfer
