//===- Check.cpp - Is every target element right --------------------------===//
//
// Work is dealt in stretches of local tensors to all cores. Along a line of a
// tensor the expectation is made block by block and compared as bytes; only a
// block that differs is looked at element by element.
//===----------------------------------------------------------------------===//
#include "Check.h"
#include "ElementMath.h"
#include "HeldLines.h"
#include "Padding.h"
#include "Parallel.h"
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::run {

static constexpr int64_t kBlockElements = 4096;
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
  TensorId tensor = kNone;
  llvm::SmallVector<int64_t, 4> index; ///< of the tensor
  std::string expected, got;
};

class Checker {
public:
  Checker(const LocalTensors &locals, const Values &values) : locals(locals), values(values) {}

  /// Compares what lies in `tensors` with what it must be.
  void run(ArrayRef<LocalTensor> tensors);

  int64_t numChecked() const { return checked; }
  int64_t numWrong() const { return wrong; }
  const std::optional<Mismatch> &firstMismatch() const { return first; }

private:
  /// The bytes that a target, or a source, must hold of a line.
  const char *expectTarget(const HeldTask &task, const Line &line, Scratch &scratch) const;
  const char *expectSource(const HeldTask &task, const Line &line, Scratch &scratch) const;
  void compare(int64_t number, const HeldTask &task, const Line &line, const char *expected,
               const char *got);
  bool sameElement(const HeldTask &task, const char *expected, const char *got) const;

  const LocalTensors &locals;
  const Values &values;
  int64_t checked = 0;
  std::atomic<int64_t> wrong{0};
  std::mutex mutex;
  std::optional<Mismatch> first;
};

} // namespace

const char *Checker::expectSource(const HeldTask &task, const Line &line, Scratch &scratch) const {
  int64_t contributor = task.placed->placement.cuts().contributorOf(task.local->position);
  values.read(task.placed->tensor, line, contributor, scratch.folded);
  return scratch.folded;
}

const char *Checker::expectTarget(const HeldTask &task, const Line &line, Scratch &scratch) const {
  TensorId id = task.placed->tensor;
  const Tensor &tensor = locals.module().tensors[id];
  int64_t contributors = locals.sourceOf(id).placement->cuts().numContributors();
  ReduceOp op = locals.module().reductionOf(tensor);
  DType dtype = tensor.source->dtype;
  values.read(id, line, 0, scratch.folded);
  for (int64_t contributor = 1; contributor < contributors; ++contributor) {
    values.read(id, line, contributor, scratch.contribution);
    foldElements(op, dtype, scratch.folded, scratch.contribution, line.count);
  }
  if (op == ReduceOp::Avg && contributors > 1)
    divideElements(dtype, scratch.folded, contributors, line.count);
  const char *current = scratch.folded;
  int next = 0;
  for (DType to : {tensor.dtype, task.local->memory->dtype}) {
    if (to == dtype)
      continue;
    castElements(dtype, to, current, scratch.cast[next], line.count);
    current = scratch.cast[next++];
    dtype = to;
  }
  return current;
}

bool Checker::sameElement(const HeldTask &task, const char *expected, const char *got) const {
  const DeclaredMemory &memory = *task.local->memory;
  if (std::memcmp(expected, got, byteWidth(memory.dtype)) == 0)
    return true;
  // Payloads survive only where nothing is computed.
  const Tensor &tensor = locals.module().tensors[task.placed->tensor];
  bool isCopy = tensor.source->dtype == tensor.dtype && tensor.dtype == memory.dtype &&
                locals.sourceOf(task.placed->tensor).placement->cuts().numContributors() == 1;
  return !isCopy && !memory.isSource && isNaN(memory.dtype, expected) && isNaN(memory.dtype, got);
}

void Checker::compare(int64_t number, const HeldTask &task, const Line &line, const char *expected,
                      const char *got) {
  DType dtype = task.local->memory->dtype;
  int64_t width = byteWidth(dtype);
  if (std::memcmp(expected, got, line.count * width) == 0)
    return;
  int64_t firstWrong = -1, count = 0;
  for (int64_t i = 0; i < line.count; ++i) {
    if (sameElement(task, expected + i * width, got + i * width))
      continue;
    ++count;
    if (firstWrong < 0)
      firstWrong = i;
  }
  if (count == 0)
    return;
  wrong += count;
  std::lock_guard<std::mutex> lock(mutex);
  if (first && first->task <= number)
    return;
  first.emplace();
  first->task = number;
  first->local = task.local;
  first->tensor = task.placed->tensor;
  first->index.assign(line.index.begin(), line.index.end());
  if (line.along != kNone)
    first->index[line.along] += firstWrong;
  first->expected = formatElement(dtype, expected + firstWrong * width);
  first->got = formatElement(dtype, got + firstWrong * width);
}

void Checker::run(ArrayRef<LocalTensor> tensors) {
  std::vector<HeldTask> tasks = makeHeldTasks(tensors);
  for (const HeldTask &task : tasks)
    checked += task.end - task.begin;
  parallelFor("verifying", tasks.size(), [&](int64_t number) {
    auto scratch = std::make_unique<Scratch>();
    const HeldTask &task = tasks[number];
    int64_t width = byteWidth(task.local->memory->dtype);
    llvm::SmallVector<int64_t, 4> index;
    for (HeldLines lines(task.placed->placement, task.local->position, task.begin, task.end);
         lines.next();) {
      const char *got = task.local->data + lines.local() * width;
      for (int64_t begin = 0; begin < lines.line().count; begin += kBlockElements) {
        int64_t count = std::min(kBlockElements, lines.line().count - begin);
        Line part = lines.line().part(begin, count, index);
        const char *expected = task.local->memory->isSource ? expectSource(task, part, *scratch)
                                                            : expectTarget(task, part, *scratch);
        compare(number, task, part, expected, got + begin * width);
      }
    }
  });
}

/// `[3, 1024]`; a 0-d tensor's element is `[]`.
static std::string indexText(ArrayRef<int64_t> index) {
  std::string text = "[";
  for (size_t i = 0; i < index.size(); ++i)
    text += (i ? ", " : "") + std::to_string(index[i]);
  return text + "]";
}

/// `tensor 'k' in 'qkv_proj'`; the memory is not named where its name is the tensor's.
static std::string nameText(const LocalTensors &locals, const Mismatch &mismatch) {
  StringRef tensor = locals.module().tensors[mismatch.tensor].name;
  StringRef memory = mismatch.local->memory->name;
  return ("tensor '" + tensor + "'" + (tensor == memory ? "" : " in '" + memory + "'")).str();
}

LogicalResult checkTargets(const LocalTensors &locals, const Values &values,
                           unsigned char paddingByte, Checked &checked, Diagnostics &diagnostics) {
  Checker checker(locals, values);
  checker.run(locals.targets());
  checked.elements = checker.numChecked();
  if (checker.firstMismatch()) {
    const Mismatch &mismatch = *checker.firstMismatch();
    return diagnostics.error(
        {}, nameText(locals, mismatch) + " on target rank " + Twine(mismatch.local->rank) +
                " is wrong at " + indexText(mismatch.index) + ": expected " + mismatch.expected +
                ", got " + mismatch.got + "; " + Twine(checker.numWrong()) + " of " +
                Twine(checked.elements) + " target elements are wrong");
  }
  if (failed(checkPadding(locals, paddingByte, checked.padding, diagnostics)))
    return failure();
  int64_t total = 0;
  for (const LocalTensor &target : locals.targets())
    total += target.elements;
  if (checked.elements + checked.padding != total)
    return diagnostics.error({}, "targets have " + Twine(total) + " elements, but tensors take " +
                                     Twine(checked.elements) + " and padding takes " +
                                     Twine(checked.padding));
  return success();
}

LogicalResult checkReplicas(const LocalTensors &locals, const Values &values,
                            Diagnostics &diagnostics) {
  Checker checker(locals, values);
  checker.run(locals.sources());
  if (!checker.firstMismatch())
    return success();
  const Mismatch &mismatch = *checker.firstMismatch();
  return diagnostics.error({}, "replicas of " + nameText(locals, mismatch) + " differ at " +
                                   indexText(mismatch.index) + ": rank " +
                                   Twine(mismatch.local->rank) + " holds " + mismatch.got +
                                   ", but a rank before it holds " + mismatch.expected);
}

} // namespace xfer::run
