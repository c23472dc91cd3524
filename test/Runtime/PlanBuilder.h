//===- PlanBuilder.h - Plans for tests, without the compiler ----*- C++ -*-===//
//
// Builds the object form of a plan bucket by bucket, on every rank that takes
// part, and serializes it with right hashes. Tests that want a wrong plan change
// `plan` before build().
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/plan_digest.h"
#include "xfer/runtime.h"
#include <algorithm>
#include <map>
#include <vector>

namespace xfer::test {

inline constexpr uint32_t kAbsent = 0xffffffff;

/// Binds each side to the binding of that name; by default to the one named as the tensor.
struct ChunkText {
  uint32_t tensor;
  uint32_t source; ///< region on contributors
  uint32_t target; ///< region on destinations
  int64_t offset = 0;
  std::string sourceName = {}, targetName = {};
};

struct BucketText {
  int64_t window;
  fb::Transport transport; ///< of the ranks that ship or receive
  std::vector<int64_t> contributors;
  int64_t sender;
  std::vector<int64_t> destinations;
  int64_t bytes;
  std::vector<ChunkText> chunks;
  int64_t ordinal = 0;
};

class PlanBuilder {
public:
  explicit PlanBuilder(std::vector<int64_t> ranks) {
    plan.version = fb::kPlanVersion;
    plan.compiler = "test";
    plan.pipeline = "by-hand";
    plan.ranks = std::move(ranks);
    for (int64_t rank : plan.ranks) {
      plan.programs.push_back(std::make_unique<fb::ProgramT>());
      plan.programs.back()->rank = rank;
      plan.programs.back()->staging_bytes = int64_t{1} << 20;
    }
  }

  uint32_t tensor(std::string name, fb::DType dtype) {
    auto tensor = std::make_unique<fb::TensorT>();
    tensor->name = std::move(name);
    tensor->dtype = dtype;
    plan.declarations += tensor->name + " ";
    plan.tensors.push_back(std::move(tensor));
    return static_cast<uint32_t>(plan.tensors.size() - 1);
  }

  uint32_t region(int64_t offset, std::vector<fb::Loop> loops) {
    auto region = std::make_unique<fb::RegionT>();
    region->offset = offset;
    region->loops = std::move(loops);
    plan.regions.push_back(std::move(region));
    return static_cast<uint32_t>(plan.regions.size() - 1);
  }

  uint32_t rankList(std::vector<int64_t> ranks) {
    auto list = std::make_unique<fb::RankListT>();
    list->ranks = std::move(ranks);
    plan.rank_lists.push_back(std::move(list));
    return static_cast<uint32_t>(plan.rank_lists.size() - 1);
  }

  fb::ProgramT &program(int64_t rank) {
    return **std::find_if(plan.programs.begin(), plan.programs.end(),
                          [&](const auto &program) { return program->rank == rank; });
  }

  void source(int64_t rank, uint32_t tensor, fb::DType dtype, std::vector<int64_t> shape,
              fb::ReduceOp reduce = fb::ReduceOp::None) {
    sourceStorage(rank, plan.tensors[tensor]->name, dtype, std::move(shape), reduce);
  }
  void target(int64_t rank, uint32_t tensor, fb::DType dtype, std::vector<int64_t> shape) {
    targetStorage(rank, plan.tensors[tensor]->name, dtype, std::move(shape));
  }
  void sourceStorage(int64_t rank, std::string name, fb::DType dtype, std::vector<int64_t> shape,
                     fb::ReduceOp reduce = fb::ReduceOp::None) {
    program(rank).sources.push_back(binding(std::move(name), dtype, std::move(shape), reduce));
  }
  void targetStorage(int64_t rank, std::string name, fb::DType dtype, std::vector<int64_t> shape) {
    program(rank).targets.push_back(
        binding(std::move(name), dtype, std::move(shape), fb::ReduceOp::None));
  }
  /// Zeroes a region of the target `name` of `rank`.
  void zeros(int64_t rank, const std::string &name, uint32_t region) {
    program(rank).zeros.emplace_back(indexOf(program(rank).targets, name), region);
  }

  /// Adds a bucket to every rank that takes part. Windows must come in ascending order.
  void bucket(const BucketText &text) {
    const uint32_t contributors = rankList(text.contributors);
    const uint32_t destinations = rankList(text.destinations);
    for (int64_t rank : plan.ranks) {
      const bool isSource = contains(text.contributors, rank);
      const bool isTarget = contains(text.destinations, rank);
      if (!isSource && !isTarget)
        continue;
      fb::ProgramT &to = program(rank);
      const auto transport = rank == text.sender || isTarget ? text.transport : fb::Transport::None;
      if (to.windows.empty() || to.windows.back().index() != text.window)
        to.windows.emplace_back(text.window, static_cast<uint32_t>(to.buckets.size()), 0);
      fb::Window &window = to.windows.back();
      window = {window.index(), window.first_bucket(), window.num_buckets() + 1};
      to.buckets.emplace_back(text.ordinal, text.sender, text.bytes, contributors, destinations,
                              static_cast<uint32_t>(to.chunks.size()),
                              static_cast<uint32_t>(text.chunks.size()), transport);
      for (const ChunkText &chunk : text.chunks)
        to.chunks.emplace_back(
            chunk.tensor, isSource ? indexOf(to.sources, nameOf(chunk, chunk.sourceName)) : kAbsent,
            isSource ? chunk.source : kAbsent,
            isTarget ? indexOf(to.targets, nameOf(chunk, chunk.targetName)) : kAbsent,
            isTarget ? chunk.target : kAbsent, chunk.offset);
    }
  }

  std::vector<uint8_t> build() {
    plan.digest = fb::planDigest(plan.compiler, plan.pipeline, plan.declarations);
    return seal(plan);
  }

  /// Serializes a plan as it stands, with its content hash.
  static std::vector<uint8_t> seal(fb::PlanT &plan) {
    plan.content = 1;
    flatbuffers::FlatBufferBuilder builder;
    fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
    std::vector<uint8_t> bytes(builder.GetBufferPointer(),
                               builder.GetBufferPointer() + builder.GetSize());
    fb::sealPlan(bytes);
    return bytes;
  }

  fb::PlanT plan;

private:
  static bool contains(const std::vector<int64_t> &ranks, int64_t rank) {
    return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
  }
  const std::string &nameOf(const ChunkText &chunk, const std::string &name) const {
    return name.empty() ? plan.tensors[chunk.tensor]->name : name;
  }
  using Bindings = std::vector<std::unique_ptr<fb::BindingT>>;
  static uint32_t indexOf(const Bindings &bindings, const std::string &name) {
    const auto found = std::find_if(bindings.begin(), bindings.end(),
                                    [&](const auto &binding) { return binding->name == name; });
    return static_cast<uint32_t>(found - bindings.begin());
  }
  static std::unique_ptr<fb::BindingT> binding(std::string name, fb::DType dtype,
                                               std::vector<int64_t> shape, fb::ReduceOp reduce) {
    auto binding = std::make_unique<fb::BindingT>();
    binding->name = std::move(name);
    binding->dtype = dtype;
    binding->shape = std::move(shape);
    binding->reduce = reduce;
    return binding;
  }
};

} // namespace xfer::test
