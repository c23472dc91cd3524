//===- TextBenchmark.cpp - Bytes per second of parsing and printing -------===//
//
// Generates the declarations of a mixture-of-experts model of DeepSeek-V3's
// size, one tensor for each expert's weight, and a program of as many chunks,
// and measures parseModule, verifyModule and printModule on them.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "llvm/Support/MemoryBuffer.h"
#include <benchmark/benchmark.h>
#include <fmt/format.h>

using namespace xfer;

namespace {

struct Weight {
  const char *name;
  const char *shape;
  const char *sourceLayout, *targetLayout;
};

constexpr int kLayers = 58, kExperts = 257;
constexpr Weight kExpertWeights[] = {
    {"gate_proj", "2048, 7168", "[{strided(etp, 2), edp}, {}]", "[{tp}, {}]"},
    {"up_proj", "2048, 7168", "[{strided(etp, 2), edp}, {}]", "[{tp}, {}]"},
    {"down_proj", "7168, 2048", "[{edp}, {etp}]", "[{}, {tp}]"},
};

constexpr const char *kMeshes = "mesh @trainer = [edp=4, etp=2] ranks [0:8]\n"
                                "mesh @server = [dp=2, tp=8] ranks [8:24]\n";

void appendSides(std::string &text, const std::string &name, const Weight &weight) {
  text += fmt::format("tensor @{} : bf16[{}]\n", name, weight.shape);
  text += fmt::format("source @{} : f32 on @trainer split {}\n", name, weight.sourceLayout);
  text += fmt::format("target @{} on @server split {}\n", name, weight.targetLayout);
}

std::string makeDeclarations() {
  std::string text = kMeshes;
  for (int layer = 0; layer < kLayers; ++layer)
    for (int expert = 0; expert < kExperts; ++expert)
      for (const Weight &weight : kExpertWeights)
        appendSides(
            text,
            fmt::format("model.layers.{}.mlp.experts.{}.{}.weight", layer + 3, expert, weight.name),
            weight);
  return text;
}

/// Programs of 24 ranks, in buckets of eight chunks.
std::string makePrograms() {
  std::string text = kMeshes;
  text += "tensor @model.layers.0.mlp.w13 : bf16[262144, 7168]\n"
          "source @model.layers.0.mlp.w13 on @trainer\n"
          "target @model.layers.0.mlp.w13 on @server\n";
  for (int rank = 0; rank < 24; ++rank) {
    text += fmt::format("program rank {} {{\n", rank);
    for (int bucket = 0; bucket < 512; ++bucket) {
      text += fmt::format("  bucket {} p2p {} -> [{}, {}] roles(source) bytes 917504 {{\n", bucket,
                          rank, (rank + 1) % 24, (rank + 2) % 24);
      for (int chunk = 0; chunk < 8; ++chunk) {
        int row = (bucket * 8 + chunk) * 32;
        text += fmt::format("    chunk @model.layers.0.mlp.w13 [{}:{}, 0:1792] source offset {} "
                            "sizes [32, 1792] strides [7168, 1] at {}\n",
                            row, row + 32, row * 7168, chunk * 114688);
      }
      text += "  }\n";
    }
    text += "}\n";
  }
  return text;
}

class Text {
public:
  explicit Text(const std::string &text) : diagnostics(sources) {
    id = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text), llvm::SMLoc());
  }
  std::unique_ptr<Module> parse() { return parseModule(id, diagnostics); }
  Diagnostics &errors() { return diagnostics; }

private:
  llvm::SourceMgr sources;
  Diagnostics diagnostics;
  unsigned id;
};

void report(benchmark::State &state, const std::string &text) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetLabel(fmt::format("{:.1f} MB", static_cast<double>(text.size()) / 1e6));
}

void parse(benchmark::State &state, const std::string &text) {
  Text input(text);
  for (auto iteration : state) {
    (void)iteration;
    if (!input.parse())
      return state.SkipWithError("does not parse");
  }
  report(state, text);
}

void verify(benchmark::State &state, const std::string &text) {
  Text input(text);
  std::unique_ptr<Module> module = input.parse();
  for (auto iteration : state) {
    (void)iteration;
    if (!module || failed(verifyModule(*module, input.errors())))
      return state.SkipWithError("does not verify");
  }
  report(state, text);
}

void print(benchmark::State &state, const std::string &text) {
  Text input(text);
  std::unique_ptr<Module> module = input.parse();
  llvm::raw_null_ostream os;
  for (auto iteration : state) {
    (void)iteration;
    printModule(*module, os);
  }
  report(state, text);
}

const std::string declarations = makeDeclarations();
const std::string programs = makePrograms();

BENCHMARK_CAPTURE(parse, declarations, declarations)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(verify, declarations, declarations)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(print, declarations, declarations)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(parse, programs, programs)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(verify, programs, programs)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(print, programs, programs)->Unit(benchmark::kMillisecond);

} // namespace
