//===- StepDamage.cpp - Steps that a wrong compiler would write -----------===//
//
// Each damage is to one bucket, on one of its ranks or on all of them alike, or to
// the windows of one program. Counts and ranges fit afterwards, so that only what
// the steps mean is wrong.
//===----------------------------------------------------------------------===//
#include "Mutant.h"
#include "Steps.h"
#include <algorithm>
#include <map>

namespace xfer::mutation {
namespace {

using fb::PlanT;

/// Damages the bucket at `bucket` of a window of `steps`; may change all of `steps`.
using Damage = std::function<void(PlanT &plan, fb::ProgramT &program, Steps &steps, size_t window,
                                  size_t bucket)>;

class StepDamage {
public:
  explicit StepDamage(Mutants &mutants) : mutants(mutants), plan(mutants.plan) {}
  void addAll();

private:
  void addToBucket(const BucketKey &key, const std::string &name, const Damage &damage);
  void addBucketDamage(const BucketKey &key);
  void addChunkDamage(const BucketKey &key, size_t numChunks);
  void addShiftDamage(const BucketKey &key, size_t numChunks);
  void addEndsDamage(const BucketKey &key);
  void addWindowDamage(size_t program);
  void addProgramDamage();

  Mutants &mutants;
  const PlanT &plan;
  std::map<BucketKey, std::vector<size_t>> programsOf; ///< indices
};

/// Calls `damage` for the bucket in one program.
void damageIn(PlanT &plan, size_t program, const BucketKey &key, const Damage &damage) {
  fb::ProgramT &damaged = *plan.programs[program];
  Steps steps = unfold(damaged);
  for (size_t w = 0; w < steps.size(); ++w)
    for (size_t b = 0; b < steps[w].buckets.size(); ++b)
      if (keyOf(steps[w].buckets[b].bucket) == key) {
        damage(plan, damaged, steps, w, b);
        return fold(steps, damaged);
      }
}

/// What a chunk takes of its bucket's buffer.
int64_t bytesOf(const BucketStep &step, size_t chunk) {
  const int64_t end =
      chunk + 1 < step.chunks.size() ? step.chunks[chunk + 1].chunk.offset() : step.bucket.bytes();
  return end - step.chunks[chunk].chunk.offset();
}

void StepDamage::addToBucket(const BucketKey &key, const std::string &name, const Damage &damage) {
  const std::vector<size_t> &programs = programsOf[key];
  const std::string place = "bucket " + std::to_string(key.ordinal) + " from rank " +
                            std::to_string(key.sender) + " to list " +
                            std::to_string(key.destinations);
  for (size_t program : programs)
    mutants.add("step on one rank: " + name,
                place + ", on rank " + std::to_string(plan.programs[program]->rank),
                [=](PlanT &to) { damageIn(to, program, key, damage); });
  if (programs.size() > 1)
    mutants.add("step on all ranks: " + name, place, [=](PlanT &to) {
      for (size_t program : programs)
        damageIn(to, program, key, damage);
    });
}

void StepDamage::addBucketDamage(const BucketKey &key) {
  addToBucket(key, "drop bucket", [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
    steps[w].buckets[b].chunks.clear();
  });
  addToBucket(key, "duplicate bucket",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep again = steps[w].buckets[b];
                again.bucket = with(again.bucket, "ordinal", again.bucket.ordinal() + 1000);
                steps.push_back({steps.back().index + 1000, {again}});
              });
  addToBucket(key, "move bucket to a window of its own",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep moved = steps[w].buckets[b];
                steps[w].buckets[b].chunks.clear();
                steps.push_back({steps.back().index + 1000, {moved}});
              });
  addToBucket(key, "move bucket to the next window",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                if (w + 1 == steps.size())
                  steps.push_back({steps.back().index + 1, {}});
                steps[w + 1].buckets.push_back(steps[w].buckets[b]);
                steps[w].buckets[b].chunks.clear();
              });
  addToBucket(key, "exchange bucket with the next of its window",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                std::vector<BucketStep> &buckets = steps[w].buckets;
                std::swap(buckets[b], buckets[(b + 1) % buckets.size()]);
              });
  addToBucket(key, "larger buffer", [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
    fb::Bucket &bucket = steps[w].buckets[b].bucket;
    bucket = with(bucket, "bytes", bucket.bytes() + 64);
  });
  addToBucket(key, "gap before the first chunk",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep &step = steps[w].buckets[b];
                step.bucket = with(step.bucket, "bytes", step.bucket.bytes() + 64);
                for (ChunkStep &chunk : step.chunks)
                  chunk.chunk = with(chunk.chunk, "offset", chunk.chunk.offset() + 64);
              });
  addToBucket(key, "split bucket in two",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep &step = steps[w].buckets[b];
                BucketStep rest = step;
                rest.bucket = with(rest.bucket, "ordinal", rest.bucket.ordinal() + 1000);
                const auto half = static_cast<ptrdiff_t>(step.chunks.size() / 2);
                rest.chunks.erase(rest.chunks.begin(), rest.chunks.begin() + half);
                step.chunks.erase(step.chunks.begin() + half, step.chunks.end());
                const int64_t cut = rest.chunks.front().chunk.offset();
                rest.bucket = with(rest.bucket, "bytes", rest.bucket.bytes() - cut);
                for (ChunkStep &chunk : rest.chunks)
                  chunk.chunk = with(chunk.chunk, "offset", chunk.chunk.offset() - cut);
                if (half > 0)
                  step.bucket = with(step.bucket, "bytes", cut);
                steps.push_back({steps.back().index + 1000, {rest}});
              });
}

/// `chunk` with what `from` reads.
fb::Chunk reading(const fb::Chunk &chunk, const fb::Chunk &from) {
  return with(with(chunk, "source", from.source()), "source_region", from.source_region());
}

/// `chunk` with what `from` writes.
fb::Chunk writing(const fb::Chunk &chunk, const fb::Chunk &from) {
  return with(with(chunk, "target", from.target()), "target_region", from.target_region());
}

void StepDamage::addChunkDamage(const BucketKey &key, size_t numChunks) {
  for (size_t c = 0; c < numChunks; ++c) {
    addToBucket(key, "drop chunk", [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
      BucketStep &step = steps[w].buckets[b];
      const int64_t dropped = bytesOf(step, c);
      for (size_t i = c + 1; i < step.chunks.size(); ++i)
        step.chunks[i].chunk =
            with(step.chunks[i].chunk, "offset", step.chunks[i].chunk.offset() - dropped);
      step.bucket = with(step.bucket, "bytes", step.bucket.bytes() - dropped);
      step.chunks.erase(step.chunks.begin() + static_cast<ptrdiff_t>(c));
    });
    addToBucket(key, "duplicate chunk at the end",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  BucketStep &step = steps[w].buckets[b];
                  ChunkStep again = step.chunks[c];
                  again.chunk = with(again.chunk, "offset", step.bucket.bytes());
                  step.bucket = with(step.bucket, "bytes", step.bucket.bytes() + bytesOf(step, c));
                  step.chunks.push_back(again);
                });
    if (c + 1 == numChunks)
      continue;
    addToBucket(key, "exchange chunks, their places in the buffer stay",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  std::vector<ChunkStep> &chunks = steps[w].buckets[b].chunks;
                  const int64_t first = chunks[c].chunk.offset();
                  const int64_t second = chunks[c + 1].chunk.offset();
                  std::swap(chunks[c], chunks[c + 1]);
                  chunks[c].chunk = with(chunks[c].chunk, "offset", first);
                  chunks[c + 1].chunk = with(chunks[c + 1].chunk, "offset", second);
                });
    addToBucket(key, "exchange what two chunks read",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  fb::Chunk &first = steps[w].buckets[b].chunks[c].chunk;
                  fb::Chunk &second = steps[w].buckets[b].chunks[c + 1].chunk;
                  const fb::Chunk before = first;
                  first = reading(first, second);
                  second = reading(second, before);
                });
    addToBucket(key, "exchange what two chunks write",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  fb::Chunk &first = steps[w].buckets[b].chunks[c].chunk;
                  fb::Chunk &second = steps[w].buckets[b].chunks[c + 1].chunk;
                  const fb::Chunk before = first;
                  first = writing(first, second);
                  second = writing(second, before);
                });
  }
}

/// Appends the region with its offset shifted; its number.
uint32_t shiftedRegion(PlanT &plan, uint32_t region, int64_t by) {
  if (region >= plan.regions.size())
    return region;
  plan.regions.push_back(std::make_unique<fb::RegionT>(*plan.regions[region]));
  plan.regions.back()->offset += by;
  return static_cast<uint32_t>(plan.regions.size() - 1);
}

/// The same elements of every rank's memory, but one further: what is said of the logical tensor
/// shifts along its last dimension.
void StepDamage::addShiftDamage(const BucketKey &key, size_t numChunks) {
  for (int64_t by : {1, -1})
    for (size_t c = 0; c < numChunks; ++c)
      for (bool withLogical : {false, true})
        addToBucket(
            key, withLogical ? "shift a chunk, its logical region too" : "shift a chunk",
            [=](PlanT &to, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
              auto &[chunk, logical] = steps[w].buckets[b].chunks[c];
              chunk = with(chunk, "source_region", shiftedRegion(to, chunk.source_region(), by));
              chunk = with(chunk, "target_region", shiftedRegion(to, chunk.target_region(), by));
              auto &regions = to.logical_regions;
              const fb::LogicalRegionT &from = *regions[logical.region()];
              if (!withLogical || from.segments.empty())
                return;
              regions.push_back(std::make_unique<fb::LogicalRegionT>(from));
              fb::Segment &last = regions.back()->segments.back();
              last = with(last, "begin", last.begin() + by);
              logical = with(logical, "region", static_cast<int64_t>(regions.size() - 1));
            });
}

/// Appends a list of ranks; its number.
uint32_t addRankList(PlanT &plan, std::vector<int64_t> ranks) {
  plan.rank_lists.push_back(std::make_unique<fb::RankListT>());
  plan.rank_lists.back()->ranks = std::move(ranks);
  return static_cast<uint32_t>(plan.rank_lists.size() - 1);
}

/// Other ranks between which a bucket moves. A rank that is no more among them drops it.
void StepDamage::addEndsDamage(const BucketKey &key) {
  auto change = [&](const std::string &name, const char *field, std::vector<int64_t> ranks) {
    addToBucket(key, name, [=](PlanT &to, fb::ProgramT &program, Steps &steps, size_t w, size_t b) {
      BucketStep &step = steps[w].buckets[b];
      step.bucket = with(step.bucket, field, addRankList(to, ranks));
      auto has = [&](uint32_t list) {
        return std::ranges::count(to.rank_lists[list]->ranks, program.rank) > 0;
      };
      if (!has(step.bucket.contributors()) && !has(step.bucket.destinations()))
        step.chunks.clear();
    });
  };
  for (const char *field : {"contributors", "destinations"}) {
    const bool isContributors = std::string_view(field) == "contributors";
    const std::vector<int64_t> &ranks =
        plan.rank_lists[isContributors ? key.contributors : key.destinations]->ranks;
    const std::string what = isContributors ? "contributors" : "destinations";
    std::vector<int64_t> changed = ranks;
    if (ranks.size() > 1) {
      std::ranges::reverse(changed);
      change("reverse " + what, field, changed);
      change("drop the first of the " + what, field, {ranks.begin() + 1, ranks.end()});
      change("drop the last of the " + what, field, {ranks.begin(), ranks.end() - 1});
    }
    for (int64_t rank : plan.ranks)
      if (std::ranges::count(ranks, rank) == 0) {
        changed = ranks;
        changed.push_back(rank);
        change("one more of the " + what, field, changed);
        changed = ranks;
        changed.front() = rank;
        change("another of the " + what, field, changed);
        break;
      }
  }
  for (int64_t rank : plan.ranks)
    if (rank != key.sender)
      addToBucket(key, "another sender",
                  [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                    fb::Bucket &bucket = steps[w].buckets[b].bucket;
                    bucket = with(bucket, "sender", rank);
                  });
  for (fb::Transport transport : fb::EnumValuesTransport())
    addToBucket(key, "another transport",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  fb::Bucket &bucket = steps[w].buckets[b].bucket;
                  bucket = with(bucket, "transport", static_cast<int64_t>(transport));
                });
}

void StepDamage::addWindowDamage(size_t number) {
  const size_t numWindows = plan.programs[number]->windows.size();
  for (size_t w = 0; w < numWindows; ++w) {
    const std::string place =
        "rank " + std::to_string(plan.programs[number]->rank) + ", window " + std::to_string(w);
    auto add = [&](const char *name, const std::function<void(Steps &)> &damage) {
      mutants.add(std::string("step on one rank: ") + name, place, [=](PlanT &to) {
        Steps steps = unfold(*to.programs[number]);
        damage(steps);
        fold(steps, *to.programs[number]);
      });
    };
    add("drop window", [=](Steps &steps) { steps[w].buckets.clear(); });
    if (w + 1 == numWindows)
      continue;
    add("exchange windows",
        [=](Steps &steps) { std::swap(steps[w].buckets, steps[w + 1].buckets); });
    add("merge windows", [=](Steps &steps) {
      std::vector<BucketStep> &next = steps[w + 1].buckets;
      std::ranges::move(next, std::back_inserter(steps[w].buckets));
      next.clear();
    });
  }
}

void StepDamage::addProgramDamage() {
  for (size_t p = 0; p < plan.programs.size(); ++p) {
    addWindowDamage(p);
    const std::string place = "rank " + std::to_string(plan.programs[p]->rank);
    mutants.add("program: no steps", place, [=](PlanT &to) { fold({}, *to.programs[p]); });
    mutants.add("program: this one alone", place, [=](PlanT &to) {
      std::swap(to.programs[0], to.programs[p]);
      to.programs.resize(1);
    });
    if (p + 1 < plan.programs.size())
      mutants.add("program: exchange with the next rank's", place, [=](PlanT &to) {
        std::swap(to.programs[p], to.programs[p + 1]);
        std::swap(to.programs[p]->rank, to.programs[p + 1]->rank);
      });
  }
}

void StepDamage::addAll() {
  std::map<BucketKey, size_t> numChunks;
  for (size_t p = 0; p < plan.programs.size(); ++p)
    for (const fb::Bucket &bucket : plan.programs[p]->buckets) {
      programsOf[keyOf(bucket)].push_back(p);
      numChunks[keyOf(bucket)] = bucket.num_chunks();
    }
  for (const auto &[key, count] : numChunks) {
    addBucketDamage(key);
    addChunkDamage(key, count);
    addShiftDamage(key, count);
    addEndsDamage(key);
  }
  addProgramDamage();
}

} // namespace

void addStepDamage(Mutants &mutants) { StepDamage(mutants).addAll(); }

} // namespace xfer::mutation
