//===- Parser.h - Text to Module --------------------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include <memory>

namespace xfer {

/// Parses the buffers with the given SourceMgr ids, in order, as one text, and resolves every
/// symbol. Declarations are checked here, where an error can point at its token; verifyModule has
/// the rules of lowered operations. Returns null after at least one error has been reported.
/// Locations in the module point into the buffers, which must outlive it.
std::unique_ptr<Module> parseModule(llvm::ArrayRef<unsigned> bufferIds, Diagnostics &diagnostics);

} // namespace xfer
