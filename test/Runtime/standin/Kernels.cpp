//===- Kernels.cpp - The stand-in's kernels -------------------------------===//
//
// The kernels' bodies (CopyTile.h, FoldTile.h, MessageHash.h) on a processor. Says
// which bytes each reads and writes, and that words lie where a device can load
// them.
//===----------------------------------------------------------------------===//
#include "Kernels.h"
#include "CopyTile.h"
#include "FoldTile.h"
#include "MessageHash.h"
#include "Simulation.h"

using namespace standin;
using namespace xfer::runtime;

namespace {

/// Joins neighbouring accesses before they are noted.
class AccessRun {
public:
  AccessRun(const Context &context, bool isWrite) : context(context), isWrite(isWrite) {}
  ~AccessRun() { flush(); }
  void add(const std::byte *address, int64_t bytes) {
    if (address != begin + length)
      flush();
    if (length == 0)
      begin = address;
    length += bytes;
  }

private:
  void flush() {
    if (isWrite)
      context.write(begin, static_cast<size_t>(length));
    else
      context.read(begin, static_cast<size_t>(length));
    length = 0;
  }
  const Context &context;
  const bool isWrite;
  const std::byte *begin = nullptr;
  int64_t length = 0;
};

void noteCopy(const Context &context, const StepTables &tables, const Tile &tile) {
  const CopyStep &step = tables.copies[tile.step];
  const int64_t fromBytes = step.unitElements * elementBytes(step.fromDType);
  const int64_t toBytes = step.unitElements * elementBytes(step.toDType);
  const bool isPack = step.kind == StepKind::Pack;
  const std::byte *from = tables.bases[step.fromBase] + step.fromOffset;
  const std::byte *to = tables.bases[step.toBase] + step.toOffset;
  AccessRun reads(context, false), writes(context, true);
  for (int64_t unit = tile.first; unit < tile.first + tile.count; ++unit) {
    const int64_t strided = stridedOffset(tables.loops + step.firstLoop, step.numLoops, unit);
    const std::byte *source = from + (isPack ? strided : unit * fromBytes);
    const std::byte *target = to + (isPack ? unit * toBytes : strided);
    // Words are of a unit on each side, but for casts that go element by element.
    if (reinterpret_cast<uintptr_t>(target) % static_cast<uint64_t>(toBytes) != 0 ||
        (step.kind != StepKind::Zero &&
         reinterpret_cast<uintptr_t>(source) % static_cast<uint64_t>(fromBytes) != 0)) {
      violate("a kernel uses a misaligned address");
      return;
    }
    if (step.kind != StepKind::Zero)
      reads.add(source, fromBytes);
    writes.add(target, toBytes);
  }
}

void noteFold(const Context &context, const StepTables &tables, const Tile &tile) {
  const FoldStep &step = tables.folds[tile.step];
  const int64_t bytes = elementBytes(step.dtype), toBytes = elementBytes(step.toDType);
  for (int32_t i = 0; i < step.numOperands; ++i) {
    const FoldOperand &operand = tables.operands[step.firstOperand + i];
    context.read(tables.bases[operand.base] + operand.offset + tile.first * bytes,
                 static_cast<size_t>(tile.count * bytes));
  }
  context.write(tables.bases[step.toBase] + step.toOffset + tile.first * toBytes,
                static_cast<size_t>(tile.count * toBytes));
}

void copy(const Context &context, const StepTables &tables, int64_t index) {
  const Tile &tile = tables.tiles[index];
  if (isHalted(tables, tile))
    return;
  noteCopy(context, tables, tile);
  copyTile(tables, tile, 0, 1);
}

void fold(const Context &context, const StepTables &tables, int64_t index) {
  if (haltOf(tables) >= kTouchNothing)
    return;
  noteFold(context, tables, tables.tiles[index]);
  foldTile(tables, tables.tiles[index], 0, 1);
}

void hash(const Context &context, const StepTables &tables, int64_t index) {
  const Tile &tile = tables.tiles[index];
  const MessageStep &message = tables.messages[tile.step];
  if (haltOf(tables) >= kTouchNothing)
    return;
  const std::byte *bytes = tables.bases[kStagingBase] + message.offset;
  if (reinterpret_cast<uintptr_t>(bytes) % 8 != 0)
    violate("a kernel hashes a misaligned message");
  const int64_t begin = tile.first * kUnitBytes;
  context.read(bytes + begin,
               static_cast<size_t>(std::min(message.bytes - begin, tile.count * kUnitBytes)));
  context.write(&tables.tileSums[index], sizeof(uint64_t));
  tables.tileSums[index] = hashTile(tables, tile, 0, 1);
}

/// The checksum of a message whose tiles have been hashed.
uint64_t sum(const Context &context, const StepTables &tables, const MessageStep &message) {
  context.read(&tables.tileSums[message.firstTile],
               static_cast<size_t>(message.numTiles) * sizeof(uint64_t));
  return checksumOf(sumTiles(tables, message, 0, 1));
}

void seal(const Context &context, const StepTables &tables, int64_t index) {
  const MessageStep &message = tables.messages[index];
  if (haltOf(tables) >= kTouchNothing)
    return;
  const uint64_t checksum = sum(context, tables, message);
  context.write(&sentChecksum(tables, message), sizeof(uint64_t));
  sentChecksum(tables, message) = haltOf(tables) == kRunning ? checksum : kFailedSender;
}

void verify(const Context &context, const StepTables &tables, int64_t index) {
  const MessageStep &message = tables.messages[index];
  if (haltOf(tables) != kRunning)
    return;
  context.read(&sentChecksum(tables, message), sizeof(uint64_t));
  if (sum(context, tables, message) == sentChecksum(tables, message))
    return;
  describeDamage(tables, index);
  __atomic_store_n(&tables.damage->isSet, 1, __ATOMIC_RELEASE);
  __atomic_store_n(tables.halt, kWriteNoTarget, __ATOMIC_RELAXED);
}

/// Does `work` for [first, first + count), one after the other.
int launch(const StepTables &tables, int64_t first, int64_t count, void *stream, const char *name,
           void (*work)(const Context &, const StepTables &, int64_t)) {
  if (isNoOperation())
    return 0;
  if (const int error = enter(name); error != 0)
    return error;
  if (count < 1) {
    violate("a kernel is launched without blocks");
    return 9; // cudaErrorInvalidConfiguration
  }
  std::lock_guard lock(mutex);
  auto body = [=](const Context &context) {
    for (int64_t i = first; i < first + count; ++i)
      work(context, tables, i);
  };
  return enqueue(static_cast<Stream *>(stream), name, body) ? 0 : 400;
}

} // namespace

int xfer_cuda_kernels_version() { return kKernelsVersion; }

int xfer_cuda_kernels_runtime() { return 13; }

#define XFER_STANDIN_KERNEL(NAME)                                                                  \
  int xfer_cuda_##NAME(const StepTables *tables, int64_t first, int64_t count, void *stream) {     \
    return launch(*tables, first, count, stream, "xfer_cuda_" #NAME, NAME);                        \
  }
XFER_STANDIN_KERNEL(copy)
XFER_STANDIN_KERNEL(fold)
XFER_STANDIN_KERNEL(hash)
XFER_STANDIN_KERNEL(seal)
XFER_STANDIN_KERNEL(verify)
