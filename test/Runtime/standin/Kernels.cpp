//===- Kernels.cpp - The stand-in's kernels -------------------------------===//
//
// The kernels' bodies (CopyTile.h, FoldTile.h) on a processor. Says which bytes
// each tile reads and writes, and that words lie where a device can load them.
//===----------------------------------------------------------------------===//
#include "Kernels.h"
#include "CopyTile.h"
#include "FoldTile.h"
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

int launch(const StepTables &tables, int64_t first, int64_t count, void *stream, const char *name,
           void (*noteTile)(const Context &, const StepTables &, const Tile &),
           void (*runTile)(const StepTables &, const Tile &, uint32_t, uint32_t)) {
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
    if (*tables.isDead != 0)
      return;
    for (int64_t i = first; i < first + count; ++i) {
      noteTile(context, tables, tables.tiles[i]);
      runTile(tables, tables.tiles[i], 0, 1);
    }
  };
  return enqueue(static_cast<Stream *>(stream), name, body) ? 0 : 400;
}

} // namespace

int xfer_cuda_kernels_version() { return kKernelsVersion; }

int xfer_cuda_kernels_runtime() { return 13; }

int xfer_cuda_copy(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(*tables, first, count, stream, "xfer_cuda_copy", noteCopy, copyTile);
}

int xfer_cuda_fold(const StepTables *tables, int64_t first, int64_t count, void *stream) {
  return launch(*tables, first, count, stream, "xfer_cuda_fold", noteFold, foldTile);
}
