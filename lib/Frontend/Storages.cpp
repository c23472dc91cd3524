//===- Storages.cpp - What the ranks of a side hold -----------------------===//
//
// The checks that every storage passes, and the storages of scales: those of a
// weight with every size divided by the block.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Storages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using llvm::Twine;

namespace xfer::frontend {

int64_t Part::size() const {
  int64_t total = 0;
  for (const Run &run : runs)
    total += run.size;
  return repeat * total;
}

int64_t SideStorages::addMesh(SideMesh mesh) {
  meshes.push_back(std::move(mesh));
  return static_cast<int64_t>(meshes.size()) - 1;
}

int64_t SideStorages::tensor(const Twine &name) {
  std::string text = name.str();
  int64_t found = model.find(text);
  if (found < 0)
    (void)diagnostics.error(side.loc, side.framework + " needs parameter '" + text +
                                          "', which the model does not have");
  return found;
}

llvm::SmallVector<ViewEntry, 3> SideStorages::wholeEntries(int64_t index) const {
  const ModelTensor &tensor = model.tensors[index];
  llvm::SmallVector<ViewEntry, 3> entries;
  int64_t factor = 0; ///< the next `d` of the language
  for (size_t dimension = 0; dimension < tensor.shape.size(); ++dimension) {
    ViewEntry &entry = entries.emplace_back();
    entry.dimension = static_cast<int64_t>(dimension);
    entry.factors = "d" + std::to_string(factor++);
    if (dimension == 0 && tensor.firstFactor)
      entry.factors += "*d" + std::to_string(factor++);
  }
  return entries;
}

DType SideStorages::storedDType(int64_t index) const {
  DType dtype = model.tensors[index].dtype;
  bool isWide = dtype == DType::F64 || dtype == DType::F32 || byteWidth(dtype) < 2;
  return isWide ? dtype : side.storedDType().value_or(dtype);
}

/// Verifies that the pieces of every cut are equal unless it says otherwise.
LogicalResult SideStorages::checkCuts(const Storage &storage) {
  for (const StorageDimension &dimension : storage.dimensions)
    for (const Part &part : dimension) {
      int64_t size = part.size();
      for (const Cut &cut : part.cuts) {
        if (!cut.mayBeUneven && size % cut.ways != 0)
          return diagnostics.error(side.loc, side.framework + " parameter '" + storage.name +
                                                 "' (from '" +
                                                 model.tensors[storage.views.front().tensor].name +
                                                 "') has an extent of " + Twine(part.size()) +
                                                 ", which " + cut.why + " does not divide");
        size = llvm::divideCeil(size, cut.ways);
      }
    }
  return success();
}

/// Verifies that every piece of a cut dimension is a multiple of the block.
LogicalResult SideStorages::checkBlocks(const Storage &storage) {
  for (auto [number, dimension] : llvm::enumerate(storage.dimensions)) {
    int64_t of = storage.views.front().entries[number].dimension;
    if (of < 0)
      continue;
    int64_t block = of == 0 ? model.scaleBlock.rows : model.scaleBlock.columns;
    for (const Part &part : dimension) {
      int64_t size = part.size();
      for (const Cut &cut : part.cuts) {
        size = llvm::divideCeil(size, cut.ways);
        if (cut.ways > 1 && size % block != 0)
          return diagnostics.error(side.loc,
                                   side.framework + " parameter '" + storage.name + "' (from '" +
                                       model.tensors[storage.views.front().tensor].name +
                                       "') is cut by " + cut.why + " into pieces of " +
                                       Twine(size) + " of " + Twine(part.size()) +
                                       ", but its scales belong to blocks of " + Twine(block));
      }
    }
  }
  return success();
}

Storage SideStorages::makeScales(const Storage &storage) const {
  Storage scales = storage;
  scales.name += "_scale_inv";
  scales.dtype = DType::F32;
  for (View &view : scales.views) {
    view.tensor = model.tensors[view.tensor].scales;
    for (ViewEntry &entry : view.entries)
      if (entry.dimension >= 0)
        entry.factors = "d" + std::to_string(entry.dimension);
  }
  for (auto [number, dimension] : llvm::enumerate(scales.dimensions)) {
    int64_t of = storage.views.front().entries[number].dimension;
    if (of < 0)
      continue;
    int64_t block = of == 0 ? model.scaleBlock.rows : model.scaleBlock.columns;
    for (Part &part : dimension)
      for (Run &run : part.runs)
        run.size = llvm::divideCeil(run.size, block);
  }
  return scales;
}

/// Verifies, besides cuts and blocks:
/// - of the tensors of one storage all have scales or none.
LogicalResult SideStorages::add(Storage storage) {
  if (failed(checkCuts(storage)))
    return failure();
  bool isScaled = model.tensors[storage.views.front().tensor].scales >= 0;
  for (const View &view : storage.views) {
    isUsed[view.tensor] = true;
    if ((model.tensors[view.tensor].scales >= 0) != isScaled)
      return diagnostics.error(
          side.loc, side.framework + " parameter '" + storage.name + "' joins '" +
                        model.tensors[storage.views.front().tensor].name + "' and '" +
                        model.tensors[view.tensor].name + "', of which only one has scales");
  }
  if (!isScaled) {
    storages.push_back(std::move(storage));
    return success();
  }
  if (failed(checkBlocks(storage)))
    return failure();
  for (const View &view : storage.views)
    isUsed[model.tensors[view.tensor].scales] = true;
  Storage scales = makeScales(storage);
  storages.push_back(std::move(storage));
  storages.push_back(std::move(scales));
  return success();
}

LogicalResult SideStorages::finish() {
  auto unused = llvm::find(isUsed, false);
  if (unused == isUsed.end())
    return success();
  size_t others = llvm::count(isUsed, false) - 1;
  return diagnostics.error(side.loc,
                           side.framework + " has no place for parameter '" +
                               model.tensors[unused - isUsed.begin()].name + "'" +
                               (others ? " and " + std::to_string(others) + " others" : ""));
}

} // namespace xfer::frontend
