//===- CommandLineOptions.cpp - What xfer-translate is asked to do --------===//
#include "CommandLineOptions.h"
#include "xfer/Frontend/Frameworks.h"

using llvm::SMLoc;
using llvm::StringRef;

namespace xfer::frontend {
namespace {

constexpr StringRef kOverview =
    "usage: xfer-translate MODEL... [--job=FILE] [--train=SIDE] [--generation=SIDE] [-o OUTPUT]\n"
    "\n"
    "Writes xfer text that moves a model's weights from a trainer to a server, under the names\n"
    "and in the layouts of their frameworks.\n"
    "\n"
    "MODEL is a HuggingFace config.json, a .safetensors file or an index of several (only\n"
    "headers are read), a JSON object {\"name\": {\"shape\": [...], \"dtype\": \"BF16\"}}, or a\n"
    "directory that holds some of them; a config.json may stand beside a list of tensors.\n"
    "SIDE is FRAMEWORK[:NAME=VALUE,...], as in megatron:tp=2,pp=4,ep=16; the names are below.\n";

/// The first of the words of an option is its value if it is not said.
std::string describeWords(StringRef name, StringRef words) {
  std::string head = name.str() + "=";
  for (char c : words)
    head += c == ' ' ? '|' : c;
  return head;
}

void describeSides(CommandLine &line) {
  for (const Framework &framework : frameworks())
    line.detail(framework.name.str(), framework.summary);
#define ROW(NAME, DEFAULT, MINIMUM, HELP) line.detail(#NAME "=N", HELP);
  XFER_SIDE_SIZES(ROW)
#undef ROW
  line.detail("layers=N+N+...", "layers of each stage; NxS is S stages of N (megatron, vllm)");
#define ROW(NAME, WORDS, HELP) line.detail(describeWords(#NAME, WORDS), HELP);
  XFER_SIDE_WORDS(ROW)
#undef ROW
}

} // namespace

CommandLine::Outcome parseCommandLine(int argc, const char *const *argv,
                                      XferTranslateOptions &options, Diagnostics &diagnostics) {
  CommandLine line("xfer-translate", kOverview, diagnostics);
  line.section("General");
  line.text("o", "OUTPUT", "write to OUTPUT, whole or not at all; '-' is standard output",
            options.output);
  line.custom("model", CommandLine::Value::Required, "MODEL", "one more MODEL",
              [&](StringRef value) {
                options.models.push_back(value);
                return success();
              });
  line.custom("job", CommandLine::Value::Required, "FILE",
              "read both sides from JSON: {\"train\": {...}, \"generation\": {...}}",
              [&](StringRef value) -> LogicalResult {
                if (options.jobFile.data())
                  return diagnostics.error(SMLoc::getFromPointer(value.data()),
                                           "a second job file");
                options.jobFile = value;
                return success();
              });
  line.custom("side", CommandLine::Value::Required, "train|generation|both",
              "write this side (both if both are described)",
              [&](StringRef value) -> LogicalResult {
                options.sideText = value;
                if (value != "train" && value != "generation" && value != "both")
                  return diagnostics.error(SMLoc::getFromPointer(value.data()),
                                           "unknown value '" + value +
                                               "', expected 'train', 'generation' or 'both'");
                options.translate.printTrain = value != "generation";
                options.translate.printGeneration = value != "train";
                return success();
              });
  line.choice("quantization", "auto|checkpoint|none",
              "move block-scaled weights as they are, or unscaled; auto: as they are between "
              "servers",
              {"auto", "checkpoint", "none"}, [&](size_t choice) {
                options.translate.quantization = static_cast<Quantization>(choice);
              });
  line.section("Sides; in a job file the names of sizes may end in `_size`");
  line.custom("train", CommandLine::Value::Required, "SIDE", "the trainer",
              [&](StringRef value) { return parseSide(value, options.job.train, diagnostics); });
  line.custom(
      "generation", CommandLine::Value::Required, "SIDE", "the server",
      [&](StringRef value) { return parseSide(value, options.job.generation, diagnostics); });
  describeSides(line);
  CommandLine::Outcome outcome = line.parse(argc, argv);
  options.models.insert(options.models.begin(), line.inputs().begin(), line.inputs().end());
  if (outcome == CommandLine::Outcome::Run && options.models.empty()) {
    (void)diagnostics.error(SMLoc(), "no model is given, expected a file or directory");
    return CommandLine::Outcome::Failed;
  }
  return outcome;
}

LogicalResult checkSides(const XferTranslateOptions &options, Diagnostics &diagnostics) {
  if (!options.job.train.isGiven() && !options.job.generation.isGiven())
    return diagnostics.error(SMLoc(), "neither side is described, expected '--train', "
                                      "'--generation' or '--job'");
  if (!options.sideText)
    return success();
  for (const Side *side : {&options.job.train, &options.job.generation})
    if (!side->isGiven() && (*options.sideText == side->name || *options.sideText == "both"))
      return diagnostics.error(SMLoc::getFromPointer(options.sideText->data()),
                               "side '" + side->name + "' is not described");
  return success();
}

} // namespace xfer::frontend
