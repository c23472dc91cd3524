//===- EmitPlan.cpp - Module to plan file ---------------------------------===//
//
// Writes the programs of a module in windows as FlatBuffers, see
// runtime/schema/plan.fbs. Regions, rank lists, shapes and bindings that are
// equal are written once.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/EmitPlan.h"
#include "Bindings.h"
#include "PlanTables.h"
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
      : module(module), positions(module), all(module), rankListNumber(module.numRankLists()),
        logicalRegionNumber(module.numRegions()),
        regionNumbers(module.numStridedRegions(), kAbsent), tensorNames(module.tensors.size()),
        bindingOf(all.memories().size()) {}
  void write(llvm::StringRef pipeline, std::vector<uint8_t> &out);
  /// Bytes that the plan takes at most.
  int64_t estimate();

private:
  int64_t bindingBytes();
  Offsets<fb::Tensor> tensors();
  Offsets<fb::Region> regions();
  Offsets<fb::LogicalRegion> logicalRegions();
  Offsets<fb::RankList> rankLists();
  Offset<fb::Program> program(const Program &program);
  void bind(int64_t rank, Offsets<fb::Binding> &sources, Offsets<fb::Binding> &targets,
            std::vector<fb::Zeros> &zeros);
  Offset<fb::Binding> binding(int32_t memory, int64_t position);
  uint32_t regionNumber(StridedRegionId id);
  uint32_t zeroNumber(const StridedRegion &region);
  Offset<flatbuffers::String> nameOf(TensorId tensor);
  Offset<flatbuffers::String> nameOf(const BoundMemory &memory);

  const Module &module;
  OwnershipCache positions;
  Bindings all;
  flatbuffers::FlatBufferBuilder builder{1 << 20};
  Renumbering rankListNumber, logicalRegionNumber;
  std::vector<uint32_t> regionNumbers;               ///< by id
  std::vector<const StridedRegion *> writtenRegions; ///< by number
  SequenceInterner zeroKeys;
  std::deque<StridedRegion> zeroRegions; ///< of zeros, which no chunk names
  std::vector<uint32_t> zeroNumbers;     ///< by key
  SequenceInterner bindingKeys;
  Offsets<fb::Binding> knownBindings;       ///< by binding key
  Offsets<flatbuffers::String> tensorNames; ///< by tensor
  llvm::DenseMap<llvm::StringRef, Offset<flatbuffers::String>> otherNames;
  std::vector<uint32_t> bindingOf; ///< of the rank at hand, by memory
};

int64_t PlanWriter::estimate() {
  int64_t bytes = (1 << 20) + bindingBytes();
  for (const Tensor &tensor : module.tensors)
    bytes += static_cast<int64_t>(tensor.name.size()) + 64;
  for (const Program &program : module.programs)
    bytes += static_cast<int64_t>(program.chunks.size() *
                                      (sizeof(fb::Chunk) + sizeof(fb::LogicalChunk)) +
                                  program.buckets.size() * sizeof(fb::Bucket) +
                                  program.windows.size() * sizeof(fb::Window) + 200);
  for (int32_t i = 0; i < module.numRankLists(); ++i)
    bytes += static_cast<int64_t>(module.rankList(i).size() * 8 + 32);
  for (int32_t i = 0; i < module.numRegions(); ++i)
    bytes += static_cast<int64_t>(module.region(i).dims.size() * sizeof(fb::Segment) + 32);
  return bytes + int64_t(module.numStridedRegions()) * 160;
}

/// At most what the bindings need: one for each name and local shape, and an entry for each rank.
int64_t PlanWriter::bindingBytes() {
  llvm::DenseMap<const Memory *, int64_t> numShapes;
  int64_t bytes = 0;
  for (size_t m = 0; m < all.memories().size(); ++m) {
    const BoundMemory &bound = all.memories()[m];
    const Memory &memory = all.memoryOf(static_cast<int32_t>(m));
    size_t numRanks = module.meshes[module.layout(bound.layout).mesh].ranks.size();
    auto [known, isNew] = numShapes.try_emplace(&memory);
    if (isNew) {
      SequenceInterner shapes;
      for (size_t position = 0; position < numRanks; ++position)
        shapes.intern(memory.shape(static_cast<int64_t>(position)));
      known->second = shapes.size();
    }
    int64_t numHolders = std::min<int64_t>(numRanks, module.programs.size());
    bytes += static_cast<int64_t>(bound.name.size()) + 64 +
             std::min(known->second, numHolders) * 160 +
             numHolders * static_cast<int64_t>(sizeof(fb::Zeros) + sizeof(uint32_t));
  }
  return bytes;
}

Offset<flatbuffers::String> PlanWriter::nameOf(TensorId tensor) {
  llvm::StringRef name = module.tensors[tensor].name;
  if (tensorNames[tensor].IsNull())
    tensorNames[tensor] = builder.CreateString(name.data(), name.size());
  return tensorNames[tensor];
}

/// A tensor and the bindings named like it share the text.
Offset<flatbuffers::String> PlanWriter::nameOf(const BoundMemory &memory) {
  if (memory.tensor != kNone && memory.name == module.tensors[memory.tensor].name)
    return nameOf(memory.tensor);
  auto [entry, isNew] = otherNames.try_emplace(memory.name);
  if (isNew)
    entry->second = builder.CreateString(memory.name.data(), memory.name.size());
  return entry->second;
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
  for (const StridedRegion *written : writtenRegions) {
    const StridedRegion &region = *written;
    loops.clear();
    for (size_t l = 0; l < region.sizes.size(); ++l)
      loops.emplace_back(region.sizes[l], region.strides[l]);
    result.push_back(fb::CreateRegionDirect(builder, region.offset, &loops));
  }
  return result;
}

Offsets<fb::LogicalRegion> PlanWriter::logicalRegions() {
  Offsets<fb::LogicalRegion> result;
  std::vector<fb::Segment> segments;
  for (int32_t id : logicalRegionNumber.ids()) {
    segments.clear();
    for (const DimSegments &dim : module.region(id).dims) {
      const Segment &segment = dim.front();
      segments.emplace_back(segment.begin, segment.run, segment.stride, segment.count);
    }
    result.push_back(fb::CreateLogicalRegionDirect(builder, &segments));
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

uint32_t PlanWriter::regionNumber(StridedRegionId id) {
  if (id == kNone)
    return kAbsent;
  if (regionNumbers[id] == kAbsent) {
    regionNumbers[id] = static_cast<uint32_t>(writtenRegions.size());
    writtenRegions.push_back(&module.stridedRegion(id));
  }
  return regionNumbers[id];
}

uint32_t PlanWriter::zeroNumber(const StridedRegion &region) {
  llvm::SmallVector<int64_t, 8> key{region.offset};
  llvm::append_range(key, region.sizes);
  llvm::append_range(key, region.strides);
  int32_t id = zeroKeys.intern(key);
  if (id == static_cast<int32_t>(zeroNumbers.size())) {
    zeroNumbers.push_back(static_cast<uint32_t>(writtenRegions.size()));
    writtenRegions.push_back(&zeroRegions.emplace_back(region));
  }
  return zeroNumbers[id];
}

Offset<fb::Binding> PlanWriter::binding(int32_t number, int64_t position) {
  const BoundMemory &memory = all.memories()[number];
  auto shape = all.memoryOf(number).shape(position);
  llvm::SmallVector<int64_t, 8> key{number};
  llvm::append_range(key, shape);
  int32_t id = bindingKeys.intern(key);
  if (id == static_cast<int32_t>(knownBindings.size())) {
    auto name = nameOf(memory);
    knownBindings.push_back(
        fb::CreateBinding(builder, name, static_cast<fb::DType>(memory.dtype),
                          static_cast<fb::ReduceOp>(module.layout(memory.layout).reduction),
                          builder.CreateVector(shape.data(), shape.size())));
  }
  return knownBindings[id];
}

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
    side.push_back(binding(static_cast<int32_t>(m), position));
    if (!memory.isTarget || memory.storage == kNone)
      continue;
    const StorageShape &shape = module.storageShape(module.storages[memory.storage].shape);
    for (const StridedRegion &region : all.memoryOf(static_cast<int32_t>(m)).zeros(shape, position))
      zeros.emplace_back(bindingOf[m], zeroNumber(region));
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
      const uint32_t destinations = rankListNumber(bucket.ends.destinations);
      const uint32_t contributors = rankListNumber(bucket.ends.sources);
      buckets.emplace_back(bucket.ordinal, bucket.ends.sender, bucket.bytes, contributors,
                           destinations, static_cast<uint32_t>(chunks.size()),
                           static_cast<uint32_t>(bucket.numChunks),
                           static_cast<fb::Transport>(bucket.transport));
      for (const ProgramChunk &chunk : program.chunksOf(bucket)) {
        bool reads = chunk.source != kNone, writes = chunk.target != kNone;
        const uint32_t targetRegion = regionNumber(chunk.target);
        const uint32_t sourceRegion = regionNumber(chunk.source);
        chunks.emplace_back(static_cast<uint32_t>(chunk.tensor),
                            reads ? bindingOf[all.ofSource(chunk.tensor)] : kAbsent, sourceRegion,
                            writes ? bindingOf[all.ofTarget(chunk.tensor, chunk.targetIndex)]
                                   : kAbsent,
                            targetRegion, chunk.offset);
        logical.emplace_back(logicalRegionNumber(chunk.region),
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
  Offsets<fb::Tensor> tensorOffsets = tensors();
  Offsets<fb::Region> regionOffsets = regions();
  Offsets<fb::LogicalRegion> logicalOffsets = logicalRegions();
  Offsets<fb::RankList> rankListOffsets = rankLists();
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
  return llvm::formatv("text-{0:x-16}", XXH3_64bits(text.data(), text.size())).str();
}

std::string continuePipeline(std::string start, llvm::StringRef passes) {
  if (!start.empty() && !passes.empty())
    start += ',';
  return start += passes;
}

} // namespace xfer
