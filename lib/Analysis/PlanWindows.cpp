//===- PlanWindows.cpp - Can no wait be circular --------------------------===//
#include "xfer/Analysis/PlanWindows.h"
#include "xfer/Analysis/Buffers.h"
#include "xfer/Analysis/PlanPlaces.h"
#include "llvm/ADT/Twine.h"
#include <tuple>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::Twine;

namespace xfer {

LogicalResult PlanWindows::check(const Program &program) {
  int64_t stagedBefore = 0;
  for (const Window &window : program.windows) {
    if (failed(checkOrder(program, window)) || failed(checkMessages(program, window)))
      return failure();
    int64_t staged = 0;
    for (const Bucket &bucket : program.bucketsOf(window))
      staged = addSaturating(staged, stagedBytes(module, program, bucket));
    if (failed(checkBounds(program, window, stagedBefore, staged)))
      return failure();
    stagedBefore = staged;
  }
  return success();
}

/// Verifies:
/// - a window of reductions holds nothing else: their results depend on their contributions;
/// - buckets stand in the order of sender, destinations and contributors, which is one order for
///   all ranks.
LogicalResult PlanWindows::checkOrder(const Program &program, const Window &window) {
  ArrayRef<Bucket> buckets = program.bucketsOf(window);
  for (size_t i = 1; i < buckets.size(); ++i) {
    const Bucket &before = buckets[i - 1], &bucket = buckets[i];
    bool mixes = before.ends.isReduce() != bucket.ends.isReduce();
    if (!mixes && comesBefore(module, before, bucket))
      continue;
    (void)diagnostics.error(bucket.loc,
                            (mixes ? "a window mixes reductions with other buckets: "
                                   : "buckets are not in the order of senders, destinations and "
                                     "contributors: ") +
                                describe(module, program, bucket));
    diagnostics.note(before.loc, "after " + describe(module, program, before));
    return failure();
  }
  return success();
}

/// Ranks of a broadcast have a communicator of their own; everything else shares one.
int64_t PlanWindows::communicatorOf(const Bucket &bucket) {
  if (bucket.transport != Transport::Broadcast)
    return 0;
  SmallVector<int64_t, 16> ranks(module.rankList(bucket.ends.destinations));
  ranks.push_back(bucket.ends.sender);
  llvm::sort(ranks);
  return 1 + communicators.intern(ranks);
}

void PlanWindows::collect(const Program &program, const Bucket &bucket) {
  const Endpoints &ends = bucket.ends;
  bool isSender = program.rank == ends.sender;
  size_t before = messages.size();
  if (ends.isReduce() && bucket.roles.source) {
    if (!isSender)
      messages.push_back({0, 0, program.rank, ends.sender, &bucket});
    else
      for (int64_t rank : module.rankList(ends.sources))
        if (rank != ends.sender)
          messages.push_back({0, 0, rank, ends.sender, &bucket});
  }
  bool isCollective = bucket.transport == Transport::Broadcast;
  if (isCollective || bucket.transport == Transport::P2P) {
    int64_t communicator = communicatorOf(bucket);
    if (!isSender)
      messages.push_back({1, communicator, ends.sender, program.rank, &bucket});
    else
      for (int64_t rank : module.rankList(ends.destinations))
        messages.push_back({1, communicator, ends.sender, rank, &bucket});
  }
  numOperations += isCollective ? 1 : static_cast<int64_t>(messages.size() - before);
}

/// Verifies that an ordered pair of ranks has at most one message per communicator and step.
LogicalResult PlanWindows::checkMessages(const Program &program, const Window &window) {
  messages.clear();
  numOperations = 0;
  for (const Bucket &bucket : program.bucketsOf(window))
    collect(program, bucket);
  auto key = [](const Message &m) { return std::tie(m.step, m.communicator, m.from, m.to); };
  llvm::stable_sort(messages, [&](const Message &l, const Message &r) { return key(l) < key(r); });
  for (size_t i = 1; i < messages.size(); ++i)
    if (key(messages[i - 1]) == key(messages[i])) {
      (void)diagnostics.error(
          messages[i].bucket->loc,
          "window " + Twine(window.index) + " holds two messages from rank " +
              Twine(messages[i].from) + " to rank " + Twine(messages[i].to) +
              ", expected at most one: " + describe(module, program, *messages[i].bucket));
      diagnostics.note(messages[i - 1].bucket->loc,
                       "the other message is " +
                           describe(module, program, *messages[i - 1].bucket));
      return failure();
    }
  return success();
}

/// Notes the bucket of the window of which `cost` is largest. Fails.
LogicalResult PlanWindows::noteLargest(const Program &program, const Window &window,
                                       llvm::function_ref<int64_t(const Bucket &)> cost) {
  ArrayRef<Bucket> buckets = program.bucketsOf(window);
  const Bucket *largest =
      std::max_element(buckets.begin(), buckets.end(),
                       [&](const Bucket &l, const Bucket &r) { return cost(l) < cost(r); });
  diagnostics.note(largest->loc, Twine(cost(*largest)) + " of them are for " +
                                     describe(module, program, *largest));
  return failure();
}

/// Verifies:
/// - the window has no more messages than allowed;
/// - with the one before it, it needs no more staging than allowed.
LogicalResult PlanWindows::checkBounds(const Program &program, const Window &window,
                                       int64_t stagedBefore, int64_t staged) {
  auto place = [&] { // only on the way to an error
    return "window " + std::to_string(window.index) + " of rank " + std::to_string(program.rank) +
           " needs ";
  };
  if (limits.maxOperations && numOperations > limits.maxOperations) {
    (void)diagnostics.error(window.loc,
                            place() + Twine(numOperations) + " messages, expected at most " +
                                Twine(limits.maxOperations) + ": use fewer peers or broadcast");
    return noteLargest(program, window, [&](const Bucket &bucket) {
      auto isOfBucket = [&](const Message &message) { return message.bucket == &bucket; };
      return bucket.transport == Transport::Broadcast ? 1 : llvm::count_if(messages, isOfBucket);
    });
  }
  int64_t together = addSaturating(stagedBefore, staged);
  if (limits.stagingBytes && together > limits.stagingBytes) {
    (void)diagnostics.error(window.loc, place() + Twine(together) +
                                            " bytes of staging with the window before it, "
                                            "expected at most " +
                                            Twine(limits.stagingBytes) +
                                            ": use smaller buckets or fewer peers");
    return noteLargest(program, window,
                       [&](const Bucket &bucket) { return stagedBytes(module, program, bucket); });
  }
  return success();
}

} // namespace xfer
