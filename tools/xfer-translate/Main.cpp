//===- Main.cpp - Models and jobs to text ---------------------------------===//
//
// xfer-translate reads what describes a model and a job, and writes xfer text.
//===----------------------------------------------------------------------===//
#include "CommandLineOptions.h"
#include "common/InputFiles.h"
#include "common/OutOfMemory.h"
#include "common/OutputFile.h"
#include "xfer/Frontend/ModelFiles.h"

using namespace xfer;
using namespace xfer::frontend;

static LogicalResult readJobFile(llvm::StringRef name, Job &job, Diagnostics &diagnostics) {
  std::unique_ptr<llvm::MemoryBuffer> buffer = readInput(name, diagnostics);
  if (!buffer)
    return failure();
  unsigned bufferId = diagnostics.sourceMgr().AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  std::unique_ptr<JsonDocument> document = parseJson(bufferId, diagnostics);
  return document ? readJob(document->root, job, diagnostics) : failure();
}

static LogicalResult run(XferTranslateOptions &options, Diagnostics &diagnostics) {
  if (options.jobFile.data() && failed(readJobFile(options.jobFile, options.job, diagnostics)))
    return failure();
  Model model;
  if (failed(checkSides(options, diagnostics)) || failed(resolveJob(options.job, diagnostics)) ||
      failed(readModel(options.models, readInput, model, diagnostics)))
    return failure();
  std::string text;
  if (failed(translate(model, options.job, options.translate, text, diagnostics)))
    return failure();
  std::unique_ptr<OutputFile> output = OutputFile::open(options.output, diagnostics);
  if (!output)
    return failure();
  output->os() << text;
  return output->keep(diagnostics);
}

int main(int argc, char **argv) {
  exitWhenOutOfMemory();
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);
  XferTranslateOptions options;
  CommandLine::Outcome outcome = parseCommandLine(argc, argv, options, diagnostics);
  if (outcome != CommandLine::Outcome::Run)
    return outcome == CommandLine::Outcome::Done ? 0 : 1;
  return failed(run(options, diagnostics));
}
