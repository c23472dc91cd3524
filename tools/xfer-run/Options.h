//===- Options.h - What the command line asks for ---------------*- C++ -*-===//
#pragma once
#include "common/CommandLine.h"
#include <optional>

namespace xfer::run {

enum class BackendKind { Threads, Gloo, Nccl };
inline constexpr llvm::StringRef kBackendNames[] = {"threads", "gloo", "nccl"};

/// What a launcher says about this process.
struct Launcher {
  int64_t rank = 0;      ///< RANK: position among the job's ranks
  int64_t worldSize = 0; ///< WORLD_SIZE: processes of the job, one per rank
};

struct Options {
  std::vector<llvm::StringRef> inputs; ///< text files, or one plan; empty: standard input
  std::string pipeline;                ///< passes to run before the rest of the default ones
  std::string inputDirectory, outputDirectory, jsonFile; ///< empty: not asked for
  bool verify = false;
  bool noVerifyPlan = false;
  int64_t repeat = 1;
  int64_t stagingBytes = int64_t(256) << 20; ///< of all ranks together
  int64_t deadlineSeconds = 60;              ///< of every wait for another rank
  BackendKind backend = BackendKind::Threads;
  int64_t numProcesses = 0;         ///< to start; 0: one per rank, unless there is a launcher
  std::string storeDirectory;       ///< where processes meet; empty: one of our own
  std::optional<Launcher> launcher; ///< this process runs one rank
};

/// Reads the command line into `options`.
CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, Options &options,
                                      Diagnostics &diagnostics);

} // namespace xfer::run
