//===- EmitPlan.cpp - Module to plan file ---------------------------------===//
//
// Writes the programs of a module in windows as FlatBuffers, see
// runtime/schema/plan.fbs. Regions, rank lists, shapes and bindings that are
// equal are written once.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/Ownership.h"
#include "xfer/Plan/Version.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/plan_digest.h"
#include "llvm/Support/FormatVariadic.h"

using llvm::ArrayRef;

namespace xfer {
namespace {

template <typename T> using Offset = flatbuffers::Offset<T>;
template <typename T> using Offsets = std::vector<Offset<T>>;
constexpr uint32_t kAbsent = 0xffffffff;

/// Numbers ids of the module in the order in which the plan first names them.
class Renumbering {
public:
  explicit Renumbering(int32_t size) : numbers(size, kAbsent) {}
  uint32_t operator()(int32_t id) {
    if (id == kNone)
      return kAbsent;
    if (numbers[id] == kAbsent) {
      numbers[id] = static_cast<uint32_t>(used.size());
      used.push_back(id);
    }
    return numbers[id];
  }
  ArrayRef<int32_t> ids() const { return used; }

private:
  std::vector<uint32_t> numbers;
  std::vector<int32_t> used;
};

class PlanWriter {
public:
  PlanWriter(const Module &module)
      : module(module), ownerships(module), regionNumber(module.numStridedRegions()),
        rankListNumber(module.numRankLists()), names(module.tensors.size()) {}
  void write(llvm::StringRef pipeline, std::vector<uint8_t> &out);
  /// Bytes that the plan takes at most.
  int64_t estimate() const;

private:
  Offsets<fb::Tensor> tensors();
  Offsets<fb::Region> regions();
  Offsets<fb::RankList> rankLists();
  Offset<fb::Program> program(const Program &program);
  void bindings(int64_t rank, Offsets<fb::Binding> &sources, Offsets<fb::Binding> &targets);
  Offset<fb::Binding> binding(TensorId tensor, const Side &side, int64_t rank);
  Offset<flatbuffers::String> nameOf(TensorId tensor);

  const Module &module;
  OwnershipCache ownerships;
  flatbuffers::FlatBufferBuilder builder{1 << 20};
  Renumbering regionNumber, rankListNumber;
  SequenceInterner bindingKeys;
  Offsets<fb::Binding> knownBindings; ///< by binding key
  Offsets<flatbuffers::String> names; ///< by tensor
  /// Where the rank at hand binds each tensor.
  std::vector<uint32_t> sourceOf, targetOf;
};

int64_t PlanWriter::estimate() const {
  int64_t bytes = 1 << 20;
  for (const Tensor &tensor : module.tensors)
    bytes += static_cast<int64_t>(tensor.name.size()) + 64;
  for (const Program &program : module.programs)
    bytes += static_cast<int64_t>(
        program.chunks.size() * sizeof(fb::Chunk) + program.buckets.size() * sizeof(fb::Bucket) +
        program.windows.size() * sizeof(fb::Window) + module.tensors.size() * 120);
  for (int32_t i = 0; i < module.numRankLists(); ++i)
    bytes += static_cast<int64_t>(module.rankList(i).size() * 8 + 32);
  return bytes + int64_t(module.numStridedRegions()) * 160;
}

/// A tensor and the bindings named like it share the text.
Offset<flatbuffers::String> PlanWriter::nameOf(TensorId tensor) {
  llvm::StringRef name = module.tensors[tensor].name;
  if (names[tensor].IsNull())
    names[tensor] = builder.CreateString(name.data(), name.size());
  return names[tensor];
}

Offsets<fb::Tensor> PlanWriter::tensors() {
  Offsets<fb::Tensor> result;
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    auto name = nameOf(static_cast<TensorId>(t));
    result.push_back(
        fb::CreateTensor(builder, name, static_cast<fb::DType>(module.tensors[t].dtype)));
  }
  return result;
}

Offsets<fb::Region> PlanWriter::regions() {
  Offsets<fb::Region> result;
  std::vector<fb::Loop> loops;
  for (int32_t id : regionNumber.ids()) {
    const StridedRegion &region = module.stridedRegion(id);
    loops.clear();
    for (size_t l = 0; l < region.sizes.size(); ++l)
      loops.emplace_back(region.sizes[l], region.strides[l]);
    result.push_back(fb::CreateRegionDirect(builder, region.offset, &loops));
  }
  return result;
}

Offsets<fb::RankList> PlanWriter::rankLists() {
  Offsets<fb::RankList> result;
  for (int32_t id : rankListNumber.ids()) {
    ArrayRef<int64_t> ranks = module.rankList(id);
    result.push_back(fb::CreateRankList(builder, builder.CreateVector(ranks.data(), ranks.size())));
  }
  return result;
}

Offset<fb::Binding> PlanWriter::binding(TensorId tensor, const Side &side, int64_t rank) {
  int32_t id = ownerships.id(side.layout, module.tensors[tensor].shape);
  const Ownership &ownership = ownerships[id];
  int64_t cell = ownerships.cell(ownership, rank);
  int32_t key = bindingKeys.intern({tensor, id, cell, static_cast<int64_t>(side.dtype)});
  if (key == static_cast<int32_t>(knownBindings.size())) {
    auto shape = ownership.localShape(cell);
    auto name = nameOf(tensor);
    knownBindings.push_back(
        fb::CreateBinding(builder, name, static_cast<fb::DType>(side.dtype),
                          static_cast<fb::ReduceOp>(module.layout(side.layout).reduction),
                          builder.CreateVector(shape.data(), shape.size())));
  }
  return knownBindings[key];
}

void PlanWriter::bindings(int64_t rank, Offsets<fb::Binding> &sources,
                          Offsets<fb::Binding> &targets) {
  sourceOf.assign(module.tensors.size(), kAbsent);
  targetOf.assign(module.tensors.size(), kAbsent);
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    const Tensor &tensor = module.tensors[t];
    auto holds = [&](const Side &side) {
      return ownerships.position(module.layout(side.layout).mesh, rank) >= 0;
    };
    if (holds(*tensor.source)) {
      sourceOf[t] = static_cast<uint32_t>(sources.size());
      sources.push_back(binding(static_cast<TensorId>(t), *tensor.source, rank));
    }
    for (const Side &target : tensor.targets)
      if (holds(target)) {
        targetOf[t] = static_cast<uint32_t>(targets.size());
        targets.push_back(binding(static_cast<TensorId>(t), target, rank));
      }
  }
}

Offset<fb::Program> PlanWriter::program(const Program &program) {
  Offsets<fb::Binding> sources, targets;
  bindings(program.rank, sources, targets);
  std::vector<fb::Chunk> chunks;
  std::vector<fb::Bucket> buckets;
  std::vector<fb::Window> windows;
  chunks.reserve(program.chunks.size());
  buckets.reserve(program.buckets.size());
  int64_t staging = 0, before = 0;
  for (const Window &window : program.windows) {
    windows.emplace_back(window.index, static_cast<uint32_t>(buckets.size()),
                         static_cast<uint32_t>(window.numBuckets));
    int64_t staged = 0;
    for (const Bucket &bucket : program.bucketsOf(window)) {
      staged = addSaturating(staged, stagedBytes(module, program, bucket));
      buckets.emplace_back(
          bucket.ordinal, bucket.ends.sender, bucket.bytes, rankListNumber(bucket.ends.sources),
          rankListNumber(bucket.ends.destinations), static_cast<uint32_t>(chunks.size()),
          static_cast<uint32_t>(bucket.numChunks), static_cast<fb::Transport>(bucket.transport));
      for (const ProgramChunk &chunk : program.chunksOf(bucket))
        chunks.emplace_back(static_cast<uint32_t>(chunk.tensor),
                            chunk.source == kNone ? kAbsent : sourceOf[chunk.tensor],
                            regionNumber(chunk.source),
                            chunk.target == kNone ? kAbsent : targetOf[chunk.tensor],
                            regionNumber(chunk.target), chunk.offset);
    }
    staging = std::max(staging, addSaturating(before, staged));
    before = staged;
  }
  return fb::CreateProgramDirect(builder, program.rank, &sources, &targets, &chunks, &buckets,
                                 &windows, staging);
}

void PlanWriter::write(llvm::StringRef pipeline, std::vector<uint8_t> &out) {
  std::string declarations;
  llvm::raw_string_ostream stream(declarations);
  printDeclarations(module, stream);
  Offsets<fb::Program> programOffsets;
  for (const Program &each : module.programs)
    programOffsets.push_back(program(each));
  Offsets<fb::Tensor> tensorOffsets = tensors();
  Offsets<fb::Region> regionOffsets = regions();
  Offsets<fb::RankList> rankListOffsets = rankLists();
  std::vector<int64_t> ranks = ranksOf(module);
  std::string pipelineText = pipeline.str();
  // `content` is written by sealPlan; any value but the default keeps its place.
  auto plan = fb::CreatePlanDirect(
      builder, fb::kPlanVersion, kCompilerVersion, pipelineText.c_str(), declarations.c_str(),
      fb::planDigest(kCompilerVersion, pipelineText, declarations), /*content=*/1, &ranks,
      &tensorOffsets, &regionOffsets, &rankListOffsets, &programOffsets);
  fb::FinishPlanBuffer(builder, plan);
  out.assign(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  fb::sealPlan(out);
}

} // namespace

LogicalResult emitPlan(const Module &module, llvm::StringRef pipeline, std::vector<uint8_t> &out,
                       Diagnostics &diagnostics) {
  if (failed(expectBothSides(module, diagnostics)))
    return failure();
  if (module.level != Level::Programs)
    return diagnostics.error({}, "expected programs, got a module of " + spelling(module.level));
  for (const Program &program : module.programs)
    if (!program.chunks.empty() && program.windows.empty())
      return diagnostics.error(program.loc, "program of rank " + llvm::Twine(program.rank) +
                                                " has no windows: run 'schedule-windows' first");
  PlanWriter writer(module);
  constexpr int64_t kMaxPlanBytes = (int64_t(1) << 31) - 1;
  if (writer.estimate() > kMaxPlanBytes)
    return diagnostics.error({}, "the plan needs about " + llvm::Twine(writer.estimate()) +
                                     " bytes, and a plan file holds at most " +
                                     llvm::Twine(kMaxPlanBytes) +
                                     ": emit one rank's plan at a time with '--rank'");
  writer.write(pipeline, out);
  return success();
}

std::string startOfPipeline(const Module &module) {
  if (module.level == Level::Declarations)
    return "";
  std::string text;
  llvm::raw_string_ostream stream(text);
  printModule(module, stream);
  return llvm::formatv("text-{0:x-16},", XXH3_64bits(text.data(), text.size())).str();
}

} // namespace xfer
