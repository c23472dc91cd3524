//===- Main.cpp - The optimizer driver ------------------------------------===//
//
// xfer-opt reads xfer text or a plan, runs passes, and writes text or a plan.
//===----------------------------------------------------------------------===//
#include "Driver.h"
#include "common/InputFiles.h"
#include "common/OutOfMemory.h"
#include "common/OutputFile.h"
#include "llvm/Support/Process.h"

using namespace xfer;

int main(int argc, char **argv) {
  exitWhenOutOfMemory();
  llvm::SourceMgr sources;
  Diagnostics diagnostics(sources);

  XferOptOptions options;
  CommandLine::Outcome outcome = parseCommandLine(argc, argv, options, diagnostics);
  if (outcome != CommandLine::Outcome::Run)
    return outcome == CommandLine::Outcome::Done ? 0 : 1;

  if (options.emit == EmitKind::Plan && options.output == "-" &&
      llvm::sys::Process::StandardOutIsDisplayed()) {
    (void)diagnostics.error(llvm::SMLoc(), "a plan is not for a terminal, name a file with '-o'");
    return 1;
  }
  llvm::SmallVector<unsigned> bufferIds;
  if (failed(readInputs(options.inputs, bufferIds, diagnostics)))
    return 1;
  std::unique_ptr<OutputFile> output = OutputFile::open(options.output, diagnostics);
  if (!output)
    return 1;
  if (failed(Driver(options, sources).run(bufferIds, output->os())))
    return 1;
  return failed(output->keep(diagnostics));
}
