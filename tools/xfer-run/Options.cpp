//===- Options.cpp - What the command line asks for -----------------------===//
#include "Options.h"

namespace xfer::run {

static constexpr llvm::StringLiteral kOverview =
    R"(xfer-run: moves tensors as declared, all ranks in this process

usage: xfer-run [options] IN...

IN is xfer text (several files are one text, `-` is standard input) or a plan
that `xfer-opt --emit=plan` wrote. Sources are filled with a pattern unless
--inputs gives their values. Files hold a tensor for each memory of a rank: a
storage, or a tensor's own.
)";

CommandLine::Outcome parseCommandLine(int argc, const char *const *argv, Options &options,
                                      Diagnostics &diagnostics) {
  static constexpr llvm::StringRef kBackends[] = {"threads", "gloo", "nccl"};
  constexpr int64_t kMaxTimeoutSeconds = int64_t(365) * 24 * 3600;
  size_t backend = 0;
  CommandLine line("xfer-run", kOverview, diagnostics);
  // An empty name is a mistake, of an unset shell variable say, and not the same as no option.
  auto path = [&](llvm::StringRef name, llvm::StringRef valueName, llvm::StringRef help,
                  std::string &out) {
    line.custom(name, CommandLine::Value::Required, valueName, help,
                [&diagnostics, &out](llvm::StringRef value) {
                  out = value.str();
                  return value.empty()
                             ? diagnostics.error(llvm::SMLoc::getFromPointer(value.data()),
                                                 "expected a name, got ''")
                             : success();
                });
  };
  line.section("data");
  path("inputs", "DIR", "read the sources from DIR/rank<r>.safetensors", options.inputDirectory);
  path("outputs", "DIR", "write the targets to DIR/rank<r>.safetensors; a pad holds 0",
       options.outputDirectory);
  line.flag("verify", "check every target element after every replay", options.verify);
  line.section("replay");
  line.choice("backend", "NAME", "how bytes cross ranks: threads (default), gloo, nccl", kBackends,
              [&](size_t index) { backend = index; });
  line.integer("repeat", "N", "replay N times (default 1)", 1, options.repeat);
  line.integer("timeout", "SECONDS", "give up on a rank after this long (default 60)", 1,
               options.timeoutSeconds);
  line.section("plan");
  line.text("pass-pipeline", "TEXT", "run these passes, then what is left of the default pipeline",
            options.pipeline);
  line.integer("staging-bytes", "N", "staging of all ranks together (default 268435456)", 1,
               options.stagingBytes);
  line.section("report");
  path("json", "FILE", "write what was measured and counted; `-` is standard output",
       options.jsonFile);

  CommandLine::Outcome outcome = line.parse(argc, argv);
  options.timeoutSeconds = std::min(options.timeoutSeconds, kMaxTimeoutSeconds);
  options.inputs.assign(line.inputs().begin(), line.inputs().end());
  if (outcome == CommandLine::Outcome::Run && backend != 0) {
    (void)diagnostics.error({},
                            "backend '" + kBackends[backend] + "' is not built into this xfer-run");
    return CommandLine::Outcome::Failed;
  }
  return outcome;
}

} // namespace xfer::run
