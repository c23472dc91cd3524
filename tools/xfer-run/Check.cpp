//===- Check.cpp - Is every target element right --------------------------===//
//
// Work is dealt in rows of local tensors to all cores. Inside a row the
// expectation is made block by block and compared as bytes; only a block that
// differs is looked at element by element.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "ElementMath.h"
#include "Parallel.h"
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>

using llvm::ArrayRef;
using llvm::Twine;

namespace xfer::run {

static constexpr int64_t kBlockElements = 4096;
static constexpr unsigned char kPoison = 0xa5;

void poisonTargets(const LocalTensors &locals) {
  ArrayRef<LocalTensor> targets = locals.targets();
  parallelFor(targets.size(), numWorkers(), [&](int64_t i) {
    if (targets[i].bytes)
      std::memset(targets[i].data, kPoison, targets[i].bytes);
  });
}

namespace {

/// Space for one block in each of the element types it passes through.
struct Scratch {
  alignas(64) char folded[kBlockElements * 8];
  alignas(64) char contribution[kBlockElements * 8];
  alignas(64) char cast[2][kBlockElements * 8];
};

/// The first wrong element in the order of tasks, and how many there are.
struct Mismatch {
  int64_t task = 0;
  const LocalTensor *local = nullptr;
  llvm::SmallVector<int64_t, 4> index; ///< global
  std::string expected, got;
};

class Checker {
public:
  Checker(const LocalTensors &locals, const Values &values) : locals(locals), values(values) {}

  /// Compares all rows of `tensors` with what `expect` writes for each part of them.
  using Expect = llvm::function_ref<const char *(const LocalTensor &, const RowPart &, Scratch &)>;
  void run(ArrayRef<LocalTensor> tensors, Expect expect);

  /// The bytes that a target must hold.
  const char *expectTarget(const LocalTensor &target, const RowPart &part, Scratch &scratch) const;
  /// The bytes that a source must hold.
  const char *expectSource(const LocalTensor &source, const RowPart &part, Scratch &scratch) const;

  int64_t numWrong() const { return wrong; }
  const std::optional<Mismatch> &firstMismatch() const { return first; }

private:
  void compare(int64_t task, const LocalTensor &local, const RowPart &part, const char *expected,
               const char *got);
  bool sameElement(const LocalTensor &local, const char *expected, const char *got) const;

  const LocalTensors &locals;
  const Values &values;
  std::atomic<int64_t> wrong{0};
  std::mutex mutex;
  std::optional<Mismatch> first;
};

} // namespace

const char *Checker::expectSource(const LocalTensor &source, const RowPart &part,
                                  Scratch &scratch) const {
  values.read(part, source.placement->contributorOf(source.position), scratch.folded);
  return scratch.folded;
}

const char *Checker::expectTarget(const LocalTensor &target, const RowPart &part,
                                  Scratch &scratch) const {
  const Tensor &tensor = locals.module().tensors[target.tensor];
  const Placement &source = *locals.sourcesOf(target.tensor).front().placement;
  ReduceOp op = locals.module().layout(tensor.source->layout).reduction;
  DType dtype = tensor.source->dtype;
  values.read(part, 0, scratch.folded);
  for (int64_t contributor = 1; contributor < source.numContributors(); ++contributor) {
    values.read(part, contributor, scratch.contribution);
    foldElements(op, dtype, scratch.folded, scratch.contribution, part.count);
  }
  if (op == ReduceOp::Avg && source.numContributors() > 1)
    divideElements(dtype, scratch.folded, source.numContributors(), part.count);
  const char *current = scratch.folded;
  int next = 0;
  for (DType to : {tensor.dtype, target.dtype}) {
    if (to == dtype)
      continue;
    castElements(dtype, to, current, scratch.cast[next], part.count);
    current = scratch.cast[next++];
    dtype = to;
  }
  return current;
}

bool Checker::sameElement(const LocalTensor &local, const char *expected, const char *got) const {
  if (std::memcmp(expected, got, byteWidth(local.dtype)) == 0)
    return true;
  // Payloads survive only where nothing is computed.
  const Tensor &tensor = locals.module().tensors[local.tensor];
  bool isCopy = tensor.source->dtype == tensor.dtype && tensor.dtype == local.dtype &&
                locals.sourcesOf(local.tensor).front().placement->numContributors() == 1;
  return !isCopy && !local.isSource && isNaN(local.dtype, expected) && isNaN(local.dtype, got);
}

void Checker::compare(int64_t task, const LocalTensor &local, const RowPart &part,
                      const char *expected, const char *got) {
  int64_t width = byteWidth(local.dtype);
  if (std::memcmp(expected, got, part.count * width) == 0)
    return;
  int64_t firstWrong = -1, count = 0;
  for (int64_t i = 0; i < part.count; ++i) {
    if (sameElement(local, expected + i * width, got + i * width))
      continue;
    ++count;
    if (firstWrong < 0)
      firstWrong = i;
  }
  if (count == 0)
    return;
  wrong += count;
  std::lock_guard<std::mutex> lock(mutex);
  if (first && first->task <= task)
    return;
  first.emplace();
  first->task = task;
  first->local = &local;
  first->index.assign(part.outer.begin(), part.outer.end());
  first->index.push_back(part.begin + firstWrong);
  first->expected = formatElement(local.dtype, expected + firstWrong * width);
  first->got = formatElement(local.dtype, got + firstWrong * width);
}

void Checker::run(ArrayRef<LocalTensor> tensors, Expect expect) {
  std::vector<RowTask> tasks = makeRowTasks(tensors);
  parallelFor("verifying", tasks.size(), [&](int64_t task) {
    auto scratch = std::make_unique<Scratch>();
    const LocalTensor &local = *tasks[task].local;
    const Placement &placement = *local.placement;
    int64_t width = byteWidth(local.dtype);
    size_t last = placement.numDims() - 1;
    int64_t rowBytes = placement.localExtent(local.position, last) * width;
    forEachRow(placement, local.position, tasks[task].begin, tasks[task].end,
               [&](ArrayRef<int64_t> outer, int64_t row, int64_t localRow) {
                 const char *got = local.data + localRow * rowBytes;
                 for (const Piece &piece : placement.pieces(local.position, last))
                   for (int64_t begin = piece.begin; begin < piece.end; begin += kBlockElements) {
                     int64_t count = std::min(kBlockElements, piece.end - begin);
                     RowPart part = {local.tensor, outer, row, begin, count};
                     compare(task, local, part, expect(local, part, *scratch), got);
                     got += count * width;
                   }
               });
  });
}

/// `[3, 1024]`; a 0-d tensor's element is `[]`.
static std::string indexText(const Tensor &tensor, ArrayRef<int64_t> index) {
  std::string text = "[";
  for (size_t dim = 0; dim < tensor.shape.size(); ++dim)
    text += (dim ? ", " : "") + std::to_string(index[dim]);
  return text + "]";
}

LogicalResult checkTargets(const LocalTensors &locals, const Values &values, int64_t &checked,
                           Diagnostics &diagnostics) {
  Checker checker(locals, values);
  checker.run(locals.targets(), [&](const LocalTensor &target, const RowPart &part, Scratch &s) {
    return checker.expectTarget(target, part, s);
  });
  checked = 0;
  for (const LocalTensor &target : locals.targets())
    checked += target.elements;
  if (!checker.firstMismatch())
    return success();
  const Mismatch &mismatch = *checker.firstMismatch();
  const Tensor &tensor = locals.module().tensors[mismatch.local->tensor];
  return diagnostics.error(
      {}, "tensor '" + tensor.name + "' on target rank " + Twine(mismatch.local->rank) +
              " is wrong at " + indexText(tensor, mismatch.index) + ": expected " +
              mismatch.expected + ", got " + mismatch.got + "; " + Twine(checker.numWrong()) +
              " of " + Twine(checked) + " target elements are wrong");
}

LogicalResult checkReplicas(const LocalTensors &locals, const Values &values,
                            Diagnostics &diagnostics) {
  Checker checker(locals, values);
  checker.run(locals.sources(), [&](const LocalTensor &source, const RowPart &part, Scratch &s) {
    return checker.expectSource(source, part, s);
  });
  if (!checker.firstMismatch())
    return success();
  const Mismatch &mismatch = *checker.firstMismatch();
  const Tensor &tensor = locals.module().tensors[mismatch.local->tensor];
  return diagnostics.error({}, "replicas of tensor '" + tensor.name + "' differ at " +
                                   indexText(tensor, mismatch.index) + ": rank " +
                                   Twine(mismatch.local->rank) + " holds " + mismatch.got +
                                   ", but a rank before it holds " + mismatch.expected);
}

} // namespace xfer::run
