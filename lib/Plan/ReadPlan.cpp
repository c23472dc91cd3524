//===- ReadPlan.cpp - Plan file to module ---------------------------------===//
//
// The inverse of EmitPlan.cpp. Declarations are parsed from the plan's text;
// programs are rebuilt from its tables. What a plan says that follows from the
// declarations must say the same. Numbers are checked here before they index
// anything; what they say about each other is verifyModule's to check.
//===----------------------------------------------------------------------===//
#include "xfer/Plan/ReadPlan.h"
#include "CheckBindings.h"
#include "PlanTables.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Text/Parser.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/plan_digest.h"
#include "llvm/ADT/Twine.h"

using llvm::Twine;

namespace xfer {
namespace {

class PlanReader {
public:
  PlanReader(std::span<const uint8_t> file, Diagnostics &diagnostics)
      : file(file), diagnostics(diagnostics) {}
  /// 1. the file is what was written; 2. declarations; 3. tables; 4. programs; 5. what they bind;
  /// 6. the whole.
  std::unique_ptr<Module> read(std::string &pipeline);

private:
  LogicalResult error(const Twine &text) { return diagnostics.error({}, "plan: " + text); }
  LogicalResult checkFile();
  LogicalResult readDeclarations();
  LogicalResult readTensors();
  LogicalResult readRegions();
  LogicalResult readLogicalRegions();
  LogicalResult readRankLists();
  LogicalResult readPrograms();
  LogicalResult checkBindings();
  LogicalResult readProgram(const fb::Program &from, Program &to);
  LogicalResult readBucket(const fb::Program &program, const fb::Bucket &from, Program &to);
  LogicalResult readChunk(const fb::Chunk &from, const fb::LogicalChunk &logical,
                          const Bucket &bucket, Program &to);

  /// False if the elements of a vector cannot be read: they are misaligned, which the verifier of
  /// FlatBuffers does not see, or tables share them, so that the file would unfold to more than it
  /// holds.
  template <typename T> bool mayRead(const flatbuffers::Vector<T> *vector) {
    using Element = std::remove_cv_t<std::remove_pointer_t<T>>;
    if (!vector || vector->size() == 0)
      return true;
    charged += vector->size() * sizeof(Element);
    return charged <= file.size() &&
           reinterpret_cast<uintptr_t>(vector->Data()) % alignof(Element) == 0;
  }
  template <typename T> static auto at(const flatbuffers::Vector<T> *vector, size_t index) {
    return vector->Get(static_cast<flatbuffers::uoffset_t>(index));
  }

  std::span<const uint8_t> file;
  Diagnostics &diagnostics;
  const fb::Plan *plan = nullptr;
  std::unique_ptr<Module> module;
  std::vector<StridedRegionId> regions; ///< by number in the plan
  std::vector<RegionId> logicalRegions;
  std::vector<RankListId> rankLists;
  size_t charged = 0;
};

std::unique_ptr<Module> PlanReader::read(std::string &pipeline) {
  using Step = LogicalResult (PlanReader::*)();
  for (Step step :
       {&PlanReader::checkFile, &PlanReader::readDeclarations, &PlanReader::readTensors,
        &PlanReader::readRegions, &PlanReader::readLogicalRegions, &PlanReader::readRankLists,
        &PlanReader::readPrograms, &PlanReader::checkBindings})
    if (failed((this->*step)()))
      return nullptr;
  pipeline = plan->pipeline()->str();
  return failed(verifyModule(*module, diagnostics)) ? nullptr : std::move(module);
}

/// Verifies:
/// - offsets stay inside the file, and it is of this format;
/// - its bytes are those that were written, and its digest that of its texts.
LogicalResult PlanReader::checkFile() {
  if (file.size() < 16 || !fb::PlanBufferHasIdentifier(file.data()))
    return error("no file identifier 'XFER'");
  const auto maxTables = static_cast<flatbuffers::uoffset_t>(file.size() / 4);
  flatbuffers::Verifier verifier(file.data(), file.size(), /*max_depth=*/16, maxTables);
  if (!fb::VerifyPlanBuffer(verifier))
    return error("offsets lead outside the file");
  plan = fb::GetPlan(file.data());
  if (plan->version() != fb::kPlanVersion)
    return error("format version is " + Twine(plan->version()) + ", expected " +
                 Twine(fb::kPlanVersion));
  const size_t offset = fb::contentOffset(file);
  if (offset == 0 || fb::contentHash(file, offset) != plan->content())
    return error("content hash is not that of the file's bytes");
  if (fb::planDigest(plan->compiler()->string_view(), plan->pipeline()->string_view(),
                     plan->declarations()->string_view()) != plan->digest())
    return error("digest is not that of the plan's texts");
  return success();
}

LogicalResult PlanReader::readDeclarations() {
  unsigned id = diagnostics.sourceMgr().AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(plan->declarations()->string_view(), "<plan>"),
      llvm::SMLoc());
  module = parseModule(id, diagnostics);
  if (!module)
    return failure();
  if (module->level != Level::Declarations)
    return error("declarations hold lowered operations");
  if (failed(verifyModule(*module, diagnostics)) || failed(expectBothSides(*module, diagnostics)))
    return failure();
  std::vector<int64_t> expected = ranksOf(*module), ranks;
  if (!mayRead(plan->ranks()))
    return error("ranks of the job are misaligned");
  for (size_t i = 0; i < sizeOf(plan->ranks()); ++i)
    ranks.push_back(at(plan->ranks(), i));
  if (ranks != expected)
    return error("is for ranks " + ranksToString(ranks) + ", but its declarations name " +
                 ranksToString(expected));
  return success();
}

/// Verifies that the plan numbers and types the tensors as its declarations do.
LogicalResult PlanReader::readTensors() {
  if (sizeOf(plan->tensors()) != module->tensors.size())
    return error("has " + Twine(sizeOf(plan->tensors())) + " tensors, but its declarations " +
                 Twine(module->tensors.size()));
  for (size_t t = 0; t < module->tensors.size(); ++t) {
    const fb::Tensor &from = *at(plan->tensors(), t);
    const Tensor &expected = module->tensors[t];
    if (llvm::StringRef name = from.name()->string_view(); name != expected.name)
      return error("tensor " + Twine(t) + " is '" + name + "', expected '" + expected.name + "'");
    if (static_cast<unsigned>(from.dtype()) != static_cast<unsigned>(expected.dtype))
      return error("tensor '" + expected.name + "' has element type " +
                   Twine(static_cast<unsigned>(from.dtype())) + ", expected " +
                   Twine(static_cast<unsigned>(expected.dtype)) + " for " +
                   spelling(expected.dtype));
  }
  return success();
}

LogicalResult PlanReader::readRegions() {
  for (size_t i = 0; i < sizeOf(plan->regions()); ++i) {
    const fb::Region &from = *at(plan->regions(), i);
    if (!mayRead(from.loops()))
      return error("region " + Twine(i) + " is misaligned or shared");
    StridedRegion region;
    region.offset = from.offset();
    for (size_t l = 0; l < sizeOf(from.loops()); ++l) {
      region.sizes.push_back(at(from.loops(), l)->size());
      region.strides.push_back(at(from.loops(), l)->stride());
    }
    regions.push_back(module->intern(region));
  }
  return success();
}

LogicalResult PlanReader::readLogicalRegions() {
  for (size_t i = 0; i < sizeOf(plan->logical_regions()); ++i) {
    const auto *segments = at(plan->logical_regions(), i)->segments();
    if (!mayRead(segments))
      return error("logical region " + Twine(i) + " is misaligned or shared");
    Region region;
    for (size_t d = 0; d < sizeOf(segments); ++d) {
      const fb::Segment &from = *at(segments, d);
      region.dims.push_back({Segment{from.begin(), from.run(), from.stride(), from.count()}});
    }
    logicalRegions.push_back(module->intern(region));
  }
  return success();
}

LogicalResult PlanReader::readRankLists() {
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < sizeOf(plan->rank_lists()); ++i) {
    const auto *from = at(plan->rank_lists(), i)->ranks();
    if (!mayRead(from))
      return error("rank list " + Twine(i) + " is misaligned or shared");
    ranks.clear();
    for (size_t r = 0; r < sizeOf(from); ++r)
      ranks.push_back(at(from, r));
    rankLists.push_back(module->internRanks(ranks));
  }
  return success();
}

/// Verifies that programs ascend by rank.
LogicalResult PlanReader::readPrograms() {
  module->level = Level::Programs;
  for (size_t i = 0; i < sizeOf(plan->programs()); ++i) {
    const fb::Program &from = *at(plan->programs(), i);
    if (i && from.rank() <= module->programs.back().rank)
      return error("programs do not ascend by rank at " + Twine(from.rank()));
    Program &to = module->programs.emplace_back();
    to.rank = from.rank();
    if (failed(readProgram(from, to)))
      return failure();
  }
  return success();
}

LogicalResult PlanReader::checkBindings() {
  BindingChecker checker(*module, *plan, diagnostics);
  for (size_t i = 0; i < module->programs.size(); ++i)
    if (failed(checker.check(*at(plan->programs(), i), module->programs[i])))
      return failure();
  return success();
}

/// Verifies:
/// - its vectors may be read, and every chunk is described;
/// - windows ascend, and have the buckets one after the other.
LogicalResult PlanReader::readProgram(const fb::Program &from, Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("program of rank " + Twine(to.rank) + " " + text);
  };
  if (!mayRead(from.windows()) || !mayRead(from.buckets()) || !mayRead(from.chunks()) ||
      !mayRead(from.logical()) || !mayRead(from.zeros()))
    return wrong("is misaligned or shares its parts");
  if (sizeOf(from.logical()) != sizeOf(from.chunks()))
    return wrong("has " + Twine(sizeOf(from.chunks())) + " chunks, but says of " +
                 Twine(sizeOf(from.logical())) + " which logical regions they are");
  for (size_t w = 0; w < sizeOf(from.windows()); ++w) {
    const fb::Window &window = *at(from.windows(), w);
    if (w && window.index() <= to.windows.back().index)
      return wrong("has windows that do not ascend");
    if (window.first_bucket() != to.buckets.size() ||
        window.num_buckets() > sizeOf(from.buckets()) - to.buckets.size())
      return wrong("has a window of buckets " + Twine(window.first_bucket()) + " + " +
                   Twine(window.num_buckets()) + ", expected to begin at " +
                   Twine(to.buckets.size()) + " of " + Twine(sizeOf(from.buckets())));
    to.windows.push_back({window.index(),
                          static_cast<int32_t>(window.first_bucket()),
                          static_cast<int32_t>(window.num_buckets()),
                          {}});
    for (uint32_t b = 0; b < window.num_buckets(); ++b)
      if (failed(readBucket(from, *at(from.buckets(), window.first_bucket() + b), to)))
        return failure();
  }
  if (to.buckets.size() != sizeOf(from.buckets()) || to.chunks.size() != sizeOf(from.chunks()))
    return wrong("has buckets or chunks that are in no window");
  return success();
}

/// Verifies that the lists and the transport are known, and that the chunks follow the last
/// bucket's.
LogicalResult PlanReader::readBucket(const fb::Program &program, const fb::Bucket &from,
                                     Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("bucket " + Twine(to.buckets.size()) + " of rank " + Twine(to.rank) + " " + text);
  };
  if (from.contributors() >= rankLists.size() || from.destinations() >= rankLists.size())
    return wrong("has rank lists " + Twine(from.contributors()) + " and " +
                 Twine(from.destinations()) + " of " + Twine(rankLists.size()));
  if (static_cast<unsigned>(from.transport()) > static_cast<unsigned>(Transport::None))
    return wrong("has transport " + Twine(static_cast<unsigned>(from.transport())) +
                 ", expected one up to " + Twine(static_cast<unsigned>(Transport::None)));
  if (from.first_chunk() != to.chunks.size() || from.num_chunks() < 1 ||
      from.num_chunks() > sizeOf(program.chunks()) - to.chunks.size())
    return wrong("has chunks " + Twine(from.first_chunk()) + " + " + Twine(from.num_chunks()) +
                 ", expected to begin at " + Twine(to.chunks.size()) + " of " +
                 Twine(sizeOf(program.chunks())));
  Bucket bucket;
  bucket.ordinal = from.ordinal();
  bucket.ends.sources = rankLists[from.contributors()];
  bucket.ends.destinations = rankLists[from.destinations()];
  bucket.ends.sender = from.sender();
  bucket.ends.groupSize = static_cast<int32_t>(module->rankList(bucket.ends.sources).size());
  bucket.transport = static_cast<Transport>(from.transport());
  bucket.bytes = from.bytes();
  bucket.firstChunk = static_cast<int32_t>(from.first_chunk());
  bucket.numChunks = static_cast<int32_t>(from.num_chunks());
  for (uint32_t c = 0; c < from.num_chunks(); ++c) {
    const size_t number = from.first_chunk() + c;
    if (failed(
            readChunk(*at(program.chunks(), number), *at(program.logical(), number), bucket, to)))
      return failure();
    bucket.roles.source |= to.chunks.back().roles().source;
    bucket.roles.target |= to.chunks.back().roles().target;
  }
  to.buckets.push_back(bucket);
  return success();
}

/// Verifies that the tensor, its target and the regions are known.
LogicalResult PlanReader::readChunk(const fb::Chunk &from, const fb::LogicalChunk &logical,
                                    const Bucket &bucket, Program &to) {
  auto wrong = [&](const Twine &text) {
    return error("chunk " + Twine(to.chunks.size()) + " of rank " + Twine(to.rank) + " " + text);
  };
  if (from.tensor() >= module->tensors.size())
    return wrong("is of tensor " + Twine(from.tensor()) + " of " + Twine(module->tensors.size()));
  if (logical.target() >= module->tensors[from.tensor()].targets.size())
    return wrong("is for target " + Twine(logical.target()) + " of " +
                 Twine(module->tensors[from.tensor()].targets.size()) + " of tensor '" +
                 module->tensors[from.tensor()].name + "'");
  if (logical.region() >= logicalRegions.size())
    return wrong("is logical region " + Twine(logical.region()) + " of " +
                 Twine(logicalRegions.size()));
  for (uint32_t number : {from.source_region(), from.target_region()})
    if (number != kAbsent && number >= regions.size())
      return wrong("names region " + Twine(number) + " of " + Twine(regions.size()));
  ProgramChunk chunk;
  chunk.tensor = static_cast<TensorId>(from.tensor());
  chunk.targetIndex = static_cast<int32_t>(logical.target());
  chunk.region = logicalRegions[logical.region()];
  chunk.ends = bucket.ends;
  chunk.transport = bucket.transport;
  if (from.source_region() != kAbsent)
    chunk.source = regions[from.source_region()];
  if (from.target_region() != kAbsent)
    chunk.target = regions[from.target_region()];
  chunk.offset = from.offset();
  to.chunks.push_back(chunk);
  return success();
}

} // namespace

bool isPlan(llvm::StringRef bytes) { return bytes.substr(4, 4) == fb::PlanIdentifier(); }

std::unique_ptr<Module> readPlan(llvm::StringRef bytes, std::string &pipeline,
                                 Diagnostics &diagnostics) {
  // A copy, because accessors need eight-byte alignment.
  constexpr size_t kMaxBytes = std::numeric_limits<int32_t>::max();
  if (bytes.size() >= kMaxBytes) {
    (void)diagnostics.error({}, "plan: has " + Twine(bytes.size()) +
                                    " bytes, expected less than 2 GiB");
    return nullptr;
  }
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  llvm::copy(bytes, reinterpret_cast<char *>(aligned.data()));
  return PlanReader({reinterpret_cast<const uint8_t *>(aligned.data()), bytes.size()}, diagnostics)
      .read(pipeline);
}

} // namespace xfer
