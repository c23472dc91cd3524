//===- CheckBindings.cpp - Does a plan bind what is declared --------------===//
#include "CheckBindings.h"
#include "PlanTables.h"
#include "xfer/Analysis/PlanPlaces.h"
#include "xfer/IR/DeclarationChecks.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"

using llvm::Twine;

namespace xfer {

LogicalResult BindingChecker::error(int64_t rank, const Twine &text) {
  return diagnostics.error({}, "plan: rank " + Twine(rank) + " " + text);
}

/// Lists what `rank` holds, in the order in which plans do.
void BindingChecker::enter(int64_t rank) {
  sources.clear();
  targets.clear();
  numberOf.assign(all.memories().size(), kAbsent);
  for (size_t m = 0; m < all.memories().size(); ++m) {
    const BoundMemory &memory = all.memories()[m];
    int64_t position = positions.position(module.layout(memory.layout).mesh, rank);
    if (position < 0)
      continue;
    std::vector<Held> &side = memory.isTarget ? targets : sources;
    numberOf[m] = static_cast<uint32_t>(side.size());
    side.push_back({static_cast<int32_t>(m), position});
  }
}

LogicalResult BindingChecker::check(const fb::Program &from, const Program &to) {
  enter(to.rank);
  if (failed(checkSide(to.rank, /*isTarget=*/false, from.sources())) ||
      failed(checkSide(to.rank, /*isTarget=*/true, from.targets())))
    return failure();
  for (size_t i = 0; i < to.chunks.size(); ++i)
    if (failed(checkChunk(to.rank, i, *from.chunks()->Get(static_cast<flatbuffers::uoffset_t>(i)),
                          to.chunks[i])))
      return failure();
  return checkZeros(to.rank, from);
}

static std::string describe(llvm::StringRef name, DType dtype, llvm::ArrayRef<int64_t> shape,
                            ReduceOp reduce) {
  std::string text =
      "'" + name.str() + "' of " + spelling(dtype).str() + " with shape " + toString(shape);
  return reduce == ReduceOp::None ? text : text + ", reduced by " + spelling(reduce).str();
}

/// The binding as text, which a hostile one may not have.
static std::string describe(const fb::Binding &binding) {
  const auto *shape = binding.shape();
  bool isKnown = static_cast<unsigned>(binding.dtype()) <= static_cast<unsigned>(DType::I1) &&
                 static_cast<unsigned>(binding.reduce()) <= static_cast<unsigned>(ReduceOp::Max);
  bool isAligned =
      sizeOf(shape) == 0 || reinterpret_cast<uintptr_t>(shape->Data()) % alignof(int64_t) == 0;
  if (!isKnown || !isAligned || sizeOf(shape) > kMaxDims)
    return "of no known type, reduction or shape";
  std::vector<int64_t> sizes;
  sizes.reserve(sizeOf(shape));
  for (size_t d = 0; d < sizeOf(shape); ++d)
    sizes.push_back(shape->Get(static_cast<flatbuffers::uoffset_t>(d)));
  return describe(binding.name()->string_view(), static_cast<DType>(binding.dtype()), sizes,
                  static_cast<ReduceOp>(binding.reduce()));
}

/// Verifies that the rank binds as many memories as it holds, and each by its name, type, shape and
/// reduction.
LogicalResult BindingChecker::checkSide(int64_t rank, bool isTarget, const BindingVector *from) {
  const std::vector<Held> &side = isTarget ? targets : sources;
  const char *what = isTarget ? "target" : "source";
  if (sizeOf(from) != side.size())
    return error(rank,
                 "binds " + Twine(sizeOf(from)) + " " + what + "s, expected " + Twine(side.size()));
  for (size_t i = 0; i < side.size(); ++i) {
    const BoundMemory &memory = all.memories()[side[i].memory];
    const fb::Binding &binding = *from->Get(static_cast<flatbuffers::uoffset_t>(i));
    std::string expected =
        describe(memory.name, memory.dtype, all.memoryOf(side[i].memory).shape(side[i].position),
                 module.layout(memory.layout).reduction);
    if (std::string got = describe(binding); got != expected)
      return error(rank,
                   "binds " + Twine(what) + " " + Twine(i) + " " + got + ", expected " + expected);
  }
  return success();
}

/// Verifies that a chunk is of the bindings in which its tensor lies.
LogicalResult BindingChecker::checkChunk(int64_t rank, size_t number, const fb::Chunk &from,
                                         const ProgramChunk &chunk) {
  uint32_t source = chunk.source == kNone ? kAbsent : numberOf[all.ofSource(chunk.tensor)];
  uint32_t target =
      chunk.target == kNone ? kAbsent : numberOf[all.ofTarget(chunk.tensor, chunk.targetIndex)];
  if (from.source() == source && from.target() == target)
    return success();
  auto text = [](uint32_t binding) {
    return binding == kAbsent ? "none" : std::to_string(binding);
  };
  bool isSource = from.source() != source;
  return error(rank, "has chunk " + Twine(number) + " of tensor '" +
                         module.tensors[chunk.tensor].name + "' in " +
                         (isSource ? "source " : "target ") +
                         text(isSource ? from.source() : from.target()) + ", expected " +
                         text(isSource ? source : target));
}

bool BindingChecker::isRegion(uint32_t number, const StridedRegion &region) const {
  if (number >= sizeOf(plan.regions()))
    return false;
  const fb::Region &from = *plan.regions()->Get(number);
  if (from.offset() != region.offset || sizeOf(from.loops()) != region.sizes.size())
    return false;
  for (size_t l = 0; l < region.sizes.size(); ++l) {
    const fb::Loop &loop = *from.loops()->Get(static_cast<flatbuffers::uoffset_t>(l));
    if (loop.size() != region.sizes[l] || loop.stride() != region.strides[l])
      return false;
  }
  return true;
}

/// Verifies that the rank zeroes the `zero` runs of its storages and nothing else.
LogicalResult BindingChecker::checkZeros(int64_t rank, const fb::Program &from) {
  size_t next = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const BoundMemory &memory = all.memories()[targets[i].memory];
    if (memory.storage == kNone)
      continue;
    const StorageShape &shape = module.storageShape(module.storages[memory.storage].shape);
    for (const StridedRegion &region :
         all.memoryOf(targets[i].memory).zeros(shape, targets[i].position)) {
      if (next == sizeOf(from.zeros()))
        return error(rank,
                     "does not zero " + describe(region) + " of target '" + memory.name + "'");
      const fb::Zeros &zeros = *from.zeros()->Get(static_cast<flatbuffers::uoffset_t>(next));
      if (zeros.target() != i || !isRegion(zeros.region(), region))
        return error(rank, "has zeros " + Twine(next) + " of region " + Twine(zeros.region()) +
                               " in target " + Twine(zeros.target()) + ", expected " +
                               describe(region) + " of target " + Twine(i) + " '" + memory.name +
                               "'");
      ++next;
    }
  }
  if (next != sizeOf(from.zeros()))
    return error(rank, "has " + Twine(sizeOf(from.zeros())) + " zeros, expected " + Twine(next));
  return success();
}

} // namespace xfer
