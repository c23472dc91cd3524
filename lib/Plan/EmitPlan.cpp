//===- EmitPlan.cpp - Module to plan file ---------------------------------===//
//
// Writes the programs of a module in windows as FlatBuffers, see
// runtime/schema/plan.fbs.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/EmitPlan.h"
#include "PlanSize.h"
#include "TableWriter.h"
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/Ownership.h"
#include "xfer/Plan/Version.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/plan_digest.h"
#include "llvm/ADT/Twine.h"

namespace xfer {
namespace {

template <typename T> using Offset = flatbuffers::Offset<T>;
template <typename T> using Offsets = std::vector<Offset<T>>;

class PlanWriter {
public:
  PlanWriter(const Module &module, Bindings &all)
      : module(module), positions(module), all(all), tables(module, all, builder),
        bindingOf(all.memories().size()) {}
  void write(llvm::StringRef pipeline, std::vector<uint8_t> &out);

private:
  Offset<fb::Program> program(const Program &program);
  void bind(int64_t rank, Offsets<fb::Binding> &sources, Offsets<fb::Binding> &targets,
            std::vector<fb::Zeros> &zeros);

  const Module &module;
  OwnershipCache positions;
  Bindings &all;
  flatbuffers::FlatBufferBuilder builder{1 << 20};
  TableWriter tables;
  std::vector<uint32_t> bindingOf; ///< of the rank at hand, by memory
};

/// Lists what `rank` binds, and what it zeroes there.
void PlanWriter::bind(int64_t rank, Offsets<fb::Binding> &sources, Offsets<fb::Binding> &targets,
                      std::vector<fb::Zeros> &zeros) {
  std::vector<int64_t> positionIn; // by mesh
  positionIn.reserve(module.meshes.size());
  for (size_t mesh = 0; mesh < module.meshes.size(); ++mesh)
    positionIn.push_back(positions.position(static_cast<int32_t>(mesh), rank));
  for (size_t m = 0; m < bindingOf.size(); ++m) {
    const BoundMemory &memory = all.memories()[m];
    int64_t position = positionIn[module.layout(memory.layout).mesh];
    bindingOf[m] = kAbsent;
    if (position < 0)
      continue;
    Offsets<fb::Binding> &side = memory.isTarget ? targets : sources;
    bindingOf[m] = static_cast<uint32_t>(side.size());
    side.push_back(tables.binding(static_cast<int32_t>(m), position));
    if (!memory.isTarget || memory.storage == kNone)
      continue;
    const StorageShape &shape = module.storageShape(module.storages[memory.storage].shape);
    for (const StridedRegion &region : all.memoryOf(static_cast<int32_t>(m)).zeros(shape, position))
      zeros.emplace_back(bindingOf[m], tables.region(region));
  }
}

Offset<fb::Program> PlanWriter::program(const Program &program) {
  Offsets<fb::Binding> sources, targets;
  std::vector<fb::Zeros> zeros;
  bind(program.rank, sources, targets, zeros);
  std::vector<fb::Chunk> chunks;
  std::vector<fb::LogicalChunk> logical;
  std::vector<fb::Bucket> buckets;
  std::vector<fb::Window> windows;
  chunks.reserve(program.chunks.size());
  logical.reserve(program.chunks.size());
  buckets.reserve(program.buckets.size());
  int64_t staging = 0, before = 0;
  for (const Window &window : program.windows) {
    windows.emplace_back(window.index, static_cast<uint32_t>(buckets.size()),
                         static_cast<uint32_t>(window.numBuckets));
    int64_t staged = 0;
    for (const Bucket &bucket : program.bucketsOf(window)) {
      staged = addSaturating(staged, stagedBytes(module, program, bucket));
      // Numbers are given in one order, whatever the order in which a compiler evaluates arguments.
      const uint32_t destinations = tables.rankList(bucket.ends.destinations);
      const uint32_t contributors = tables.rankList(bucket.ends.sources);
      buckets.emplace_back(bucket.ordinal, bucket.ends.sender, bucket.bytes, contributors,
                           destinations, static_cast<uint32_t>(chunks.size()),
                           static_cast<uint32_t>(bucket.numChunks),
                           static_cast<fb::Transport>(bucket.transport));
      for (const ProgramChunk &chunk : program.chunksOf(bucket)) {
        bool reads = chunk.source != kNone, writes = chunk.target != kNone;
        const uint32_t targetRegion = tables.region(chunk.target);
        const uint32_t sourceRegion = tables.region(chunk.source);
        chunks.emplace_back(static_cast<uint32_t>(chunk.tensor),
                            reads ? bindingOf[all.ofSource(chunk.tensor)] : kAbsent, sourceRegion,
                            writes ? bindingOf[all.ofTarget(chunk.tensor, chunk.targetIndex)]
                                   : kAbsent,
                            targetRegion, chunk.offset);
        logical.emplace_back(tables.logicalRegion(chunk.region),
                             static_cast<uint32_t>(chunk.targetIndex));
      }
    }
    staging = std::max(staging, addSaturating(before, staged));
    before = staged;
  }
  return fb::CreateProgramDirect(builder, program.rank, &sources, &targets, &chunks, &buckets,
                                 &windows, staging, &zeros, &logical);
}

void PlanWriter::write(llvm::StringRef pipeline, std::vector<uint8_t> &out) {
  std::string declarations;
  llvm::raw_string_ostream stream(declarations);
  printDeclarations(module, stream);
  Offsets<fb::Program> programOffsets;
  for (const Program &each : module.programs)
    programOffsets.push_back(program(each));
  Offsets<fb::Tensor> tensorOffsets = tables.tensors();
  Offsets<fb::Region> regionOffsets = tables.regions();
  Offsets<fb::LogicalRegion> logicalOffsets = tables.logicalRegions();
  Offsets<fb::RankList> rankListOffsets = tables.rankLists();
  std::vector<int64_t> ranks = ranksOf(module);
  std::string pipelineText = pipeline.str();
  // `content` is written by sealPlan; any value but the default keeps its place.
  auto plan = fb::CreatePlanDirect(
      builder, fb::kPlanVersion, kCompilerVersion, pipelineText.c_str(), declarations.c_str(),
      fb::planDigest(kCompilerVersion, pipelineText, declarations), /*content=*/1, &ranks,
      &tensorOffsets, &regionOffsets, &rankListOffsets, &programOffsets, &logicalOffsets);
  fb::FinishPlanBuffer(builder, plan);
  out.assign(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  fb::sealPlan(out);
}

} // namespace

/// What a rank moves in a replay, a message for every end. The runtime counts in 63 bits, and what
/// a rank contributes may be eight times as wide as it is on the wire.
constexpr int64_t kMaxMovedBytes = int64_t(1) << 60;

/// Verifies:
/// - the program is in windows;
/// - it moves at most kMaxMovedBytes.
static LogicalResult checkProgram(const Module &module, const Program &program,
                                  Diagnostics &diagnostics) {
  auto error = [&](const llvm::Twine &text) {
    return diagnostics.error(program.loc,
                             "program of rank " + llvm::Twine(program.rank) + " " + text);
  };
  if (!program.chunks.empty() && program.windows.empty())
    return error("has no windows: run 'schedule-windows' first");
  int64_t moved = 0;
  for (const Bucket &bucket : program.buckets) {
    auto numEnds = static_cast<int64_t>(module.rankList(bucket.ends.sources).size() +
                                        module.rankList(bucket.ends.destinations).size());
    moved = addSaturating(moved, multiplySaturating(bucket.bytes, numEnds));
  }
  if (moved > kMaxMovedBytes)
    return error("moves more than 2^60 bytes in a replay, which no plan may");
  return success();
}

LogicalResult emitPlan(const Module &module, llvm::StringRef pipeline, std::vector<uint8_t> &out,
                       Diagnostics &diagnostics) {
  if (failed(expectBothSides(module, diagnostics)))
    return failure();
  if (module.level != Level::Programs)
    return diagnostics.error({}, "expected programs, got a module of " + spelling(module.level));
  for (const Program &program : module.programs)
    if (failed(checkProgram(module, program, diagnostics)))
      return failure();
  Bindings all(module);
  constexpr int64_t kMaxPlanBytes = (int64_t(1) << 31) - 1;
  if (int64_t bytes = estimatePlanBytes(module, all); bytes > kMaxPlanBytes)
    return diagnostics.error({}, "the plan needs about " + llvm::Twine(bytes) +
                                     " bytes, and a plan file holds at most " +
                                     llvm::Twine(kMaxPlanBytes) +
                                     ": emit one rank's plan at a time with '--rank'");
  PlanWriter(module, all).write(pipeline, out);
  return success();
}

} // namespace xfer
