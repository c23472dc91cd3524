//===- StepDamage.cpp - Steps that a wrong compiler would write -----------===//
//
// Each damage is to one bucket, or to the windows of one program. Counts and ranges
// fit afterwards, so that only what the steps mean is wrong.
//===----------------------------------------------------------------------===//
#include "BucketMutants.h"
#include <algorithm>

namespace xfer::mutation {
namespace {

using fb::PlanT;

void addBucketDamage(BucketMutants &buckets, const BucketKey &key) {
  buckets.add(key, "drop bucket", [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
    steps[w].buckets[b].chunks.clear();
  });
  buckets.add(key, "duplicate bucket",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep again = steps[w].buckets[b];
                again.bucket = with(again.bucket, "ordinal", again.bucket.ordinal() + 1000);
                steps.push_back({steps.back().index + 1000, {again}});
              });
  buckets.add(key, "move bucket to a window of its own",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep moved = steps[w].buckets[b];
                steps[w].buckets[b].chunks.clear();
                steps.push_back({steps.back().index + 1000, {moved}});
              });
  buckets.add(key, "move bucket to the next window",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                if (w + 1 == steps.size())
                  steps.push_back({steps.back().index + 1, {}});
                steps[w + 1].buckets.push_back(steps[w].buckets[b]);
                steps[w].buckets[b].chunks.clear();
              });
  buckets.add(key, "exchange bucket with the next of its window",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                std::vector<BucketStep> &all = steps[w].buckets;
                std::swap(all[b], all[(b + 1) % all.size()]);
              });
  buckets.add(key, "larger buffer", [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
    fb::Bucket &bucket = steps[w].buckets[b].bucket;
    bucket = with(bucket, "bytes", bucket.bytes() + 64);
  });
  buckets.add(key, "gap before the first chunk",
              [](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep &step = steps[w].buckets[b];
                step.bucket = with(step.bucket, "bytes", step.bucket.bytes() + 64);
                for (ChunkStep &chunk : step.chunks)
                  chunk.chunk = with(chunk.chunk, "offset", chunk.chunk.offset() + 64);
              });
  buckets.add(key, "split bucket in two",
              [](PlanT &to, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                BucketStep &step = steps[w].buckets[b];
                BucketStep rest = step;
                rest.bucket = with(rest.bucket, "ordinal", rest.bucket.ordinal() + 1000);
                const auto half = static_cast<ptrdiff_t>(step.chunks.size() / 2);
                rest.chunks.erase(rest.chunks.begin(), rest.chunks.begin() + half);
                step.chunks.erase(step.chunks.begin() + half, step.chunks.end());
                pack(to, rest);
                pack(to, step);
                steps.push_back({steps.back().index + 1000, {rest}});
              });
}

/// Appends a list of ranks; its number.
uint32_t addRankList(PlanT &plan, std::vector<int64_t> ranks) {
  plan.rank_lists.push_back(std::make_unique<fb::RankListT>());
  plan.rank_lists.back()->ranks = std::move(ranks);
  return static_cast<uint32_t>(plan.rank_lists.size() - 1);
}

/// Other ranks between which a bucket moves. A rank that is no more among them drops it.
void addEndsDamage(BucketMutants &buckets, const BucketKey &key) {
  auto change = [&](const std::string &name, const char *field, std::vector<int64_t> ranks) {
    buckets.add(key, name, [=](PlanT &to, fb::ProgramT &program, Steps &steps, size_t w, size_t b) {
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
        buckets.plan.rank_lists[isContributors ? key.contributors : key.destinations]->ranks;
    const std::string what = isContributors ? "contributors" : "destinations";
    std::vector<int64_t> changed = ranks;
    if (ranks.size() > 1) {
      std::ranges::reverse(changed);
      change("reverse " + what, field, changed);
      change("drop the first of the " + what, field, {ranks.begin() + 1, ranks.end()});
      change("drop the last of the " + what, field, {ranks.begin(), ranks.end() - 1});
    }
    for (int64_t rank : buckets.plan.ranks)
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
  for (int64_t rank : buckets.plan.ranks)
    if (rank != key.sender)
      buckets.add(key, "another sender",
                  [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                    fb::Bucket &bucket = steps[w].buckets[b].bucket;
                    bucket = with(bucket, "sender", rank);
                  });
  for (fb::Transport transport : fb::EnumValuesTransport())
    buckets.add(key, "another transport",
                [=](PlanT &, fb::ProgramT &, Steps &steps, size_t w, size_t b) {
                  fb::Bucket &bucket = steps[w].buckets[b].bucket;
                  bucket = with(bucket, "transport", static_cast<int64_t>(transport));
                });
}

void addWindowDamage(Mutants &mutants, size_t number) {
  const PlanT &plan = mutants.plan;
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

void addProgramDamage(Mutants &mutants) {
  const PlanT &plan = mutants.plan;
  for (size_t p = 0; p < plan.programs.size(); ++p) {
    addWindowDamage(mutants, p);
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

} // namespace

void addStepDamage(Mutants &mutants) {
  BucketMutants buckets(mutants);
  for (const auto &[key, programs] : buckets.programsOf) {
    addBucketDamage(buckets, key);
    addEndsDamage(buckets, key);
  }
  addChunkDamage(buckets);
  addMoveDamage(buckets);
  addProgramDamage(mutants);
}

} // namespace xfer::mutation
