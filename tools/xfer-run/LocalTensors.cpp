//===- LocalTensors.cpp - Every rank's memory -----------------------------===//
#include "LocalTensors.h"
#include "Units.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::run {

DeclaredMemory &LocalTensors::addMemory(StringRef name, DType dtype, bool isSource,
                                        LayoutId layoutId, StorageShape shape) {
  DeclaredMemory &memory = memories.emplace_back();
  memory.name = name;
  memory.isSource = isSource;
  memory.dtype = dtype;
  memory.numDims = shape.dims.size();
  memory.shape = std::move(shape);
  if (memory.numDims == 0)
    memory.shape.dims.emplace_back().emplace_back().runs.push_back({Run::Kind::Data, "", 1});
  llvm::SmallVector<int64_t, 8> key = {layoutId};
  for (const StorageDim &dim : memory.shape.dims) {
    key.push_back(static_cast<int64_t>(dim.size()));
    for (const StoragePart &part : dim) {
      key.append({part.repeat, static_cast<int64_t>(part.runs.size())});
      for (const Run &run : part.runs) {
        key.push_back(run.size);
        memory.hasPadding |= run.kind != Run::Kind::Data;
      }
    }
  }
  const Layout &layout = declarations.layout(layoutId);
  const Mesh &mesh = declarations.meshes[layout.mesh];
  int32_t id = cutsKeys.intern(key);
  if (id == static_cast<int32_t>(cuts.size()))
    cuts.emplace_back(mesh, layout, memory.shape);
  memory.cuts = &cuts[id];
  for (int64_t position = 0; position < mesh.size(); ++position) {
    LocalTensor &local = tensors.emplace_back();
    local.memory = &memory;
    local.rank = mesh.ranks[position];
    local.position = position;
    local.shape = memory.cuts->localShape(position);
    local.elements = 1;
    for (int64_t extent : local.shape)
      local.elements *= extent;
    local.shape.resize(memory.numDims);
    local.bytes = local.elements * byteWidth(dtype);
    rankNumbers.push_back(local.rank);
  }
  return memory;
}

void LocalTensors::addTensor(DeclaredMemory &memory, TensorId tensor, const View &view) {
  if (memory.isSource) {
    auto numLocals = static_cast<size_t>(memory.cuts->numPositions());
    sourcePlaces[tensor] = {tensors.size() - numLocals, numLocals, memory.tensors.size()};
  }
  memory.tensors.push_back(
      {tensor, Placement(*memory.cuts, view, declarations.tensors[tensor].shape)});
}

/// The view of a 0-d memory, which has one dimension of one here.
static const View &onlyElement() {
  static const View view = [] {
    View one;
    one.entries.emplace_back(); // index 0
    return one;
  }();
  return view;
}

void LocalTensors::addSide(TensorId tensor, const Side &side, bool isSource) {
  if (side.storage != kNone)
    return;
  const Tensor &declared = declarations.tensors[tensor];
  DeclaredMemory &memory =
      addMemory(side.name, side.dtype, isSource, side.layout, ownShape(declared));
  memory.ownView = ownView(declared);
  if (memory.ownView.entries.empty())
    memory.ownView = onlyElement();
  addTensor(memory, tensor, memory.ownView);
}

void LocalTensors::addStorage(int32_t number) {
  const Storage &storage = declarations.storages[number];
  DeclaredMemory &memory = addMemory(storage.name, storage.dtype, !storage.isTarget, storage.layout,
                                     declarations.storageShape(storage.shape));
  for (const StorageView &declared : storage.views) {
    const View &view = declarations.view(declared.view);
    addTensor(memory, declared.tensor, view.entries.empty() ? onlyElement() : view);
  }
}

LocalTensors::LocalTensors(const Module &module)
    : declarations(module), sourcePlaces(module.tensors.size()) {
  for (bool isSource : {true, false}) {
    for (size_t tensor = 0; tensor < module.tensors.size(); ++tensor) {
      const Tensor &declared = module.tensors[tensor];
      if (isSource)
        addSide(static_cast<TensorId>(tensor), *declared.source, isSource);
      else
        for (const Side &side : declared.targets)
          addSide(static_cast<TensorId>(tensor), side, isSource);
    }
    for (size_t number = 0; number < module.storages.size(); ++number)
      if (module.storages[number].isTarget != isSource)
        addStorage(static_cast<int32_t>(number));
    if (isSource)
      numSources = tensors.size();
  }
  llvm::sort(rankNumbers);
  rankNumbers.erase(llvm::unique(rankNumbers), rankNumbers.end());
}

TensorSource LocalTensors::sourceOf(TensorId tensor) const {
  const SourcePlace &place = sourcePlaces[tensor];
  ArrayRef<LocalTensor> locals = all().slice(place.firstLocal, place.numLocals);
  return {&locals.front().memory->tensors[place.placed].placement, locals};
}

int64_t LocalTensors::numLogicalElements() const {
  int64_t total = 0;
  for (const Tensor &tensor : declarations.tensors) {
    int64_t elements = 1;
    for (int64_t extent : tensor.shape)
      elements *= extent;
    total += elements;
  }
  return total;
}

LogicalResult LocalTensors::checkMemory(int64_t extraBytes, Diagnostics &diagnostics) const {
  int64_t total = extraBytes;
  for (const LocalTensor &local : tensors)
    if (local.isHere && llvm::AddOverflow(total, local.bytes, total))
      total = std::numeric_limits<int64_t>::max();
  int64_t physical = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (total <= physical)
    return success();
  return diagnostics.error({}, "all ranks together need " + formatBytes(total) +
                                   " of memory, but this machine has " + formatBytes(physical));
}

void LocalTensors::keepRank(int64_t rank, bool allSources) {
  for (LocalTensor &local : tensors)
    local.isHere = local.rank == rank || (allSources && local.memory->isSource);
  llvm::erase_if(tensors,
                 [](const LocalTensor &local) { return !local.memory->isSource && !local.isHere; });
}

static constexpr int64_t kAlignment = 64;

void UnmapMemory::operator()(void *memory) const { ::munmap(memory, bytes); }

LogicalResult LocalTensors::allocateShared(Diagnostics &diagnostics) {
  size_t total = 0;
  for (const LocalTensor &local : tensors)
    total += llvm::alignTo(local.bytes, kAlignment);
  if (total == 0)
    return success();
  void *memory = ::mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return diagnostics.error({}, "out of memory: cannot share " +
                                     formatBytes(static_cast<int64_t>(total)) +
                                     " between processes");
  sharedBuffer = {memory, UnmapMemory{total}};
  char *next = static_cast<char *>(memory);
  for (LocalTensor &local : tensors) {
    local.data = local.bytes == 0 ? nullptr : next;
    next += llvm::alignTo(local.bytes, kAlignment);
  }
  return success();
}

LogicalResult LocalTensors::allocate(Diagnostics &diagnostics, bool shared) {
  if (shared)
    return allocateShared(diagnostics);
  for (LocalTensor &local : tensors) {
    if (local.bytes == 0 || !local.isHere)
      continue;
    void *memory = std::aligned_alloc(kAlignment, llvm::alignTo(local.bytes, kAlignment));
    if (!memory)
      return diagnostics.error({}, "out of memory: cannot allocate " + formatBytes(local.bytes) +
                                       " for '" + local.memory->name + "' on rank " +
                                       Twine(local.rank));
    buffers.emplace_back(static_cast<char *>(memory));
    local.data = buffers.back().get();
  }
  return success();
}

} // namespace xfer::run
