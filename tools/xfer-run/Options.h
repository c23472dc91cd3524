//===- Options.h - What the command line asks for ---------------*- C++ -*-===//
#pragma once
#include "common/CommandLine.h"

namespace xfer::run {

struct Options {
  std::vector<llvm::StringRef> inputs; ///< text files, or one plan; empty: standard input
  std::string pipeline;                ///< passes to run before the rest of the default ones
  std::string inputDirectory, outputDirectory, jsonFile; ///< empty: not asked for
  bool verify = false;
  int64_t repeat = 1;
  int64_t stagingBytes = int64_t(256) << 20; ///< of all ranks together
  int64_t timeoutSeconds = 60;
};

/// Reads the command line into `options`.
CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, Options &options,
                                      Diagnostics &diagnostics);

} // namespace xfer::run
