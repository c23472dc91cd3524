//===- ProgramLoad.cpp - Reads and checks the programs of a plan ----------===//
//
// A program is accepted only if replaying it can neither touch memory outside
// its tensors and buffers nor disagree with itself about who sends what. That
// both ends of a message agree is checked when ranks meet or when it arrives.
//===----------------------------------------------------------------------===//
#include "PlanReader.h"

namespace xfer::runtime {

Status PlanReader::readPrograms() {
  const size_t numPrograms = sizeOf(root->programs());
  if (numPrograms != plan.ranks.size() && numPrograms != 1)
    return invalidPlan("plan has ", numPrograms, " programs, expected one for each of ",
                       plan.ranks.size(), " ranks, or one alone");
  for (size_t i = 0; i < numPrograms; ++i) {
    const fb::Program &from = *root->programs()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (numPrograms == plan.ranks.size()
            ? from.rank() != plan.ranks[i]
            : !std::binary_search(plan.ranks.begin(), plan.ranks.end(), from.rank()))
      return invalidPlan("program ", i, " is of rank ", from.rank(),
                         ", which is not the rank of the job expected there");
    Program program;
    program.rank = from.rank();
    if (Status status = readProgram(from, program); !status.isOk())
      return invalidPlan("program of rank ", program.rank, ": ", status.text());
    plan.programs.push_back(std::move(program));
  }
  return {};
}

/// Verifies:
/// - bindings have names of their own, known types, and sizes below 2^63 bytes;
/// - buckets take up the chunks one after the other, windows the buckets; none is empty;
/// - windows ascend, and staging fits the stated number of bytes.
Status PlanReader::readProgram(const fb::Program &from, Program &program) {
  if (Status status = readBindings(from.sources(), XFER_SOURCE, program); !status.isOk())
    return status;
  program.numSources = program.bindings.size();
  if (Status status = readBindings(from.targets(), XFER_TARGET, program); !status.isOk())
    return status;
  if (!vectors.mayRead(from.chunks()) || !vectors.mayRead(from.buckets()) ||
      !vectors.mayRead(from.windows()) || !vectors.mayRead(from.zeros()) ||
      !vectors.mayRead(from.logical()))
    return invalidPlan("steps are misaligned or shared");
  if (sizeOf(from.logical()) != 0 && sizeOf(from.logical()) != sizeOf(from.chunks()))
    return invalidPlan("has ", sizeOf(from.chunks()), " chunks, but says of ",
                       sizeOf(from.logical()), " what they are");

  program.chunks.reserve(sizeOf(from.chunks()));
  program.buckets.reserve(sizeOf(from.buckets()));
  for (size_t i = 0; i < sizeOf(from.buckets()); ++i) {
    BucketStep bucket;
    const fb::Bucket &fromBucket = *from.buckets()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (Status status = readBucket(fromBucket, from, bucket, program); !status.isOk())
      return invalidPlan(placeOf(from, i), ": ", status.text());
    program.buckets.push_back(bucket);
  }
  if (program.chunks.size() != sizeOf(from.chunks()))
    return invalidPlan("buckets hold ", program.chunks.size(), " chunks, but the program has ",
                       sizeOf(from.chunks()));

  size_t nextBucket = 0;
  for (size_t i = 0; i < sizeOf(from.windows()); ++i) {
    const fb::Window &window = *from.windows()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (window.index() < 0 || (i > 0 && window.index() <= program.windows.back().index))
      return invalidPlan("window index ", window.index(), " is negative or not ascending");
    if (window.first_bucket() != nextBucket || window.num_buckets() < 1 ||
        window.num_buckets() > program.buckets.size() - nextBucket)
      return invalidPlan("window ", window.index(), " has buckets ", window.first_bucket(), " + ",
                         window.num_buckets(), ", expected to begin at ", nextBucket, " of ",
                         program.buckets.size());
    WindowStep step{window.index(), static_cast<int32_t>(window.first_bucket()),
                    static_cast<int32_t>(window.num_buckets())};
    if (Status status = sumStaging(step, program); !status.isOk())
      return invalidPlan("window ", window.index(), " ", status.text());
    nextBucket += window.num_buckets();
    program.windows.push_back(step);
  }
  if (nextBucket != program.buckets.size())
    return invalidPlan("windows hold ", nextBucket, " buckets, but the program has ",
                       program.buckets.size());
  if (program.exchangeBytes > from.staging_bytes())
    return invalidPlan("window ", widestWindow, " and the one before it stage ",
                       program.exchangeBytes, " bytes, but the program states ",
                       from.staging_bytes());
  if (Status status = readZeros(from, program); !status.isOk())
    return status;
  return sumUp(program);
}

/// "bucket 0 of 3 -> [6, 7] in window 1", as far as that is known of a bucket that is wrong.
std::string PlanReader::placeOf(const fb::Program &program, size_t number) const {
  const fb::Bucket &from = *program.buckets()->Get(static_cast<flatbuffers::uoffset_t>(number));
  std::string text = concat("bucket ", from.ordinal());
  if (from.contributors() < plan.rankLists.size() && from.destinations() < plan.rankLists.size()) {
    BucketStep bucket;
    bucket.sender = from.sender();
    bucket.contributors = static_cast<int32_t>(from.contributors());
    bucket.destinations = static_cast<int32_t>(from.destinations());
    bucket.isReduce = plan.contributorsOf(bucket).ranks.size() > 1;
    text += " of " + describeEnds(plan, bucket);
  }
  for (size_t i = 0; i < sizeOf(program.windows()); ++i) {
    const fb::Window &window = *program.windows()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (window.first_bucket() <= number && number - window.first_bucket() < window.num_buckets())
      return concat(text, " in window ", window.index());
  }
  return text;
}

/// Adds up what a window stages, and with the window before it the program.
Status PlanReader::sumStaging(WindowStep &window, Program &program) {
  const int64_t rank = program.rank;
  int64_t all = 0; // what is staged and received
  for (const BucketStep &bucket : program.bucketsOf(window)) {
    const auto numOthers = static_cast<int64_t>(plan.contributorsOf(bucket).ranks.size()) - 1;
    int64_t gathered;
    if (!multiplyChecked(numOthers, bucket.contributionBytes, gathered) ||
        !addChecked(all, bucket.stagedBytes(rank), all) ||
        !addChecked(all, bucket.receivedBytes(rank, numOthers), all))
      return invalidPlan("stages more than 2^63 bytes");
    window.stagedBytes += bucket.stagedBytes(rank);
    window.receivedBytes += bucket.receivedBytes(rank, numOthers);
  }
  int64_t staged = window.stagedBytes;
  if (!program.windows.empty()) {
    const WindowStep &before = program.windows.back();
    if (!addChecked(all, before.stagedBytes + before.receivedBytes, all))
      return invalidPlan("stages more than 2^63 bytes with the one before it");
    staged += before.stagedBytes;
  }
  program.stagingBytes = std::max(program.stagingBytes, staged);
  if (all > program.exchangeBytes) {
    program.exchangeBytes = all;
    widestWindow = window.index;
  }
  return {};
}

/// Counts what one replay of the program costs its rank. The sums must fit in 63 bits.
Status PlanReader::sumUp(Program &program) const {
  xfer_program_info_t &info = program.info;
  info.num_bindings = program.bindings.size();
  info.staging_bytes = program.stagingBytes;
  info.remote_staging_bytes = program.exchangeBytes;
  info.num_windows = static_cast<int64_t>(program.windows.size());
  info.num_buckets = static_cast<int64_t>(program.buckets.size());
  info.num_chunks = static_cast<int64_t>(program.chunks.size());
  bool fits = true;
  auto addBytes = [&](int64_t &total, int64_t times, int64_t bytes) {
    fits = fits && multiplyChecked(times, bytes, bytes) && addChecked(total, bytes, total);
  };
  for (const BucketStep &bucket : program.buckets) {
    const auto numContributors = static_cast<int64_t>(plan.contributorsOf(bucket).ranks.size());
    const auto numDestinations = static_cast<int64_t>(plan.destinationsOf(bucket).ranks.size());
    info.received_messages += bucket.sender != program.rank ? bucket.isTarget : numContributors - 1;
    if (bucket.sender != program.rank) {
      info.p2p_messages += bucket.isSource;
      addBytes(info.sent_bytes, bucket.isSource, bucket.contributionBytes);
      addBytes(info.received_bytes, bucket.isTarget, bucket.bytes);
      continue;
    }
    info.reductions += bucket.isReduce;
    addBytes(info.received_bytes, numContributors - 1, bucket.contributionBytes);
    const int64_t numRemote = numDestinations - bucket.isTarget;
    switch (bucket.transport) {
    case Transport::P2P:
      info.p2p_messages += numRemote;
      addBytes(info.sent_bytes, numRemote, bucket.bytes);
      break;
    case Transport::Broadcast:
      info.broadcasts += 1;
      addBytes(info.sent_bytes, 1, bucket.bytes);
      break;
    default:
      info.local_copies += 1;
      addBytes(info.local_bytes, 1, bucket.bytes);
    }
  }
  return fits ? Status() : invalidPlan("replaying moves more than 2^63 bytes");
}

} // namespace xfer::runtime
