//===- LocalTensors.cpp - Every rank's memory -----------------------------===//
#include "LocalTensors.h"
#include "Units.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::Twine;

namespace xfer::run {

const Placement *LocalTensors::place(LayoutId layout, ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t, 8> key = {layout};
  key.append(shape.begin(), shape.end());
  int32_t id = placementKeys.intern(key);
  if (id == static_cast<int32_t>(placements.size())) {
    const Layout &cuts = declarations.layout(layout);
    placements.emplace_back(declarations.meshes[cuts.mesh], cuts, shape);
  }
  return &placements[id];
}

void LocalTensors::addSide(TensorId tensor, const Side &side, bool isSource) {
  const Tensor &declared = declarations.tensors[tensor];
  const Mesh &mesh = declarations.meshes[declarations.layout(side.layout).mesh];
  const Placement *placement = place(side.layout, declared.shape);
  for (int64_t position = 0; position < mesh.size(); ++position) {
    LocalTensor &local = tensors.emplace_back();
    local.rank = mesh.ranks[position];
    local.tensor = tensor;
    local.isSource = isSource;
    local.dtype = side.dtype;
    local.placement = placement;
    local.position = position;
    for (size_t dim = 0; dim < declared.shape.size(); ++dim)
      local.shape.push_back(placement->localExtent(position, dim));
    local.elements = placement->numLocalElements(position);
    local.bytes = local.elements * byteWidth(side.dtype);
    rankNumbers.push_back(local.rank);
  }
}

LocalTensors::LocalTensors(const Module &module) : declarations(module) {
  for (TensorId tensor = 0; tensor < static_cast<TensorId>(module.tensors.size()); ++tensor) {
    firstSource.push_back(tensors.size());
    addSide(tensor, *module.tensors[tensor].source, /*isSource=*/true);
  }
  firstSource.push_back(tensors.size());
  numSources = tensors.size();
  for (TensorId tensor = 0; tensor < static_cast<TensorId>(module.tensors.size()); ++tensor)
    for (const Side &side : module.tensors[tensor].targets)
      addSide(tensor, side, /*isSource=*/false);
  llvm::sort(rankNumbers);
  rankNumbers.erase(llvm::unique(rankNumbers), rankNumbers.end());
}

ArrayRef<LocalTensor> LocalTensors::sourcesOf(TensorId tensor) const {
  return all().slice(firstSource[tensor], firstSource[tensor + 1] - firstSource[tensor]);
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
    if (llvm::AddOverflow(total, local.bytes, total))
      total = std::numeric_limits<int64_t>::max();
  int64_t physical = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (total <= physical)
    return success();
  return diagnostics.error({}, "all ranks together need " + formatBytes(total) +
                                   " of memory, but this machine has " + formatBytes(physical));
}

LogicalResult LocalTensors::allocate(Diagnostics &diagnostics) {
  constexpr int64_t kAlignment = 64;
  for (LocalTensor &local : tensors) {
    if (local.bytes == 0)
      continue;
    void *memory = std::aligned_alloc(kAlignment, llvm::alignTo(local.bytes, kAlignment));
    if (!memory)
      return diagnostics.error({}, "out of memory: cannot allocate " + formatBytes(local.bytes) +
                                       " for tensor '" + declarations.tensors[local.tensor].name +
                                       "' on rank " + Twine(local.rank));
    buffers.emplace_back(static_cast<char *>(memory));
    local.data = buffers.back().get();
  }
  return success();
}

} // namespace xfer::run
