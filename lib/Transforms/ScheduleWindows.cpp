//===- ScheduleWindows.cpp - Order buckets into windows -------------------===//
//
// Puts every bucket into the window  ordinal * numSlots + slot  (see
// Analysis/WindowSlots.h), which each of its ranks works out from the bucket
// alone, and orders each program by window.
//
//   bucket 0 p2p 0 -> [4] ... { ... }         window 0 {
//   bucket 1 p2p 0 -> [4] ... { ... }    =>     bucket 0 p2p 0 -> [4] ... { ... }
//                                             }
//                                             window 3 {
//                                               bucket 1 p2p 0 -> [4] ... { ... }
//                                             }
//
// Window numbers grow in one global order and have gaps. In a window a rank sends
// to and receives from at most `peers` destination sets and senders; fewer peers
// take less staging and more windows. Cost: a sort per program.
//===----------------------------------------------------------------------===//
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/PlanWindows.h"
#include "xfer/Analysis/WindowSlots.h"
#include "xfer/Text/Printer.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class ScheduleWindows final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  LogicalResult schedule(Module &module, Program &program, const WindowSlots &slots,
                         Diagnostics &diagnostics);

  Option<int64_t> peers{*this, "peers", "senders, and destination sets, of a rank in a window", 8,
                        1};
  Option<int64_t> stagingBytes{*this, "staging-bytes",
                               "most staging of one rank, for two windows in flight",
                               int64_t(128) << 20};
  Option<int64_t> maxOperations{*this, "max-operations", "most messages of one rank in a window",
                                4096, 1};
  Statistic numWindows{*this, "num-windows", "windows of all programs"};
};

LogicalResult ScheduleWindows::schedule(Module &module, Program &program, const WindowSlots &slots,
                                        Diagnostics &diagnostics) {
  struct Placed {
    int64_t window;
    const Bucket *bucket;
  };
  std::vector<Placed> placed;
  placed.reserve(program.buckets.size());
  for (const Bucket &bucket : program.buckets) {
    std::optional<int64_t> slot = slots.slot(bucket.ends, bucket.transport);
    if (!slot)
      return diagnostics.error(bucket.loc,
                               "the declarations give rank " + llvm::Twine(bucket.ends.sender) +
                                   " no reason to serve " +
                                   ranksToString(module.rankList(bucket.ends.destinations)) +
                                   " together: no window is safe for it");
    int64_t window;
    if (__builtin_mul_overflow(bucket.ordinal, slots.numSlots(), &window) ||
        __builtin_add_overflow(window, *slot, &window))
      return diagnostics.error(bucket.loc, "bucket " + llvm::Twine(bucket.ordinal) +
                                               " would be in a window beyond 2^63");
    placed.push_back({window, &bucket});
  }
  llvm::stable_sort(placed, [&](const Placed &l, const Placed &r) {
    return l.window != r.window ? l.window < r.window : comesBefore(module, *l.bucket, *r.bucket);
  });
  std::vector<Bucket> ordered;
  std::vector<ProgramChunk> chunks;
  ordered.reserve(placed.size());
  chunks.reserve(program.chunks.size());
  for (const Placed &entry : placed) {
    if (program.windows.empty() || program.windows.back().index != entry.window)
      program.windows.push_back(
          {entry.window, static_cast<int32_t>(ordered.size()), 0, entry.bucket->loc});
    ++program.windows.back().numBuckets;
    Bucket &bucket = ordered.emplace_back(*entry.bucket);
    auto first = program.chunks.begin() + bucket.firstChunk;
    bucket.firstChunk = static_cast<int32_t>(chunks.size());
    chunks.insert(chunks.end(), first, first + bucket.numChunks);
  }
  program.buckets = std::move(ordered);
  program.chunks = std::move(chunks);
  return success();
}

PassResult ScheduleWindows::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Programs, context)) ||
      failed(expectBothSides(module, context.diagnostics)))
    return PassResult::Failed;
  OwnershipCache ownerships(module);
  Routing routing(module, ownerships);
  WindowSlots slots(module, routing, peers);
  PlanWindows windows(module, {stagingBytes, maxOperations}, context.diagnostics);
  bool changed = false;
  for (Program &program : module.programs) {
    if (program.chunks.empty())
      continue;
    if (!program.windows.empty()) { // by an earlier run, perhaps with other limits
      if (failed(windows.check(program)))
        return PassResult::Failed;
      continue;
    }
    if (program.buckets.empty()) {
      (void)context.diagnostics.error(program.loc, "program of rank " + llvm::Twine(program.rank) +
                                                       " has no buckets: run 'form-buckets' first");
      return PassResult::Failed;
    }
    if (failed(schedule(module, program, slots, context.diagnostics)) ||
        failed(windows.check(program)))
      return PassResult::Failed;
    numWindows += static_cast<int64_t>(program.windows.size());
    changed = true;
  }
  return changed ? PassResult::Changed : PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createScheduleWindowsPass() { return std::make_unique<ScheduleWindows>(); }

} // namespace xfer
