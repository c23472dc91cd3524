//===- Module.cpp - A whole transfer --------------------------------------===//
//
// Symbol lookup and the encodings under which values are interned.
//===----------------------------------------------------------------------===//
#include "xfer/IR/Module.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using llvm::SmallVector;
using llvm::StringRef;

namespace xfer {

int64_t Split::numPieces() const {
  int64_t product = 1;
  for (const AxisRef &axis : axes)
    product *= axis.size;
  return product;
}

int Mesh::axisIndex(StringRef axisName) const {
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i].name == axisName)
      return static_cast<int>(i);
  return -1;
}

template <typename Map> static int32_t find(const Map &map, StringRef name) {
  auto found = map.find(name);
  return found == map.end() ? kNone : found->second;
}

int32_t Module::findMesh(StringRef name) const { return find(meshByName, name); }
int32_t Module::findTensor(StringRef name) const { return find(tensorByName, name); }

int32_t Module::addMesh(Mesh mesh) {
  int32_t id = static_cast<int32_t>(meshes.size());
  mesh.name = meshByName.try_emplace(mesh.name, id).first->first();
  meshes.push_back(std::move(mesh));
  return id;
}

int32_t Module::addTensor(Tensor tensor) {
  int32_t id = static_cast<int32_t>(tensors.size());
  tensor.name = tensorByName.try_emplace(tensor.name, id).first->first();
  tensors.push_back(std::move(tensor));
  return id;
}

SmallVector<int64_t, 3> dimExtents(const Tensor &tensor) {
  if (tensor.factors.empty())
    return tensor.shape;
  SmallVector<int64_t, 3> extents;
  size_t index = 0;
  for (int32_t numFactors : tensor.factors) {
    int64_t &extent = extents.emplace_back(1);
    for (int32_t i = 0; i < numFactors; ++i)
      extent *= tensor.shape[index++];
  }
  return extents;
}

StorageShape ownShape(const Tensor &tensor) {
  StorageShape shape;
  for (int64_t extent : dimExtents(tensor))
    shape.dims.emplace_back().emplace_back().add({Run::Kind::Data, "", extent});
  return shape;
}

View ownView(const Tensor &tensor) {
  View view;
  int32_t index = 0;
  size_t numDims = tensor.factors.empty() ? tensor.shape.size() : tensor.factors.size();
  for (size_t d = 0; d < numDims; ++d) {
    ViewEntry &entry = view.entries.emplace_back();
    for (int32_t f = tensor.factors.empty() ? 1 : tensor.factors[d]; f-- > 0; ++index)
      entry.factors.push_back({index, 0, tensor.shape[index]});
  }
  return view;
}

void Module::addAlias(Alias alias) {
  alias.name = tensorByName.try_emplace(alias.name, alias.tensor).first->first();
  aliases.push_back(alias);
}

StorageShapeId Module::intern(const StorageShape &shape) {
  SmallVector<int64_t, 32> code;
  for (const StorageDim &dim : shape.dims) {
    code.push_back(static_cast<int64_t>(dim.size()));
    for (const StoragePart &part : dim) {
      code.append({part.repeat, static_cast<int64_t>(part.runs.size())});
      for (const Run &run : part.runs) // equal names are one saved string
        code.append({static_cast<int64_t>(run.kind), run.size,
                     static_cast<int64_t>(reinterpret_cast<intptr_t>(run.name.data()))});
    }
  }
  return storageShapes.intern(code, shape);
}

ViewId Module::intern(const View &view) {
  SmallVector<int64_t, 32> code{view.occurrence};
  for (const ViewEntry &entry : view.entries) {
    code.append({entry.at.part, entry.at.run, entry.fixed,
                 static_cast<int64_t>(entry.factors.size()),
                 static_cast<int64_t>(entry.table.size()), // equal tables are one saved table
                 static_cast<int64_t>(reinterpret_cast<intptr_t>(entry.table.data()))});
    for (const ViewFactor &factor : entry.factors)
      code.append({factor.index, factor.begin, factor.end});
  }
  return views.intern(code, view);
}

LayoutId Module::intern(const Layout &layout) {
  SmallVector<int64_t, 64> code{layout.mesh, static_cast<int64_t>(layout.reduction),
                                static_cast<int64_t>(layout.partialAxes.size())};
  code.append(layout.partialAxes.begin(), layout.partialAxes.end());
  for (const DimLayout &dim : layout.dims) {
    code.push_back(static_cast<int64_t>(dim.size()));
    for (const Split &split : dim) {
      code.append({static_cast<int64_t>(split.rule), split.factor,
                   static_cast<int64_t>(split.axes.size()),
                   static_cast<int64_t>(split.sizes.size())});
      for (const AxisRef &axis : split.axes)
        code.append({axis.axis, axis.preSize, axis.size});
      code.append(split.sizes.begin(), split.sizes.end());
    }
  }
  return layouts.intern(code, layout);
}

RegionId Module::intern(const Region &region) {
  SmallVector<int64_t, 32> code;
  for (const DimSegments &dim : region.dims) {
    code.push_back(static_cast<int64_t>(dim.size()));
    for (const Segment &segment : dim)
      code.append({segment.begin, segment.run, segment.stride, segment.count});
  }
  return regions.intern(code, region);
}

StridedRegionId Module::intern(const StridedRegion &region) {
  SmallVector<int64_t, 16> code{region.offset};
  for (size_t i = 0; i < region.sizes.size(); ++i)
    code.append({region.sizes[i], region.strides[i]});
  return stridedRegions.intern(code, region);
}

bool Module::contains(RankListId list, int64_t rank) const {
  constexpr size_t kLong = 32;
  llvm::ArrayRef<int64_t> ranks = rankLists[list];
  if (ranks.size() < kLong)
    return llvm::is_contained(ranks, rank);
  std::vector<int64_t> &sorted = sortedRankLists[list];
  if (sorted.empty()) {
    sorted = ranks.vec();
    llvm::sort(sorted);
  }
  return std::binary_search(sorted.begin(), sorted.end(), rank);
}

} // namespace xfer
