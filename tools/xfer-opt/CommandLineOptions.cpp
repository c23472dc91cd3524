//===- CommandLineOptions.cpp - What xfer-opt is asked to do --------------===//
//
// The table of options. Passes are options too: each becomes a step, and every
// step is tried once here, so that its errors come before any input is read.
//===----------------------------------------------------------------------===//
#include "CommandLineOptions.h"
#include "xfer/Pass/PassRegistry.h"

using llvm::StringRef;

namespace xfer {
namespace {

constexpr StringRef kOverview =
    "usage: xfer-opt [INPUT...] [-o OUTPUT] [OPTION...] [PASS...]\n"
    "\n"
    "Reads xfer text, or a plan file, runs passes over it in the order of their flags,\n"
    "and prints the result. Several inputs are one text; '-', or no input, is standard\n"
    "input.\n";

/// `--default-pipeline=staging-bytes=N bucket-bytes=N`, see PipelineOptions.
class DefaultPipelineOptions final : public OptionSet {
public:
  DefaultPipelineOptions() : OptionSet("default-pipeline") {}
  PipelineOptions get(bool verifyPlan) const { return {stagingBytes, bucketBytes, verifyPlan}; }

private:
  static constexpr PipelineOptions kDefaults = {};
  Option<int64_t> stagingBytes{*this, "staging-bytes", "staging memory of one rank",
                               kDefaults.stagingBytes, 1};
  Option<int64_t> bucketBytes{*this, "bucket-bytes", "do not grow a bucket beyond this",
                              kDefaults.bucketBytes, 1};
};

/// Lists the options of a pass with their defaults.
void describe(CommandLine &line, const OptionSet &set) {
  for (const OptionBase *option : set.options())
    line.detail((option->name + "=" + option->print()).str(), option->description);
}

/// Registers xfer-opt's options one group at a time.
class OptionTable {
public:
  OptionTable(CommandLine &line, XferOptOptions &options, Diagnostics &diagnostics)
      : line(line), options(options), diagnostics(diagnostics) {}
  void addGeneral();
  void addObservation();
  void addTesting();
  void addPipelines();
  void addPasses();

private:
  LogicalResult addStep(PipelineStep step) {
    options.steps.push_back(std::move(step));
    return success();
  }
  CommandLine &line;
  XferOptOptions &options;
  Diagnostics &diagnostics;
};

void OptionTable::addGeneral() {
  line.section("General");
  line.text("o", "OUTPUT", "write to OUTPUT, whole or not at all; '-' is standard output",
            options.output);
  line.choice("emit", "ir|plan", "print text, or lower all the way and write a plan file",
              {"ir", "plan"}, [this](size_t choice) { options.emit = EmitKind(choice); });
  line.custom("rank", CommandLine::Value::Required, "RANK", "compile the program of one rank alone",
              [this](StringRef value) {
                options.rankText = value;
                return line.parseInteger(value, 0, options.rank.emplace());
              });
  line.section("Observation, on standard error");
  line.flag("print-ir-after-all", "print the module after every pass",
            options.passManager.printAfterAll);
  line.flag("print-ir-after-change", "print the module after every pass that changed it",
            options.passManager.printAfterChange);
  line.flag("print-pipeline", "print the pipeline as --pass-pipeline takes it",
            options.printPipeline);
  line.flag("statistics", "print every counter of every pass", options.statistics);
  line.flag("timing", "print seconds by phase", options.timing);
}

void OptionTable::addTesting() {
  line.section("Testing");
  line.flag("split-input-file", "a line '// -----' ends one module and begins another",
            options.splitInputFile);
  line.flag("verify-diagnostics", "check 'expected-error {{...}}' comments, fail on any difference",
            options.verifyDiagnostics);
  line.flag("verify-each", "verify after every pass that changed the module (on)",
            options.passManager.verifyEach);
}

void OptionTable::addPipelines() {
  line.section("Pipelines");
  line.custom("default-pipeline", CommandLine::Value::Optional, "",
              "what is left of the default pipeline for this module", [this](StringRef value) {
                auto set = std::make_shared<DefaultPipelineOptions>();
                if (failed(PassRegistry::parseOptions(*set, value, diagnostics)))
                  return failure();
                return addStep(
                    [&options = options, set](PassManager &manager, const Module &module) {
                      buildDefaultPipeline(manager, module, set->get(!options.noVerifyPlan));
                      return success();
                    });
              });
  describe(line, DefaultPipelineOptions());
  line.flag("no-verify-plan", "the default pipeline without its last pass, the proof",
            options.noVerifyPlan);
  line.custom("pass-pipeline", CommandLine::Value::Required, "TEXT",
              "PASS,PASS{option=value option=value},...", [this](StringRef value) {
                llvm::SourceMgr &sources = diagnostics.sourceMgr();
                unsigned id = sources.AddNewSourceBuffer(
                    llvm::MemoryBuffer::getMemBufferCopy(value, "<pass-pipeline>"), llvm::SMLoc());
                StringRef text = sources.getMemoryBuffer(id)->getBuffer();
                PassManager trial;
                if (failed(PassRegistry::parsePipeline(text, trial, diagnostics)))
                  return failure();
                return addStep(
                    [text, &diagnostics = diagnostics](PassManager &manager, const Module &) {
                      return PassRegistry::parsePipeline(text, manager, diagnostics);
                    });
              });
}

void OptionTable::addPasses() {
  line.section("Passes, as --PASS or --PASS=\"option=value option=value\"; defaults are shown");
  for (const PassInfo &info : PassRegistry::all()) {
    line.custom(info.flag, CommandLine::Value::Optional, "", info.summary,
                [this, &info](StringRef value) {
                  std::unique_ptr<Pass> trial = PassRegistry::create(info);
                  if (failed(PassRegistry::parseOptions(*trial, value, diagnostics)))
                    return failure();
                  return addStep([&info, value, &diagnostics = diagnostics](PassManager &manager,
                                                                            const Module &) {
                    std::unique_ptr<Pass> pass = PassRegistry::create(info);
                    LogicalResult parsed = PassRegistry::parseOptions(*pass, value, diagnostics);
                    manager.add(std::move(pass));
                    return parsed;
                  });
                });
    describe(line, *PassRegistry::create(info));
  }
}

} // namespace

CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, XferOptOptions &options,
                                      Diagnostics &diagnostics) {
  CommandLine line("xfer-opt", kOverview, diagnostics);
  OptionTable table(line, options, diagnostics);
  table.addGeneral();
  table.addTesting();
  table.addPipelines();
  table.addPasses();
  CommandLine::Outcome outcome = line.parse(argc, argv);
  if (outcome != CommandLine::Outcome::Run)
    return outcome;
  options.inputs = line.inputs();
  if (options.splitInputFile && options.inputs.size() > 1) {
    (void)diagnostics.error(llvm::SMLoc::getFromPointer(options.inputs[1].data()),
                            "'--split-input-file' takes one input, but this is another");
    return CommandLine::Outcome::Failed;
  }
  if (options.splitInputFile && options.emit == EmitKind::Plan) {
    (void)diagnostics.error({}, "'--emit=plan' writes one plan, but '--split-input-file' makes "
                                "several modules");
    return CommandLine::Outcome::Failed;
  }
  return outcome;
}

} // namespace xfer
