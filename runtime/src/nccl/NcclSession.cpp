//===- NcclSession.cpp - One rank's session on a device -------------------===//
//
// A session is opened in the same steps on every rank, so that they meet in each
// collective call: compare cards, make a communicator, split off broadcast sets,
// connect. A rank that cannot go on says so when they meet; the others then need
// not wait for their deadline.
//
// Whoever waits looks after the communicators too: NCCL notices broken networks,
// but a peer that is silent shows only as a window that does not finish. Every
// window has the session's timeout.
//===----------------------------------------------------------------------===//
#include "NcclSession.h"
#include "../Bind.h"
#include "../Card.h"
#include "Poll.h"
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace xfer::runtime {
namespace {

/// Sets that a rank asks communicators for.
constexpr size_t kMaxStatedSets = 64;

/// What a rank tells all others. Plain bytes.
struct Greeting {
  Card card;                ///< where there is no store that shows it
  NcclUniqueId id = {};     ///< of the first rank
  int32_t status = XFER_OK; ///< why the rank cannot go on
  char text[124] = {};

  void setStatus(const Status &prepared) {
    status = prepared.code();
    std::strncpy(text, prepared.text().c_str(), sizeof(text) - 1);
  }
};

/// Verifies that every rank can go on; `mine` is what this rank has found itself.
Status checkGreetings(std::span<const Greeting> all, const std::vector<int64_t> &ranks,
                      const Status &mine) {
  if (!mine.isOk())
    return mine;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].status != XFER_OK)
      return failure(XFER_PEER_FAILED, "rank ", ranks[i], " failed: ",
                     std::string(all[i].text, strnlen(all[i].text, sizeof(all[i].text))));
  return {};
}

uint64_t hashOf(const Schedule::BroadcastSet &set) {
  return std::max<uint64_t>(XXH3_64bits(set.data(), set.size() * sizeof(set[0])), 1);
}

} // namespace

NcclSession::NcclSession(const NcclParent &parent, const xfer_plan &plan, const Program &program,
                         int64_t timeout, const xfer_session_options_t &options)
    : parent(parent), plan(plan), program(program), timeout(timeout), budget(options.staging_bytes),
      epoch(options.epoch), wantsChecksums(options.checksums != 0),
      position(
          static_cast<int>(std::lower_bound(plan.ranks.begin(), plan.ranks.end(), program.rank) -
                           plan.ranks.begin())),
      numRanks(static_cast<int>(plan.ranks.size())), comms(parent.nccl),
      schedule(plan, program, options.staging_bytes), progress(program),
      isBound(program.bindings.empty()) {}

Status NcclSession::create(const NcclParent &parent, const xfer_plan &plan, const Program &program,
                           int64_t timeout, const xfer_session_options_t &options,
                           std::unique_ptr<xfer_session> &session) {
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  std::unique_ptr<NcclSession> made(new NcclSession(parent, plan, program, timeout, options));
  if (Status status = made->open(Deadline::in(timeout)); !status.isOk()) {
    made->end(status);
    return status;
  }
  session = std::move(made);
  return {};
}

Status NcclSession::open(const Deadline &deadline) {
  replayer = std::make_unique<DeviceReplay>(parent.nccl, parent.cuda, comms, schedule);
  const Status prepared = prepare();
  if (Status status =
          parent.store ? meetInStore(prepared, deadline) : meetOnComm(prepared, deadline);
      !status.isOk())
    return status;
  if (Status status = splitSets(deadline); !status.isOk())
    return status;
  return replayer->connect(deadline);
}

/// Verifies that checksums are not asked for and that staging on the device is within the budget;
/// allocates.
Status NcclSession::prepare() {
  if (wantsChecksums)
    return failure(XFER_UNSUPPORTED, "checksums are not made on devices");
  if (budget > 0 && schedule.stagingBytes > budget)
    return failure(XFER_OUT_OF_BUDGET, "rank ", program.rank, " stages ", schedule.stagingBytes,
                   " bytes on the device, but only ", budget, " are allowed");
  return replayer->allocate(program.bindings.size());
}

Agreement NcclSession::agreement() const {
  return {program.rank, plan.digest, plan.version, epoch, wantsChecksums, plan.ranks, {}, {}};
}

/// Meets without NCCL, so that ranks that are missing or disagree leave nothing behind; then makes
/// a communicator with the first rank's id.
Status NcclSession::meetInStore(const Status &prepared, const Deadline &deadline) {
  Greeting mine;
  mine.setStatus(prepared);
  if (position == 0 && prepared.isOk())
    if (const NcclResult result = parent.nccl.GetUniqueId(&mine.id); result != kNcclSuccess)
      mine.setStatus(failure(XFER_UNSUPPORTED, "cannot make a unique id: ",
                             parent.nccl.GetErrorString(result), " (NCCL error ", result, ")"));
  Rendezvous rendezvous(*parent.store, parent.prefix);
  Rendezvous::Bytes attachment(sizeof(mine));
  std::memcpy(attachment.data(), &mine, sizeof(mine));
  std::vector<Rendezvous::Bytes> attachments;
  uint64_t meeting = 0;
  if (Status status = rendezvous.meet(agreement(), attachment, deadline, attachments, meeting);
      !status.isOk())
    return status;
  std::vector<Greeting> all(attachments.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (attachments[i].size() == sizeof(Greeting))
      std::memcpy(static_cast<void *>(&all[i]), attachments[i].data(), sizeof(Greeting));
    else
      return failure(XFER_MISMATCH, "rank ", plan.ranks[i], " is of another version of xfer");
  if (Status status = checkGreetings(all, plan.ranks, prepared); !status.isOk())
    return status;
  board = std::make_unique<NoticeBoard>(*parent.store, parent.prefix, meeting, program.rank);
  return comms.make(all.front().id, numRanks, position, deadline);
}

/// Splits the caller's communicator, and compares cards on the new one. The first difference is the
/// same on all ranks.
Status NcclSession::meetOnComm(const Status &prepared, const Deadline &deadline) {
  if (Status status = comms.split(parent.comm, 0, parent.commRank, deadline); !status.isOk())
    return status;
  Greeting mine;
  mine.card = Card(agreement());
  mine.setStatus(prepared);
  std::vector<Greeting> all;
  Exchange exchange(parent.nccl, parent.cuda, comms, static_cast<size_t>(parent.commSize));
  if (Status status = exchange.gather(std::span<const Greeting>(&mine, 1), all, deadline);
      !status.isOk())
    return status;
  for (const Greeting &other : all)
    if (Status status = compareCards(all.front().card, other.card); !status.isOk())
      return status;
  if (all.size() != plan.ranks.size())
    return failure(XFER_MISMATCH, "the communicator has ", all.size(), " ranks, but the plan ",
                   plan.ranks.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].card.rank != plan.ranks[i])
      return failure(XFER_MISMATCH, "position ", i, " of the communicator is rank ",
                     all[i].card.rank, ", expected rank ", plan.ranks[i]);
  return checkGreetings(all, plan.ranks, prepared);
}

/// Makes communicators for broadcast sets, as many as allowed.
Status NcclSession::splitSets(const Deadline &deadline) {
  Exchange exchange(parent.nccl, parent.cuda, comms, static_cast<size_t>(numRanks));
  std::vector<SetRecord> mine;
  std::map<uint64_t, const Schedule::BroadcastSet *> byHash;
  for (const auto &[set, bytes] : schedule.broadcastSets()) {
    mine.push_back({hashOf(set), bytes, static_cast<int64_t>(set.size())});
    byHash[mine.back().hash] = &set;
  }
  std::stable_sort(mine.begin(), mine.end(),
                   [](const SetRecord &a, const SetRecord &b) { return a.bytes > b.bytes; });
  const auto numSets = static_cast<int64_t>(std::min(mine.size(), kMaxStatedSets));
  std::vector<int64_t> counts;
  if (Status status = exchange.gather(std::span<const int64_t>(&numSets, 1), counts, deadline);
      !status.isOk())
    return status;
  const auto perRank = static_cast<size_t>(*std::max_element(counts.begin(), counts.end()));
  std::map<Schedule::BroadcastSet, int32_t> communicators;
  if (perRank > 0 && parent.maxCommunicators > 0) {
    mine.resize(perRank);
    std::vector<SetRecord> all;
    if (Status status = exchange.gather(std::span<const SetRecord>(mine), all, deadline);
        !status.isOk())
      return status;
    for (const SplitRound &round : chooseSplits(all, perRank, parent.maxCommunicators)) {
      int color = kNcclSplitNoColor;
      for (size_t i = 0; i < round.hashes.size(); ++i)
        if (byHash.contains(round.hashes[i])) {
          color = static_cast<int>(i);
          communicators[*byHash[round.hashes[i]]] = static_cast<int32_t>(comms.size());
        }
      if (Status status = comms.split(comms[0], color, position, deadline); !status.isOk())
        return status;
    }
  }
  schedule.plan(communicators);
  return {};
}

NcclSession::~NcclSession() {
  const CurrentDevice device(parent.cuda, parent.device);
  if (lastFailure.isOk())
    (void)wait(-1);
  std::lock_guard lock(mutex);
  if (lastFailure.isOk() && board)
    board->tellLeave(replayer->numFinished());
  if (lastFailure.isOk() && !comms.close(Deadline::in(timeout)).isOk())
    comms.abort();
  replayer.reset();
}

Status NcclSession::bind(std::span<const xfer_binding_t> bindings) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  if (Status status = look(); !status.isOk())
    return status;
  if (!isIdle())
    return failure(XFER_INVALID_ARGUMENT, "cannot bind while a replay is in flight");
  std::vector<std::byte *> found(program.bindings.size());
  if (Status status = bindTensors(program, bindings, found); !status.isOk())
    return status;
  if (Status status = checkMemory(found); !status.isOk())
    return status;
  if (Status status = replayer->bind(found, Deadline::in(timeout)); !status.isOk())
    return status;
  data.swap(found);
  isBound = true;
  return {};
}

/// Verifies that every tensor lies in memory of this session's device.
Status NcclSession::checkMemory(std::span<std::byte *const> found) const {
  for (size_t i = 0; i < found.size(); ++i) {
    const BindingSpec &spec = *program.bindings[i];
    if (spec.numBytes == 0)
      continue;
    CudaPointerAttributes attributes = {};
    if (Status status = parent.cuda.check(parent.cuda.PointerGetAttributes(&attributes, found[i]),
                                          "ask for a tensor's memory");
        !status.isOk())
      return status;
    const char *side = spec.side == XFER_SOURCE ? "source '" : "target '";
    if (attributes.type != kCudaMemoryTypeDevice && attributes.type != kCudaMemoryTypeManaged)
      return failure(XFER_INVALID_BINDING, side, *spec.name, "' is not in device memory");
    if (attributes.type == kCudaMemoryTypeDevice && attributes.device != parent.device)
      return failure(XFER_INVALID_BINDING, side, *spec.name, "' is on device ", attributes.device,
                     ", expected ", parent.device);
  }
  return {};
}

Status NcclSession::replay(void *stream) {
  std::lock_guard lock(mutex);
  if (!lastFailure.isOk())
    return lastFailure;
  if (!isBound)
    return failure(XFER_INVALID_ARGUMENT, "bind tensors before replaying");
  const CurrentDevice device(parent.cuda, parent.device);
  if (!device.status().isOk())
    return device.status();
  if (isIdle())
    firstEnqueued = std::chrono::steady_clock::now();
  bool isCaptured = false;
  if (Status status =
          replayer->enqueue(static_cast<CudaStream>(stream), Deadline::in(timeout), isCaptured);
      !status.isOk()) {
    end(status);
    return lastFailure;
  }
  return {};
}

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
  const int64_t before = replayer->numFinished();
  if (status.isOk())
    status = replayer->update();
  if (status.isOk() && !isIdle())
    status = comms.asynchronousError();
  if (status.isOk() && board && !isIdle())
    status = hearPeers();
  if (!status.isOk()) {
    end(status);
    return lastFailure;
  }
  count(replayer->numFinished() - before);
  return {};
}

void NcclSession::count(int64_t numReplays) {
  if (numReplays == 0)
    return;
  sums.replays += numReplays;
  sums.sent_bytes += numReplays * program.info.sent_bytes;
  sums.received_bytes += numReplays * program.info.received_bytes;
  sums.local_bytes += numReplays * program.info.local_bytes;
  sums.sent_messages += numReplays * (program.info.p2p_messages + program.info.broadcasts);
  sums.received_messages += numReplays * program.info.received_messages;
  const auto now = std::chrono::steady_clock::now();
  sums.replay_ns +=
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - firstEnqueued).count();
  firstEnqueued = now;
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
  if (!isIdle()) {
    noteProgress();
    replayer->stopKernels(Deadline::in(kDrainMilliseconds));
    incompleteNames = progress.incomplete();
    text = concat("rank ", program.rank, ": ", text, "; ", progress.describe());
  }
  if (board)
    board->tellFailure(cause);
  comms.abort();
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
  const bool isLast = replayer->numInFlight() == 1; // else an earlier replay may have been anywhere
  bool canRun = true;                               // whatever a window waits for has happened
  for (size_t i = 0; i < schedule.windows.size(); ++i) {
    DeviceReplay::WindowState state;
    if (!replayer->stateOf(i, state).isOk())
      state = {};
    for (const BucketStep &bucket : program.bucketsOf(program.windows[i])) {
      if (!bucket.isTarget)
        continue;
      const auto index = static_cast<size_t>(&bucket - program.buckets.data());
      if (state.isDone && isLast)
        progress.finish(index);
      else if (!isLast || (canRun && (state.isWired || schedule.arrivesInPlace(bucket))))
        progress.begin(index);
    }
    canRun = canRun && state.isWired;
  }
}

void NcclSession::abort() {
  comms.isAbortRequested.store(true);
  std::unique_lock lock(mutex);
  const CurrentDevice device(parent.cuda, parent.device);
  if (replayer)
    (void)look();
}

Status NcclSession::counters(xfer_counters_t &counters) const {
  counters = sums;
  return {};
}

Status NcclSession::writeTimeline(const char *) const {
  return failure(XFER_UNSUPPORTED, "a device session has no timeline of its own: use a profiler");
}

} // namespace xfer::runtime
