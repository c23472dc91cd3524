//===- PlanLoad.cpp - Reads and checks a plan file ------------------------===//
//
// From hostile bytes to tables that may be indexed freely: FlatBuffers'
// verifier, identifier, version, hashes, then ranks, tensors, regions and rank
// lists. Programs follow in ProgramLoad.cpp.
//===----------------------------------------------------------------------===//
#include "PlanReader.h"
#include <limits>

namespace xfer::runtime {

Status loadPlan(std::span<const uint8_t> bytes, xfer_plan &plan) {
  // A copy, because accessors need eight-byte alignment and bytes that stay as they were checked.
  if (bytes.size() >= static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    return invalidPlan("plan has ", bytes.size(), " bytes, expected less than 2 GiB");
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  if (!bytes.empty())
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
  return PlanReader({reinterpret_cast<const uint8_t *>(aligned.data()), bytes.size()}, plan)
      .readPlan();
}

Status PlanReader::readPlan() {
  using Step = Status (PlanReader::*)();
  for (Step step : {&PlanReader::readHeader, &PlanReader::readRanks, &PlanReader::readTensors,
                    &PlanReader::readRegions, &PlanReader::readRankLists,
                    &PlanReader::readLogicalRegions, &PlanReader::readPrograms})
    if (Status status = (this->*step)(); !status.isOk())
      return status;
  return {};
}

Status PlanReader::readHeader() {
  if (file.size() < 16 || !fb::PlanBufferHasIdentifier(file.data()))
    return invalidPlan("not a plan: no file identifier 'XFER'");
  // Each table takes at least a word for itself and a word where it is named.
  const auto maxTables = static_cast<flatbuffers::uoffset_t>(file.size() / 4);
  flatbuffers::Verifier verifier(file.data(), file.size(), /*max_depth=*/16, maxTables);
  if (!fb::VerifyPlanBuffer(verifier))
    return invalidPlan("plan is damaged: offsets lead outside the file");
  root = fb::GetPlan(file.data());
  if (root->version() != fb::kPlanVersion)
    return invalidPlan("plan has format version ", root->version(), ", expected ",
                       fb::kPlanVersion);
  const size_t offset = fb::contentOffset(file);
  if (offset == 0)
    return invalidPlan("plan has no content hash");
  if (const uint64_t hash = fb::contentHash(file, offset); hash != root->content())
    return invalidPlan("plan is damaged: content hash is ", hexadecimal(hash), ", expected ",
                       hexadecimal(root->content()));
  if (!fb::hasPlainTexts(*root))
    return invalidPlan("plan's texts hold a NUL byte");
  const uint64_t digest =
      fb::planDigest(root->compiler()->string_view(), root->pipeline()->string_view(),
                     root->declarations()->string_view());
  if (digest != root->digest())
    return invalidPlan("plan's texts have digest ", hexadecimal(digest), ", expected ",
                       hexadecimal(root->digest()));
  plan.digest = digest;
  plan.version = root->version();
  plan.pipeline = root->pipeline()->str();
  plan.declarations = root->declarations()->str();
  return {};
}

Status PlanReader::readRanks() {
  const auto *ranks = root->ranks();
  if (!ranks)
    return {};
  if (!vectors.mayRead(ranks))
    return invalidPlan("ranks of the job are misaligned");
  plan.ranks.assign(ranks->begin(), ranks->end());
  for (size_t i = 0; i < plan.ranks.size(); ++i)
    if (plan.ranks[i] < 0 || (i > 0 && plan.ranks[i] <= plan.ranks[i - 1]))
      return invalidPlan("rank ", plan.ranks[i], " at position ", i,
                         " of the job is negative or not ascending");
  return {};
}

Status PlanReader::readTensors() {
  const auto *tensors = root->tensors();
  if (!tensors)
    return {};
  for (const fb::Tensor *tensor : *tensors) {
    TensorSpec spec;
    const std::string *name = nullptr;
    if (Status status = readName(tensor->name(), name); !status.isOk())
      return invalidPlan("tensor ", plan.tensors.size(), " ", status.text());
    spec.name = *name;
    if (static_cast<int>(tensor->dtype()) >= kNumDTypes)
      return invalidPlan("tensor '", spec.name, "' has unknown element type ",
                         static_cast<int>(tensor->dtype()));
    spec.dtype = static_cast<xfer_dtype_t>(tensor->dtype());
    plan.tensors.push_back(std::move(spec));
  }
  std::vector<std::string_view> names;
  names.reserve(plan.tensors.size());
  for (const TensorSpec &tensor : plan.tensors)
    names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  if (auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end())
    return invalidPlan("two tensors are named '", *twin, "'");
  return {};
}

/// Appends a region's loops in canonical form to plan.loops: loops of size 1 dropped, loops that
/// continue each other merged. `end` is one past the last element that the nest reaches.
Status PlanReader::readNest(const fb::Region &from, LoopNest &nest, int64_t &end) {
  const size_t first = plan.loops.size();
  nest.offset = from.offset();
  if (nest.offset < 0)
    return invalidPlan("offset ", nest.offset, " is negative");
  if (!addChecked(nest.offset, 1, end))
    return invalidPlan("offset ", nest.offset, " is too large");
  const size_t numLoops = from.loops() ? from.loops()->size() : 0;
  if (!vectors.mayRead(from.loops()))
    return invalidPlan("loops are misaligned or shared");
  for (size_t i = 0; i < numLoops; ++i) {
    const fb::Loop &loop = *from.loops()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (loop.size() < 1)
      return invalidPlan("loop ", i, " has size ", loop.size(), ", expected at least 1");
    if (loop.size() == 1)
      continue;
    if (loop.stride() < 1)
      return invalidPlan("loop ", i, " has stride ", loop.stride(), ", expected at least 1");
    int64_t reach;
    if (!multiplyChecked(loop.size() - 1, loop.stride(), reach) || !addChecked(end, reach, end) ||
        !multiplyChecked(nest.numElements, loop.size(), nest.numElements))
      return invalidPlan("loop ", i, " reaches past 2^63 elements");
    int64_t next; // where one iteration more would continue
    if (plan.loops.size() > first && addChecked(reach, loop.stride(), next) &&
        plan.loops.back().stride == next)
      plan.loops.back() = {plan.loops.back().size * loop.size(), loop.stride()};
    else
      plan.loops.push_back({loop.size(), loop.stride()});
  }
  return {};
}

Status PlanReader::readRegions() {
  if (!root->regions())
    return {};
  std::vector<size_t> firstLoops;
  for (const fb::Region *region : *root->regions()) {
    firstLoops.push_back(plan.loops.size());
    LoopNest nest;
    int64_t end;
    if (Status status = readNest(*region, nest, end); !status.isOk())
      return invalidPlan("region ", plan.nests.size(), ": ", status.text());
    plan.nests.push_back(nest);
    nestEnds.push_back(end);
  }
  firstLoops.push_back(plan.loops.size());
  for (size_t i = 0; i < plan.nests.size(); ++i) // now that plan.loops grows no more
    plan.nests[i].loops =
        std::span(plan.loops).subspan(firstLoops[i], firstLoops[i + 1] - firstLoops[i]);
  return {};
}

Status PlanReader::readRankLists() {
  if (!root->rank_lists())
    return {};
  for (const fb::RankList *from : *root->rank_lists()) {
    const size_t index = plan.rankLists.size();
    RankList list;
    if (!vectors.mayRead(from->ranks()))
      return invalidPlan("ranks of list ", index, " are misaligned or shared");
    if (from->ranks())
      list.ranks.assign(from->ranks()->begin(), from->ranks()->end());
    if (list.ranks.empty())
      return invalidPlan("rank list ", index, " is empty");
    list.sorted = list.ranks;
    std::sort(list.sorted.begin(), list.sorted.end());
    if (auto twin = std::adjacent_find(list.sorted.begin(), list.sorted.end());
        twin != list.sorted.end())
      return invalidPlan("rank list ", index, " names rank ", *twin, " twice");
    for (int64_t rank : list.ranks)
      if (!std::binary_search(plan.ranks.begin(), plan.ranks.end(), rank))
        return invalidPlan("rank list ", index, " names rank ", rank,
                           ", which is not a rank of the job");
    list.hash = XXH3_64bits(list.ranks.data(), list.ranks.size() * sizeof(int64_t));
    plan.rankLists.push_back(std::move(list));
  }
  return {};
}

Status PlanReader::readLogicalRegions() {
  if (!root->logical_regions())
    return {};
  for (const fb::LogicalRegion *from : *root->logical_regions()) {
    const auto *segments = from->segments();
    if (!vectors.mayRead(segments))
      return invalidPlan("logical region ", logicalHashes.size(), " is misaligned or shared");
    logicalHashes.push_back(
        segments ? XXH3_64bits(segments->Data(), segments->size() * sizeof(fb::Segment)) : 0);
  }
  return {};
}

} // namespace xfer::runtime

const xfer::runtime::Program *xfer_plan::findProgram(int64_t rank) const {
  const auto found =
      std::lower_bound(programs.begin(), programs.end(), rank,
                       [](const auto &program, int64_t wanted) { return program.rank < wanted; });
  return found != programs.end() && found->rank == rank ? &*found : nullptr;
}
