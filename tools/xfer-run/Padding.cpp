//===- Padding.cpp - Elements of targets that no tensor lies in -----------===//
#include "Padding.h"
#include "ElementMath.h"
#include "Parallel.h"
#include "Values.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstring>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::Twine;

namespace xfer::run {
namespace {

/// Walks the padding of one local tensor.
class PaddingWalk {
public:
  explicit PaddingWalk(const LocalTensor &local);

  /// Calls `visit(kind, begin, count)` for stretches of Pad or Zero elements, ascending.
  using Visit = llvm::function_ref<void(Run::Kind, int64_t, int64_t)>;
  void forEach(Visit visit) const {
    if (numPadded)
      walk(0, Run::Kind::Data, 0, visit);
  }

private:
  struct Stretch {
    Run::Kind kind;
    int64_t begin, length;
  };
  void addRuns(const StoragePart &part, const Piece &piece, int64_t local,
               std::vector<Stretch> &out) const;
  void walk(size_t dim, Run::Kind outer, int64_t begin, Visit visit) const;

  std::vector<std::vector<Stretch>> dims; ///< what a position in the dimension is, ascending
  SmallVector<int64_t, 3> strides;
  size_t numPadded = 0; ///< dimensions up to the last that has padding
};

} // namespace

/// Adds the runs that lie in a piece whose first index is at `local`.
void PaddingWalk::addRuns(const StoragePart &part, const Piece &piece, int64_t local,
                          std::vector<Stretch> &out) const {
  int64_t period = part.period();
  for (int64_t repetition = piece.begin / period; repetition * period < piece.end; ++repetition) {
    int64_t begin = repetition * period;
    for (const Run &run : part.runs) {
      int64_t from = std::max(begin, piece.begin), to = std::min(begin + run.size, piece.end);
      begin += run.size;
      if (from >= to)
        continue;
      int64_t at = local + (from - piece.begin);
      if (!out.empty() && out.back().kind == run.kind)
        out.back().length += to - from;
      else
        out.push_back({run.kind, at, to - from});
    }
  }
}

PaddingWalk::PaddingWalk(const LocalTensor &local) {
  const DeclaredMemory &memory = *local.memory;
  if (!memory.hasPadding || local.elements == 0)
    return;
  int64_t stride = 1;
  for (int64_t extent : llvm::reverse(local.shape)) {
    strides.insert(strides.begin(), stride);
    stride *= extent;
  }
  for (size_t dim = 0; dim < local.shape.size(); ++dim) {
    std::vector<Stretch> &stretches = dims.emplace_back();
    for (size_t p = 0; p < memory.shape.dims[dim].size(); ++p) {
      auto part = static_cast<int32_t>(p);
      int64_t base = memory.cuts->beginOf(dim, part, local.position);
      for (const Piece &piece : memory.cuts->part(dim, part).pieces(local.position))
        addRuns(memory.shape.dims[dim][p], piece, base + piece.local, stretches);
    }
    if (llvm::any_of(stretches, [](const Stretch &s) { return s.kind != Run::Kind::Data; }))
      numPadded = dim + 1;
  }
}

void PaddingWalk::walk(size_t dim, Run::Kind outer, int64_t begin, Visit visit) const {
  for (const Stretch &stretch : dims[dim]) {
    Run::Kind kind = std::max(outer, stretch.kind); // zero before pad before data
    int64_t first = begin + stretch.begin * strides[dim];
    if (kind == Run::Kind::Zero || dim + 1 == numPadded) {
      if (kind != Run::Kind::Data)
        visit(kind, first, stretch.length * strides[dim]);
      continue;
    }
    for (int64_t i = 0; i < stretch.length; ++i)
      walk(dim + 1, kind, first + i * strides[dim], visit);
  }
}

void prepareTargets(const LocalTensors &locals, unsigned char paddingByte) {
  ArrayRef<LocalTensor> targets = locals.targets();
  parallelFor(targets.size(), numWorkers(), [&](int64_t i) {
    const LocalTensor &target = targets[i];
    if (target.bytes)
      std::memset(target.data, kPoison, target.bytes);
    int64_t width = byteWidth(target.memory->dtype);
    PaddingWalk(target).forEach([&](Run::Kind kind, int64_t begin, int64_t count) {
      if (kind == Run::Kind::Pad)
        std::memset(target.data + begin * width, paddingByte, count * width);
    });
  });
}

/// What is wrong in the padding of one local tensor.
struct PaddingFault {
  int64_t checked = 0, wrong = 0;
  int64_t first = 0; ///< element
  Run::Kind kind = Run::Kind::Pad;
};

static PaddingFault checkLocal(const LocalTensor &target, unsigned char paddingByte) {
  PaddingFault fault;
  int64_t width = byteWidth(target.memory->dtype);
  PaddingWalk(target).forEach([&](Run::Kind kind, int64_t begin, int64_t count) {
    fault.checked += count;
    char right = static_cast<char>(kind == Run::Kind::Zero ? 0 : paddingByte);
    for (int64_t element = begin; element < begin + count; ++element) {
      ArrayRef<char> bytes(target.data + element * width, width);
      if (llvm::all_of(bytes, [&](char byte) { return byte == right; }))
        continue;
      if (fault.wrong++ == 0) {
        fault.first = element;
        fault.kind = kind;
      }
    }
  });
  return fault;
}

LogicalResult checkPadding(const LocalTensors &locals, unsigned char paddingByte, int64_t &checked,
                           Diagnostics &diagnostics) {
  ArrayRef<LocalTensor> targets = locals.targets();
  std::vector<PaddingFault> faults(targets.size());
  parallelFor(targets.size(), numWorkers(),
              [&](int64_t i) { faults[i] = checkLocal(targets[i], paddingByte); });
  checked = 0;
  int64_t wrong = 0;
  for (const PaddingFault &fault : faults) {
    checked += fault.checked;
    wrong += fault.wrong;
  }
  auto faulty = llvm::find_if(faults, [](const PaddingFault &fault) { return fault.wrong; });
  if (faulty == faults.end())
    return success();
  const LocalTensor &target = targets[faulty - faults.begin()];
  const char *element = target.data + faulty->first * byteWidth(target.memory->dtype);
  SmallVector<int64_t, 3> index(target.shape.size());
  for (int64_t rest = faulty->first, dim = index.size(); dim-- > 0; rest /= target.shape[dim])
    index[dim] = rest % target.shape[dim];
  return diagnostics.error(
      {},
      "padding of '" + target.memory->name + "' on target rank " + Twine(target.rank) +
          " is wrong at local " + toString(ArrayRef<int64_t>(index)) + ": " +
          (faulty->kind == Run::Kind::Zero ? "a 'zero' run holds " : "a 'pad' run came to hold ") +
          formatElement(target.memory->dtype, element) + "; " + Twine(wrong) + " of " +
          Twine(checked) + " elements of padding are wrong");
}

} // namespace xfer::run
