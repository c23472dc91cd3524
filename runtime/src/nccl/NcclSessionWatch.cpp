//===- NcclSessionWatch.cpp - Waiting for replays, and their failures -----===//
//
// Whoever waits looks after the communicators too: NCCL notices broken networks,
// but a peer that is silent shows only as a window that does not finish. Every
// window has the session's timeout.
//===----------------------------------------------------------------------===//
#include "../cuda/MessageHash.h"
#include "NcclSession.h"
#include "Poll.h"

namespace xfer::runtime {

Status NcclSession::wait(int64_t timeoutMilliseconds) {
  const Deadline users = Deadline::in(std::max<int64_t>(timeoutMilliseconds, 0));
  Position position;
  Deadline next = Deadline::in(timeout);
  for (Poll poll;; poll.pause()) {
    std::lock_guard lock(mutex);
    const CurrentDevice device(parent.cuda, parent.device);
    if (Status status = look(); !status.isOk() || isIdle())
      return status;
    if (const Position reached = advance(position); reached != position) {
      position = reached;
      next = Deadline::in(timeout);
    }
    if (timeoutMilliseconds >= 0 && isPast(users))
      end(failure(XFER_TIMEOUT, "replay did not finish within ", timeoutMilliseconds,
                  " ms: ", describeStuck(position, {})));
    else if (isPast(next))
      end(whoIsStuck(position));
  }
}

/// Notes what has finished. On a failure the session has ended.
Status NcclSession::look() {
  if (!lastFailure.isOk())
    return lastFailure;
  Status status;
  if (comms.isAbortRequested.load())
    status = failure(XFER_ABORTED, "rank ", program.rank, " aborted the session");
  const int64_t before = replayer->numFinished(), timeBefore = replayer->finishedNanoseconds();
  if (status.isOk())
    status = replayer->update();
  if (status.isOk())
    status = findDamage();
  if (status.isOk() && !isIdle())
    status = comms.asynchronousError();
  if (status.isOk() && board && !isIdle())
    status = hearPeers();
  if (!status.isOk()) {
    end(status);
    return lastFailure;
  }
  timeline.count(replayer->numFinished() - before, replayer->finishedNanoseconds() - timeBefore);
  return {};
}

/// What the kernels have found of damage. A sender that has failed says so in its checksums.
Status NcclSession::findDamage() const {
  const DamageReport *report = replayer->damage();
  if (!report)
    return {};
  const Schedule::HashedMessage &message = schedule.hashed[static_cast<size_t>(report->message)];
  const BucketStep &bucket = program.buckets[message.bucket];
  const Envelope envelope = schedule.envelopeOf(message);
  if (report->expected == kFailedSender)
    return failure(XFER_PEER_FAILED, "rank ", message.from, " had failed when it sent the ",
                   describe(envelope));
  return damaged(plan, program, envelope, program.chunksOf(bucket), report->checksum,
                 report->expected);
}

NcclSession::Position NcclSession::advance(Position position) const {
  if (const int64_t numReplays = replayer->numFinished(); numReplays != position.numReplays)
    position = {numReplays, 0};
  DeviceReplay::WindowState state;
  while (position.numWindows < schedule.windows.size() &&
         replayer->stateOf(position.numWindows, state).isOk() && state.isDone)
    ++position.numWindows;
  return position;
}

/// What other ranks say of themselves. A rank that has left before the replay that is in flight
/// will not take part in it.
Status NcclSession::hearPeers() {
  const bool isDue = board->isDue();
  if (Status status = board->hearFailure(); !status.isOk() || !isDue)
    return status;
  const Position position = advance({});
  if (position.numWindows == schedule.windows.size())
    return {};
  for (const Schedule::WindowPeer &peer : schedule.peersOf(position.numWindows))
    if (const auto numReplays = board->hearLeave(peer.rank);
        numReplays && *numReplays <= position.numReplays)
      return failure(XFER_PEER_FAILED, "rank ", peer.rank, " left before window ",
                     schedule.windows[position.numWindows].index, ", bucket ", peer.bucket);
  return {};
}

/// The deadline of the first window that has not finished has passed.
Status NcclSession::whoIsStuck(const Position &position) {
  std::vector<int64_t> silent;
  if (board && position.numWindows < schedule.windows.size()) {
    board->tellStuck();
    for (const Schedule::WindowPeer &peer : schedule.peersOf(position.numWindows))
      silent.push_back(peer.rank);
    silent = board->hearSilent(std::move(silent));
  }
  return failure(XFER_TIMEOUT, describeStuck(position, silent), " within ", timeout, " ms");
}

/// "rank 1 did not take part in window 5, bucket 0". `silent` are those that it must be, if known.
std::string NcclSession::describeStuck(const Position &position,
                                       const std::vector<int64_t> &silent) const {
  if (position.numWindows == schedule.windows.size())
    return "device work did not finish";
  const int64_t index = schedule.windows[position.numWindows].index;
  std::vector<Schedule::WindowPeer> peers = schedule.peersOf(position.numWindows);
  if (!silent.empty())
    std::erase_if(peers, [&](const Schedule::WindowPeer &peer) {
      return std::find(silent.begin(), silent.end(), peer.rank) == silent.end();
    });
  if (peers.empty())
    return concat("window ", index, " did not finish");
  if (peers.size() == 1)
    return concat("rank ", peers[0].rank, " did not take part in window ", index, ", bucket ",
                  peers[0].bucket);
  std::string text = silent.empty() ? "one of " : "";
  constexpr size_t kMaxListed = 8;
  for (size_t i = 0; i < std::min(peers.size(), kMaxListed); ++i)
    text += concat(i > 0 ? ", " : "", "rank ", peers[i].rank, " (bucket ", peers[i].bucket, ")");
  return concat(text, peers.size() > kMaxListed ? ", ..." : "", " did not take part in window ",
                index);
}

/// Ends the session for good: no kernel writes any more, NCCL's work ends, and what the failed
/// replay may have torn is noted.
void NcclSession::end(const Status &cause) {
  if (!lastFailure.isOk())
    return;
  std::string text = cause.text();
  const bool hasReplayed = !isIdle() || (replayer && replayer->damage());
  if (hasReplayed) {
    noteProgress();
    // What this rank still sends before the abort is right, as others may take it for that.
    replayer->halt(kWriteNoTarget, Deadline::in(kDrainMilliseconds));
    incompleteNames = progress.incomplete();
    text = concat("rank ", program.rank, ": ", text, "; ", progress.describe());
  }
  if (board)
    board->tellFailure(cause);
  comms.abort();
  if (hasReplayed)
    replayer->halt(kTouchNothing, Deadline::in(kDrainMilliseconds));
  if (replayer && !replayer->drain(Deadline::in(kDrainMilliseconds)))
    text += "; the device is still busy";
  if (replayer)
    (void)replayer->update();
  lastFailure = Status(cause.code(), std::move(text));
}

/// Marks which buckets have surely reached their targets and which may have begun to.
void NcclSession::noteProgress() {
  progress.reset();
  if (!program.zeros.empty())
    progress.finishZeros();
  if (const DamageReport *damage = replayer->damage()) { // nothing was written since
    const size_t end = schedule.hashed[static_cast<size_t>(damage->message)].window;
    for (size_t i = 0; i < end; ++i)
      for (const BucketStep &bucket : program.bucketsOf(program.windows[i]))
        if (bucket.isTarget)
          progress.finish(program.indexOf(bucket));
    return;
  }
  const bool isLast = replayer->numInFlight() == 1; // else an earlier replay may have been anywhere
  bool canRun = true;                               // whatever a window waits for has happened
  for (size_t i = 0; i < schedule.windows.size(); ++i) {
    DeviceReplay::WindowState state;
    if (!replayer->stateOf(i, state).isOk())
      state = {};
    for (const BucketStep &bucket : program.bucketsOf(program.windows[i])) {
      if (!bucket.isTarget)
        continue;
      const auto index = program.indexOf(bucket);
      if (state.isDone && isLast)
        progress.finish(index);
      else if (!isLast || (canRun && (state.isWired || schedule.arrivesInPlace(bucket))))
        progress.begin(index);
    }
    canRun = canRun && state.isWired;
  }
}

} // namespace xfer::runtime
