//===- CommandLineOptions.h - What xfer-translate is asked to do -*- C++ -*-===//
#pragma once
#include "common/CommandLine.h"
#include "xfer/Frontend/Translate.h"

namespace xfer::frontend {

struct XferTranslateOptions {
  std::vector<llvm::StringRef> models;
  llvm::StringRef jobFile; ///< without data: none
  std::string output = "-";
  Job job; ///< what the command line says of it
  std::optional<llvm::StringRef> sideText;
  TranslateOptions translate;
};

/// Reads the command line. Errors have been reported if the outcome is Failed.
CommandLine::Outcome parseCommandLine(int argc, const char *const *argv,
                                      XferTranslateOptions &options, Diagnostics &diagnostics);

/// Verifies that the sides that are to be printed are described.
LogicalResult checkSides(const XferTranslateOptions &options, Diagnostics &diagnostics);

} // namespace xfer::frontend
