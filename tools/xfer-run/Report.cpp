//===- Report.cpp - What a run did, for people and for scripts ------------===//
#include "Report.h"
#include "Parallel.h"
#include "Units.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include <chrono>
#include <cstring>
#include <fmt/format.h>

namespace xfer::run {

static double median(std::vector<double> values) {
  llvm::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

double Report::medianSeconds() const { return median(seconds); }

double Report::bytesPerSecond() const {
  double time = medianSeconds();
  return time > 0 ? static_cast<double>(counts.movedBytes()) / time : 0;
}

//===- The plain copy -----------------------------------------------------===//

double measureCopy(const LocalTensors &locals, int64_t bytes) {
  static constexpr int64_t kBlockBytes = int64_t(1) << 20;
  constexpr int kPasses = 3;
  struct Block {
    char *data;
    int64_t bytes;
  };
  auto blocksOf = [](llvm::ArrayRef<LocalTensor> tensors) {
    std::vector<Block> blocks;
    for (const LocalTensor &local : tensors)
      for (int64_t offset = 0; local.data && offset < local.bytes; offset += kBlockBytes)
        blocks.push_back({local.data + offset, std::min(kBlockBytes, local.bytes - offset)});
    return blocks;
  };
  std::vector<Block> from = blocksOf(locals.sources()), to = blocksOf(locals.targets());
  if (from.empty() || to.empty() || bytes == 0)
    return 0;

  struct Copy {
    char *to;
    const char *from;
    int64_t bytes;
  };
  std::vector<Copy> copies;
  for (size_t i = 0; bytes > 0; ++i) {
    const Block &source = from[i % from.size()], &target = to[i % to.size()];
    int64_t count = std::min({source.bytes, target.bytes, bytes});
    copies.push_back({target.data, source.data, count});
    bytes -= count;
  }
  int64_t threads = std::min<int64_t>(locals.ranks().size(), numWorkers());
  std::vector<double> seconds;
  for (int pass = -1; pass < kPasses; ++pass) { // the first touches the memory
    auto begin = std::chrono::steady_clock::now();
    // Copies to one block are one thread's: they may be several when more moves than targets hold.
    parallelFor(to.size(), threads, [&](int64_t block) {
      for (size_t i = block; i < copies.size(); i += to.size())
        std::memcpy(copies[i].to, copies[i].from, copies[i].bytes);
    });
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (pass >= 0)
      seconds.push_back(took.count());
  }
  return median(seconds);
}

//===- Text ---------------------------------------------------------------===//

static void printTransport(const char *name, const TransportCounts &counts, const char *singular,
                           const char *plural, llvm::raw_ostream &os) {
  if (counts.operations)
    os << fmt::format("  {:<14}{:>14}  {}\n", name, formatBytes(counts.bytes),
                      formatCount(counts.operations, singular, plural));
}

static void printText(const Report &report, llvm::raw_ostream &os) {
  const Counts &counts = report.counts;
  auto row = [&](const char *name, const std::string &value, const std::string &comment) {
    os << fmt::format("{:<16}{:>14}{}{}\n", name, value, comment.empty() ? "" : "  ", comment);
  };
  row("tensors", formatCount(report.tensors), formatCount(report.elements) + " elements");
  row("ranks", formatCount(report.ranks), "");
  row("moved", formatBytes(counts.movedBytes()), "per replay");
  printTransport("p2p", counts.p2p, "message", "messages", os);
  printTransport("broadcast", counts.broadcast, "broadcast", "broadcasts", os);
  printTransport("reduce", counts.reduce, "contribution", "contributions", os);
  printTransport("local", counts.local, "copy", "copies", os);
  row("wire operations", formatCount(counts.wireOperations()),
      formatCount(counts.chunks, "chunk", "chunks") + " in " +
          formatCount(counts.buckets, "bucket", "buckets") + " in " +
          formatCount(counts.windows, "window", "windows"));
  row("staging", formatBytes(report.stagingBytes), "all ranks");
  std::string speed = fmt::format("{:.2f} GB/s", report.bytesPerSecond() / 1e9);
  if (report.seconds.size() > 1)
    speed = fmt::format("median of {}, {}", report.seconds.size(), speed);
  row("replay", formatSeconds(report.medianSeconds()), speed);
  if (report.copySeconds > 0)
    row("plain memcpy", formatSeconds(report.copySeconds),
        fmt::format("the replay takes {:.2f} times as long", report.ratioToCopy()));
  if (report.verified)
    row("verified", formatCount(report.checked.elements), "target elements, all right");
  if (report.checked.padding)
    row("padding", formatCount(report.checked.padding), "target elements, untouched or zeroed");
}

LogicalResult printReport(const Report &report, Diagnostics &diagnostics) {
  std::unique_ptr<OutputFile> output = OutputFile::open("-", diagnostics);
  if (!output)
    return failure();
  printText(report, output->os());
  return output->keep(diagnostics);
}

//===- JSON ---------------------------------------------------------------===//

LogicalResult writeJson(const Report &report, OutputFile &file, Diagnostics &diagnostics) {
  const Counts &counts = report.counts;
  llvm::json::OStream json(file.os(), /*IndentSize=*/2);
  json.object([&] {
    json.attribute("backend", report.backend);
    json.attribute("tensors", report.tensors);
    json.attribute("elements", report.elements);
    json.attribute("ranks", report.ranks);
    json.attribute("bytes_moved", counts.movedBytes());
    json.attributeObject("bytes", [&] {
      json.attribute("p2p", counts.p2p.bytes);
      json.attribute("broadcast", counts.broadcast.bytes);
      json.attribute("reduce", counts.reduce.bytes);
      json.attribute("local", counts.local.bytes);
    });
    json.attribute("chunks", counts.chunks);
    json.attribute("buckets", counts.buckets);
    json.attribute("windows", counts.windows);
    json.attribute("wire_operations", counts.wireOperations());
    json.attributeObject("operations", [&] {
      json.attribute("p2p", counts.p2p.operations);
      json.attribute("broadcast", counts.broadcast.operations);
      json.attribute("reduce", counts.reduce.operations);
      json.attribute("local", counts.local.operations);
    });
    json.attribute("staging_bytes", report.stagingBytes);
    json.attributeArray("seconds", [&] {
      for (double seconds : report.seconds)
        json.value(seconds);
    });
    json.attribute("seconds_median", report.medianSeconds());
    json.attribute("bytes_per_second", report.bytesPerSecond());
    json.attribute("memcpy_seconds", report.copySeconds);
    json.attribute("ratio_to_memcpy", report.ratioToCopy());
    json.attribute("verified", report.verified);
    json.attribute("verified_elements", report.checked.elements);
    json.attribute("verified_padding", report.checked.padding);
  });
  file.os() << '\n';
  return file.keep(diagnostics);
}

} // namespace xfer::run
