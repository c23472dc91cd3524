//===- Ownership.cpp - What every rank of a side owns ---------------------===//
#include "xfer/Analysis/Ownership.h"
#include "CutPieces.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

namespace xfer {

Ownership::Ownership(const Module &module, const Tensor &tensor, const Side &side,
                     std::shared_ptr<const Memory> memory, const StorageShape &shape)
    : meshId(module.layout(side.layout).mesh), meshRanks(module.meshes[meshId].ranks),
      memory(std::move(memory)) {
  View view = side.storage == kNone ? ownView(tensor) : module.view(side.view);
  for (const ViewEntry &entry : view.entries)
    viewPart.push_back(entry.at.part);
  findReplicas(module.meshes[meshId], module.layout(side.layout), shape);

  size_t numDims = view.entries.size();
  for (size_t d = 0; d < numDims; ++d) {
    bool isAlone = view.entries[d].factors.size() == 1;
    cellDigits.push_back({1, viewed(d).cut.numCells, isAlone});
    isProduct &= isAlone;
  }
  for (size_t d = numDims; d-- > 0; cellCount *= cellDigits[d].size)
    cellDigits[d].weight = cellCount;

  blockList.emplace_back();
  blockList.back().indices.resize(tensor.shape.size());
  blockList.back().begin.resize(numDims);
  for (size_t d = 0; d < numDims; ++d)
    addDimension(d, view.entries[d], shape.dims[d][viewPart[d]], view.occurrence);
  sortBlocks();
}

/// The axes, or parts of axes, that cut nothing where the tensor lies make replicas of it.
void Ownership::findReplicas(const Mesh &mesh, const Layout &layout, const StorageShape &shape) {
  // The parts of each axis that cut something, by preSize.
  std::vector<SmallVector<AxisRef, 1>> used(mesh.axes.size());
  size_t part = 0;
  for (size_t d = 0; d < shape.dims.size(); part += shape.dims[d++].size())
    for (const Split &split : layout.dims[part + viewPart[d]])
      for (const AxisRef &axis : split.axes)
        used[axis.axis].push_back(axis);
  int64_t stride = mesh.size();
  for (size_t a = 0; a < mesh.axes.size(); ++a) {
    int64_t size = mesh.axes[a].size;
    stride /= size;
    if (llvm::is_contained(layout.partialAxes, static_cast<int32_t>(a))) {
      partialDigits.push_back({size, stride});
      contributors *= size;
      continue;
    }
    llvm::sort(used[a], [](const AxisRef &l, const AxisRef &r) { return l.preSize < r.preSize; });
    int64_t before = 1; // product of the sizes of the parts seen
    for (const AxisRef &axis : used[a]) {
      if (axis.preSize > before)
        replicaDigits.push_back({axis.preSize / before, stride * (size / axis.preSize)});
      before = std::max(before, axis.preSize * axis.size);
    }
    if (before < size)
      replicaDigits.push_back({size / before, stride});
  }
}

/// Adds one dimension of the memory to every block.
void Ownership::addDimension(size_t dim, const ViewEntry &entry, const StoragePart &part,
                             int32_t occurrence) {
  const DimOwnership &cut = viewed(dim).cut;
  int64_t weight = cellDigits[dim].weight;
  auto number = static_cast<int32_t>(dim);
  if (entry.factors.empty()) {
    FixedPlace place = findFixed(entry, part, cut);
    for (OwnedBlock &block : blockList) {
      block.cell += place.cell * weight;
      block.begin[dim] = place.local;
    }
    return;
  }
  if (entry.factors.size() == 1) {
    auto id = static_cast<int32_t>(dimensions.size());
    dimensions.push_back(mapPieces(entry, part, cut, occurrence));
    for (OwnedBlock &block : blockList)
      block.indices[entry.factors[0].index] = {id, weight, number, 1};
    return;
  }
  std::vector<FlatBox> boxes = flatBoxes(entry, part, cut);
  std::vector<OwnedBlock> blocks;
  for (const OwnedBlock &outer : blockList)
    for (const FlatBox &box : boxes) {
      OwnedBlock &block = blocks.emplace_back(outer);
      block.cell += box.cell * weight;
      block.begin[dim] = box.local;
      int64_t step = 1;
      for (size_t f = entry.factors.size(); f-- > 0; step *= entry.factors[f].size()) {
        Interval held = box.indices[f];
        auto id = static_cast<int32_t>(dimensions.size());
        dimensions.push_back({held.end, 1, {{held.begin, held.end, 0, 0}}, {0, 1}});
        block.indices[entry.factors[f].index] = {id, 1, number, step};
      }
    }
  blockList = std::move(blocks);
}

int64_t Ownership::blockCell(int64_t cell) const {
  int64_t result = 0;
  for (const CellDigit &digit : cellDigits)
    if (!digit.isAlone)
      result += cell / digit.weight % digit.size * digit.weight;
  return result;
}

int64_t Ownership::cellOfPosition(int64_t position) const {
  int64_t cell = 0;
  for (size_t d = 0; d < viewPart.size(); ++d)
    cell += viewed(d).cellOf(position) * cellDigits[d].weight;
  return cell;
}

void Ownership::appendPlace(int64_t position, SmallVectorImpl<int64_t> &out) const {
  out.push_back(cellOfPosition(position));
  llvm::append_range(out, memory->shape(position));
  for (size_t d = 0; d < viewPart.size(); ++d)
    out.push_back(memory->beginOf(d, viewPart[d], position));
}

/// Calls `visit` with the offset of every combination of the digits, row-major.
template <typename Digits, typename Visit>
static void forEachOffset(const Digits &digits, Visit visit) {
  int64_t count = 1;
  for (const auto &digit : digits)
    count *= digit.size;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, offset = 0;
    for (size_t d = digits.size(); d-- > 0;) {
      offset += rest % digits[d].size * digits[d].stride;
      rest /= digits[d].size;
    }
    visit(offset);
  }
}

void Ownership::appendHolders(int64_t cell, SmallVectorImpl<int64_t> &out) const {
  int64_t base = 0;
  for (size_t d = 0; d < viewPart.size(); ++d) {
    int64_t rest = cell / cellDigits[d].weight % cellDigits[d].size;
    llvm::ArrayRef<MeshDigit> digits = viewed(d).digits;
    for (size_t i = digits.size(); i-- > 0; rest /= digits[i].size)
      base += rest % digits[i].size * digits[i].stride;
  }
  forEachOffset(replicaDigits, [&](int64_t replica) {
    forEachOffset(partialDigits, [&](int64_t contributor) {
      out.push_back(meshRanks[base + replica + contributor]);
    });
  });
}

} // namespace xfer
