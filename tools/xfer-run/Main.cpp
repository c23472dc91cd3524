//===- Main.cpp - xfer-run ------------------------------------------------===//
//
// Moves the tensors of a job between its ranks, checks that they arrived, and says
// what it cost.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "Padding.h"
#include "Progress.h"
#include "Replay.h"
#include "Report.h"
#include "TensorFiles.h"
#include "common/OutOfMemory.h"
#include <sys/resource.h>

using namespace xfer;
using namespace xfer::run;

/// Gives every source its bytes; returns what to expect of them.
static std::unique_ptr<Values> prepareSources(const Options &options, const LocalTensors &locals,
                                              Diagnostics &diagnostics) {
  if (options.inputDirectory.empty()) {
    auto pattern = std::make_unique<PatternValues>(locals.module());
    fillSources(locals, *pattern);
    return pattern;
  }
  auto buffers = std::make_unique<BufferValues>(locals);
  if (failed(readSources(locals, options.inputDirectory, diagnostics)) ||
      (options.verify && failed(checkReplicas(locals, *buffers, diagnostics))))
    return nullptr;
  return buffers;
}

static LogicalResult replayAll(const Options &options, const Job &job, const LocalTensors &locals,
                               const Values &values, Report &report, Diagnostics &diagnostics) {
  std::unique_ptr<Replayer> replayer = Replayer::create(options, job, locals, diagnostics);
  if (!replayer)
    return failure();
  // What nobody writes is seen best as poison, but what is written to files is better zero.
  unsigned char paddingByte = options.outputDirectory.empty() ? kPoison : 0;
  Progress progress("replaying", options.repeat);
  for (int64_t i = 0; i < options.repeat; ++i, progress.advance()) {
    prepareTargets(locals, paddingByte);
    if (failed(replayer->replay(report.seconds.emplace_back(), diagnostics)))
      return failure();
    if (options.verify &&
        failed(checkTargets(locals, values, paddingByte, report.checked, diagnostics)))
      return failure();
  }
  report.verified = options.verify;
  return success();
}

static LogicalResult runJob(const Options &options, Diagnostics &diagnostics) {
  Job job;
  if (failed(prepareJob(options, job, diagnostics)))
    return failure();
  // Opened now, so that a file that cannot be written is an error before anything moves.
  std::unique_ptr<OutputFile> json;
  if (!options.jsonFile.empty() && !(json = OutputFile::open(options.jsonFile, diagnostics)))
    return failure();
  LocalTensors locals(*job.declarations);
  if (options.launcher) // expectations of inputs are made from all of them
    locals.keepRank(job.ranks[options.launcher->rank],
                    options.verify && !options.inputDirectory.empty());
  if (!options.inputDirectory.empty() && !options.outputDirectory.empty() &&
      failed(
          checkDirectories(locals, options.inputDirectory, options.outputDirectory, diagnostics)))
    return failure();
  bool startsProcesses = options.backend == BackendKind::Gloo && !options.launcher;
  if (failed(locals.checkMemory(job.stagingBytes, diagnostics)) ||
      failed(locals.allocate(diagnostics, startsProcesses)))
    return failure();
  std::unique_ptr<Values> values = prepareSources(options, locals, diagnostics);
  if (!values || (!options.outputDirectory.empty() &&
                  failed(createDirectory(options.outputDirectory, diagnostics))))
    return failure();

  Report report;
  report.backend = kBackendNames[static_cast<size_t>(options.backend)].str();
  report.tensors = static_cast<int64_t>(job.declarations->tensors.size());
  report.elements = locals.numLogicalElements();
  report.ranks = static_cast<int64_t>(job.ranks.size());
  report.stagingBytes = job.stagingBytes;
  report.counts = countPlan(job);
  report.copySeconds = measureCopy(locals, report.counts.movedBytes());
  if (failed(replayAll(options, job, locals, *values, report, diagnostics)) ||
      (!options.outputDirectory.empty() &&
       failed(writeTargets(locals, options.outputDirectory, diagnostics))) ||
      (json && failed(writeJson(report, *json, diagnostics))))
    return failure();
  return options.jsonFile == "-" ? success() : printReport(report, diagnostics);
}

/// Each rank has a file of inputs and one of outputs, all open at once.
static void raiseOpenFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
  exitWhenOutOfMemory();
  raiseOpenFileLimit();
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  Options options;
  switch (parseCommandLine(argc, argv, options, diagnostics)) {
  case CommandLine::Outcome::Done:
    return 0;
  case CommandLine::Outcome::Failed:
    return 1;
  case CommandLine::Outcome::Run:
    break;
  }
  return succeeded(runJob(options, diagnostics)) ? 0 : 1;
}
