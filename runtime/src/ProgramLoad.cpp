//===- ProgramLoad.cpp - Reads and checks the programs of a plan ----------===//
//
// A program is accepted only if replaying it can neither touch memory outside
// its tensors and buffers nor disagree with itself about who sends what. That
// both ends of a message agree is checked when it arrives.
//===----------------------------------------------------------------------===//
#include "PlanReader.h"
#include <limits>

namespace xfer::runtime {
namespace {

/// So that a wire buffer and a contribution can be added.
constexpr int64_t kMaxBucketBytes = int64_t{1} << 62;
constexpr uint32_t kNoNumber = std::numeric_limits<uint32_t>::max();

template <typename T> size_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

/// The place among a program's bindings of its target number `target`.
Status findTarget(uint32_t target, const Program &program, int32_t &binding) {
  if (target >= program.bindings.size() - program.numSources)
    return invalidPlan("target ", target, " is unknown, the rank has ",
                       program.bindings.size() - program.numSources);
  binding = static_cast<int32_t>(program.numSources + target);
  return {};
}

} // namespace

std::string describeEnds(const xfer_plan &plan, const BucketStep &bucket) {
  const std::string sources =
      bucket.isReduce
          ? concat("{", listRanks(plan.contributorsOf(bucket).ranks), "} via ", bucket.sender)
          : std::to_string(bucket.sender);
  return concat(sources, " -> [", listRanks(plan.destinationsOf(bucket).ranks), "]");
}

std::string describeChunks(const xfer_plan &plan, const Program &program,
                           std::span<const ChunkStep> chunks) {
  constexpr size_t kMaxChunks = 8;
  std::string text;
  for (const ChunkStep &chunk : chunks.first(std::min(chunks.size(), kMaxChunks))) {
    const bool isTarget = chunk.targetBinding != kAbsent;
    const LoopNest &nest =
        plan.nests[static_cast<size_t>(isTarget ? chunk.targetNest : chunk.sourceNest)];
    std::string sizes, strides;
    for (const Loop &loop : nest.loops) {
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(loop.size);
      strides += (strides.empty() ? "" : ", ") + std::to_string(loop.stride);
    }
    const int32_t binding = isTarget ? chunk.targetBinding : chunk.sourceBinding;
    text += concat(text.empty() ? "" : ", ", "tensor '",
                   plan.tensors[static_cast<size_t>(chunk.tensor)].name, "' at offset ",
                   nest.offset, " sizes [", sizes, "] strides [", strides, "] of ",
                   isTarget ? "target '" : "source '", *program.binding(binding).name, "'");
  }
  if (chunks.size() > kMaxChunks)
    text += concat(" and ", chunks.size() - kMaxChunks, " chunks more");
  return text;
}

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
  if (!mayRead(from.chunks()) || !mayRead(from.buckets()) || !mayRead(from.windows()) ||
      !mayRead(from.zeros()) || !mayRead(from.logical()))
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
      return invalidPlan("bucket ", i, ": ", status.text());
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
    return invalidPlan("replaying stages ", program.exchangeBytes,
                       " bytes, but the program states ", from.staging_bytes());
  if (Status status = readZeros(from, program); !status.isOk())
    return status;
  return sumUp(program);
}

/// Adds up what a window stages, and with the window before it the program.
Status PlanReader::sumStaging(WindowStep &window, Program &program) const {
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
  program.exchangeBytes = std::max(program.exchangeBytes, all);
  return {};
}

Status PlanReader::readBindings(const flatbuffers::Vector<flatbuffers::Offset<fb::Binding>> *from,
                                xfer_side_t side, Program &program) {
  const char *sideName = side == XFER_SOURCE ? "source " : "target ";
  if (!mayRead(from))
    return invalidPlan(sideName, "bindings are misaligned or shared");
  std::vector<const std::string *> names;
  for (size_t i = 0; i < sizeOf(from); ++i) {
    const fb::Binding *binding = from->Get(static_cast<flatbuffers::uoffset_t>(i));
    const BindingSpec *&spec = known[side][binding];
    if (!spec) {
      BindingSpec read;
      read.side = side;
      if (Status status = readName(binding->name(), read.name); !status.isOk())
        return invalidPlan(sideName, i, " ", status.text());
      if (Status status = readBinding(*binding, read); !status.isOk())
        return invalidPlan(sideName, "'", *read.name, "' ", status.text());
      spec = &plan.bindings.emplace_back(std::move(read));
    }
    program.bindings.push_back(spec);
    names.push_back(spec->name);
  }
  std::sort(names.begin(), names.end()); // equal names have one address
  if (auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end())
    return invalidPlan("two ", sideName, "bindings are named '", **twin, "'");
  return {};
}

Status PlanReader::readName(const flatbuffers::String *from, const std::string *&name) {
  const std::string *&known = knownTexts[from];
  if (!known) {
    if (!mayRead<char>(from))
      return invalidPlan("has a name that overlaps others");
    const std::string_view text = from->string_view();
    if (text.empty() || text.find('\0') != std::string_view::npos)
      return invalidPlan("has an empty name or a NUL in it");
    const auto place = knownNames.find(text);
    known = place != knownNames.end() ? place->second : &plan.bindingNames.emplace_back(text);
    knownNames.emplace(*known, known);
  }
  name = known;
  return {};
}

/// Verifies:
/// - the stored type is known;
/// - only a source is reduced, by an operation its type has;
/// - sizes are not negative, and bytes fit in 63 bits.
Status PlanReader::readBinding(const fb::Binding &from, BindingSpec &spec) {
  if (static_cast<int>(from.dtype()) >= kNumDTypes)
    return invalidPlan("has unknown element type ", static_cast<int>(from.dtype()));
  spec.dtype = static_cast<xfer_dtype_t>(from.dtype());
  spec.reduce = static_cast<ReduceOp>(from.reduce());
  const bool isSource = spec.side == XFER_SOURCE;
  if (spec.reduce != ReduceOp::None && (!isSource || !canReduce(spec.reduce, spec.dtype)))
    return invalidPlan("cannot be reduced by operation ", static_cast<int>(spec.reduce));
  if (!mayRead(from.shape()))
    return invalidPlan("has a shape that is misaligned or shared");
  if (from.shape())
    spec.shape.assign(from.shape()->begin(), from.shape()->end());
  spec.numElements = 1;
  bool isEmpty = false, fits = true;
  for (int64_t size : spec.shape) {
    if (size < 0)
      return invalidPlan("has size ", size);
    isEmpty |= size == 0;
    fits = fits && (size == 0 || multiplyChecked(spec.numElements, size, spec.numElements));
  }
  if (isEmpty)
    spec.numElements = 0;
  if (!fits || !multiplyChecked(spec.numElements, byteWidth(spec.dtype), spec.numBytes))
    return invalidPlan("has more than 2^63 bytes");
  return {};
}

/// Verifies:
/// - the rank's part agrees with the bucket's ends (readEnds);
/// - chunks begin where the last bucket's ended, and there is one;
/// - chunks lie in the wire buffer, ascending, without overlap;
/// - what they are of the logical tensors is known (readContent).
Status PlanReader::readBucket(const fb::Bucket &from, const fb::Program &program,
                              BucketStep &bucket, Program &to) {
  if (Status status = readEnds(from, to, bucket); !status.isOk())
    return status;
  const size_t first = to.chunks.size();
  if (from.first_chunk() != first || from.num_chunks() < 1 ||
      from.num_chunks() > sizeOf(program.chunks()) - first)
    return invalidPlan("has chunks ", from.first_chunk(), " + ", from.num_chunks(),
                       ", expected to begin at ", first, " of ", sizeOf(program.chunks()));
  bucket.firstChunk = static_cast<int32_t>(first);
  bucket.numChunks = static_cast<int32_t>(from.num_chunks());

  int64_t wireEnd = 0;
  for (size_t i = 0; i < from.num_chunks(); ++i) {
    const fb::Chunk &fromChunk =
        *program.chunks()->Get(static_cast<flatbuffers::uoffset_t>(first + i));
    ChunkStep chunk;
    if (Status status = readChunk(fromChunk, bucket, to, chunk); !status.isOk())
      return invalidPlan("chunk ", i, ": ", status.text());
    int64_t bytes;
    if (chunk.offset < wireEnd || chunk.offset % byteWidth(chunk.wireDType) != 0)
      return invalidPlan("chunk ", i, " lies at byte ", chunk.offset, ", expected a multiple of ",
                         byteWidth(chunk.wireDType), " from ", wireEnd, " on");
    if (!multiplyChecked(chunk.numElements, byteWidth(chunk.wireDType), bytes) ||
        !addChecked(chunk.offset, bytes, wireEnd) || wireEnd > bucket.bytes)
      return invalidPlan("chunk ", i, " of ", chunk.numElements, " elements at byte ", chunk.offset,
                         " exceeds the bucket's ", bucket.bytes, " bytes");
    if (bucket.isReduce && bucket.isSource) {
      const BindingSpec &source = to.binding(chunk.sourceBinding);
      chunk.contributionOffset = bucket.contributionBytes;
      if (!multiplyChecked(chunk.numElements, byteWidth(source.dtype), bytes) ||
          !addChecked(bucket.contributionBytes, bytes, bucket.contributionBytes) ||
          bucket.contributionBytes > kMaxBucketBytes)
        return invalidPlan("contribution exceeds 2^62 bytes");
    }
    to.chunks.push_back(chunk);
  }

  if (Status status = readContent(program, to, bucket); !status.isOk())
    return status;
  const ChunkStep &chunk = to.chunks[first];
  if (bucket.isSource && bucket.numChunks == 1 && chunk.offset == 0) {
    const BindingSpec &source = to.binding(chunk.sourceBinding);
    const int64_t packedBytes = bucket.isReduce ? bucket.contributionBytes : bucket.bytes;
    bucket.packsInPlace = plan.nests[static_cast<size_t>(chunk.sourceNest)].isContiguous() &&
                          (bucket.isReduce || source.dtype == chunk.wireDType) &&
                          packedBytes == chunk.numElements * byteWidth(source.dtype);
  }
  if (bucket.isTarget && bucket.sender != to.rank && bucket.numChunks == 1 && chunk.offset == 0) {
    const xfer_dtype_t dtype = to.binding(chunk.targetBinding).dtype;
    bucket.unpacksInPlace = plan.nests[static_cast<size_t>(chunk.targetNest)].isContiguous() &&
                            dtype == chunk.wireDType &&
                            bucket.bytes == chunk.numElements * byteWidth(dtype);
  }
  return {};
}

/// Hashes what the bucket's chunks are, which both ends of a message must say alike: bytes that fit
/// in number may be other elements. A plan that was not compiled may say nothing of it.
Status PlanReader::readContent(const fb::Program &from, const Program &program,
                               BucketStep &bucket) const {
  if (sizeOf(from.logical()) == 0)
    return {};
  std::vector<uint64_t> content;
  for (const ChunkStep &chunk : program.chunksOf(bucket)) {
    const auto number = static_cast<flatbuffers::uoffset_t>(&chunk - program.chunks.data());
    const fb::LogicalChunk &logical = *from.logical()->Get(number);
    if (logical.region() >= logicalHashes.size())
      return invalidPlan("chunk ", number, " is logical region ", logical.region(), " of ",
                         logicalHashes.size());
    content.insert(content.end(),
                   {static_cast<uint64_t>(chunk.tensor), logical.target(),
                    logicalHashes[logical.region()], static_cast<uint64_t>(chunk.offset)});
  }
  bucket.content = XXH3_64bits(content.data(), content.size() * sizeof(uint64_t));
  return {};
}

/// Verifies:
/// - rank lists and transport are known, ordinal and bytes are not negative;
/// - the sender is the only contributor, or one of several;
/// - the rank takes part, with the transport that its part asks for;
/// - local moves stay on the sender, wire moves leave it.
Status PlanReader::readEnds(const fb::Bucket &from, const Program &program, BucketStep &bucket) {
  if (from.contributors() >= plan.rankLists.size() || from.destinations() >= plan.rankLists.size())
    return invalidPlan("has rank lists ", from.contributors(), " and ", from.destinations(),
                       ", but the plan has ", plan.rankLists.size());
  if (from.ordinal() < 0 || from.bytes() < 1 || from.bytes() > kMaxBucketBytes)
    return invalidPlan("has ordinal ", from.ordinal(), " and ", from.bytes(), " bytes");
  const RankList &contributors = plan.rankLists[from.contributors()];
  const RankList &destinations = plan.rankLists[from.destinations()];
  bucket.ordinal = from.ordinal();
  bucket.sender = from.sender();
  bucket.bytes = from.bytes();
  bucket.contributors = static_cast<int32_t>(from.contributors());
  bucket.destinations = static_cast<int32_t>(from.destinations());
  bucket.transport = static_cast<Transport>(from.transport());
  bucket.isReduce = contributors.ranks.size() > 1;
  bucket.isSource = contributors.contains(program.rank);
  bucket.isTarget = destinations.contains(program.rank);
  if (!contributors.contains(bucket.sender))
    return invalidPlan("sender ", bucket.sender, " is not a contributor");
  if (!bucket.isSource && !bucket.isTarget)
    return invalidPlan("rank is neither contributor nor destination of ",
                       describeEnds(plan, bucket));

  const bool isSender = bucket.sender == program.rank;
  const bool staysLocal = destinations.ranks.size() == 1 && destinations.ranks[0] == bucket.sender;
  switch (bucket.transport) {
  case Transport::P2P:
  case Transport::Broadcast:
    if (staysLocal)
      return invalidPlan("crosses the wire from rank ", bucket.sender, " to itself");
    if (!isSender && !bucket.isTarget)
      return invalidPlan("only contributes, so its transport must be none");
    return {};
  case Transport::Local:
    if (!staysLocal || !isSender)
      return invalidPlan("local transport of ", describeEnds(plan, bucket),
                         " is not from the rank to itself");
    return {};
  case Transport::None:
    if (isSender || bucket.isTarget)
      return invalidPlan("transport none, but the rank sends or receives in ",
                         describeEnds(plan, bucket));
    return {};
  case Transport::Unassigned:
    break;
  }
  return invalidPlan("has unknown transport ", static_cast<int>(from.transport()));
}

/// Verifies that a nest stays inside the tensor it names elements of.
Status PlanReader::checkNest(uint32_t region, const BindingSpec &binding) const {
  if (region >= plan.nests.size())
    return invalidPlan("region ", region, " is unknown");
  if (nestEnds[region] > binding.numElements)
    return invalidPlan("region ", region, " reaches element ", nestEnds[region] - 1, " of ",
                       binding.side == XFER_SOURCE ? "source" : "target", " '", *binding.name,
                       "', which has ", binding.numElements);
  return {};
}

/// Verifies:
/// - the chunk has a source exactly if the rank contributes, a target exactly if it is a
/// destination;
/// - each names a binding of the program and elements inside it;
/// - the stored types cast to and from the wire's;
/// - a reduce bucket's source says how it reduces;
/// - both sides have equally many elements.
Status PlanReader::readChunk(const fb::Chunk &from, const BucketStep &bucket,
                             const Program &program, ChunkStep &chunk) {
  if (from.tensor() >= plan.tensors.size())
    return invalidPlan("tensor ", from.tensor(), " is unknown");
  const TensorSpec &tensor = plan.tensors[from.tensor()];
  auto isThere = [](uint32_t number) { return number != kNoNumber; };
  if (isThere(from.source()) != bucket.isSource ||
      isThere(from.source_region()) != bucket.isSource ||
      isThere(from.target()) != bucket.isTarget || isThere(from.target_region()) != bucket.isTarget)
    return invalidPlan("roles do not fit the bucket's ends ", describeEnds(plan, bucket));
  chunk.tensor = static_cast<int32_t>(from.tensor());
  chunk.wireDType = tensor.dtype;
  chunk.offset = from.offset();
  if (bucket.isSource) {
    if (from.source() >= program.numSources)
      return invalidPlan("source ", from.source(), " is unknown, the rank has ",
                         program.numSources);
    chunk.sourceBinding = static_cast<int32_t>(from.source());
    const BindingSpec &source = program.binding(chunk.sourceBinding);
    if (Status status = checkNest(from.source_region(), source); !status.isOk())
      return status;
    if (!canCast(source.dtype, tensor.dtype))
      return invalidPlan("source '", *source.name, "' of ", spelling(source.dtype),
                         " cannot be cast to the wire's ", spelling(tensor.dtype));
    if (bucket.isReduce && source.reduce == ReduceOp::None)
      return invalidPlan("source '", *source.name, "' has several contributors but no reduction");
    chunk.sourceNest = static_cast<int32_t>(from.source_region());
    chunk.numElements = plan.nests[from.source_region()].numElements;
  }
  if (bucket.isTarget) {
    if (Status status = findTarget(from.target(), program, chunk.targetBinding); !status.isOk())
      return status;
    const BindingSpec &target = program.binding(chunk.targetBinding);
    if (Status status = checkNest(from.target_region(), target); !status.isOk())
      return status;
    if (!canCast(tensor.dtype, target.dtype))
      return invalidPlan("target '", *target.name, "' of ", spelling(target.dtype),
                         " cannot be cast from the wire's ", spelling(tensor.dtype));
    chunk.targetNest = static_cast<int32_t>(from.target_region());
    const int64_t numElements = plan.nests[from.target_region()].numElements;
    if (bucket.isSource && numElements != chunk.numElements)
      return invalidPlan("source has ", chunk.numElements, " elements, target ", numElements);
    chunk.numElements = numElements;
  }
  return {};
}

/// Verifies that zeros lie in targets of the rank, and do not take longer than these are large.
Status PlanReader::readZeros(const fb::Program &from, Program &program) const {
  for (size_t i = 0; i < sizeOf(from.zeros()); ++i) {
    const fb::Zeros &zeros = *from.zeros()->Get(static_cast<flatbuffers::uoffset_t>(i));
    ZeroStep step;
    Status status = findTarget(zeros.target(), program, step.binding);
    if (status.isOk())
      status = checkNest(zeros.region(), program.binding(step.binding));
    if (!status.isOk())
      return invalidPlan("zeros ", i, ": ", status.text());
    if (const LoopNest &nest = plan.nests[zeros.region()];
        nest.numElements > program.binding(step.binding).numElements)
      return invalidPlan("zeros ", i, ": region ", zeros.region(), " repeats elements");
    step.nest = static_cast<int32_t>(zeros.region());
    program.zeros.push_back(step);
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
