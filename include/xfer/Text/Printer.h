//===- Printer.h - Module to text -------------------------------*- C++ -*-===//
#pragma once
#include "xfer/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer {

/// Prints the canonical text: meshes, then each tensor followed by its sides, in declaration order,
/// then aliases and storages, then the lowered level. print(parse(print(m))) == print(m).
void printModule(const Module &module, llvm::raw_ostream &os);

/// Prints the declarations alone: what the agreement digest covers.
void printDeclarations(const Module &module, llvm::raw_ostream &os);

/// Single pieces, as they stand in the text: for error messages.
std::string toString(const Module &module, RegionId region);
std::string toString(llvm::ArrayRef<int64_t> sizes);      ///< `[2, 3, 4]`
std::string ranksToString(llvm::ArrayRef<int64_t> ranks); ///< `[4, 6:9]`
llvm::StringRef spelling(RouteType type);
llvm::StringRef spelling(Transport transport);
llvm::StringRef spelling(Level level); ///< `declarations`, `routes`, ...

} // namespace xfer
