//===- TableWriter.cpp - What the programs of a plan share ----------------===//
#include "TableWriter.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;

namespace xfer {

template <typename T> using Offset = flatbuffers::Offset<T>;
template <typename T> using Offsets = TableWriter::Offsets<T>;

TableWriter::TableWriter(const Module &module, Bindings &all,
                         flatbuffers::FlatBufferBuilder &builder)
    : module(module), all(all), builder(builder), rankListNumber(module.numRankLists()),
      logicalRegionNumber(module.numRegions()), regionNumbers(module.numStridedRegions(), kAbsent),
      tensorNames(module.tensors.size()) {}

Offset<flatbuffers::String> TableWriter::nameOf(TensorId tensor) {
  llvm::StringRef name = module.tensors[tensor].name;
  if (tensorNames[tensor].IsNull())
    tensorNames[tensor] = builder.CreateString(name.data(), name.size());
  return tensorNames[tensor];
}

/// A tensor and the bindings named like it share the text.
Offset<flatbuffers::String> TableWriter::nameOf(const BoundMemory &memory) {
  if (memory.tensor != kNone && memory.name == module.tensors[memory.tensor].name)
    return nameOf(memory.tensor);
  auto [entry, isNew] = otherNames.try_emplace(memory.name);
  if (isNew)
    entry->second = builder.CreateString(memory.name.data(), memory.name.size());
  return entry->second;
}

Offsets<fb::Tensor> TableWriter::tensors() {
  Offsets<fb::Tensor> result;
  for (size_t t = 0; t < module.tensors.size(); ++t) {
    auto name = nameOf(static_cast<TensorId>(t));
    result.push_back(
        fb::CreateTensor(builder, name, static_cast<fb::DType>(module.tensors[t].dtype)));
  }
  return result;
}

Offsets<fb::Region> TableWriter::regions() {
  Offsets<fb::Region> result;
  std::vector<fb::Loop> loops;
  for (const StridedRegion *written : writtenRegions) {
    const StridedRegion &region = *written;
    loops.clear();
    for (size_t l = 0; l < region.sizes.size(); ++l)
      loops.emplace_back(region.sizes[l], region.strides[l]);
    result.push_back(fb::CreateRegionDirect(builder, region.offset, &loops));
  }
  return result;
}

Offsets<fb::LogicalRegion> TableWriter::logicalRegions() {
  Offsets<fb::LogicalRegion> result;
  std::vector<fb::Segment> segments;
  for (int32_t id : logicalRegionNumber.ids()) {
    segments.clear();
    for (const DimSegments &dim : module.region(id).dims) {
      const Segment &segment = dim.front();
      segments.emplace_back(segment.begin, segment.run, segment.stride, segment.count);
    }
    result.push_back(fb::CreateLogicalRegionDirect(builder, &segments));
  }
  return result;
}

Offsets<fb::RankList> TableWriter::rankLists() {
  Offsets<fb::RankList> result;
  for (int32_t id : rankListNumber.ids()) {
    ArrayRef<int64_t> ranks = module.rankList(id);
    result.push_back(fb::CreateRankList(builder, builder.CreateVector(ranks.data(), ranks.size())));
  }
  return result;
}

uint32_t TableWriter::region(StridedRegionId id) {
  if (id == kNone)
    return kAbsent;
  if (regionNumbers[id] == kAbsent) {
    regionNumbers[id] = static_cast<uint32_t>(writtenRegions.size());
    writtenRegions.push_back(&module.stridedRegion(id));
  }
  return regionNumbers[id];
}

uint32_t TableWriter::region(const StridedRegion &region) {
  llvm::SmallVector<int64_t, 8> key{region.offset};
  llvm::append_range(key, region.sizes);
  llvm::append_range(key, region.strides);
  int32_t id = ownRegionKeys.intern(key);
  if (id == static_cast<int32_t>(ownRegionNumbers.size())) {
    ownRegionNumbers.push_back(static_cast<uint32_t>(writtenRegions.size()));
    writtenRegions.push_back(&ownRegions.emplace_back(region));
  }
  return ownRegionNumbers[id];
}

Offset<fb::Binding> TableWriter::binding(int32_t number, int64_t position) {
  const BoundMemory &memory = all.memories()[number];
  auto shape = all.memoryOf(number).shape(position);
  llvm::SmallVector<int64_t, 8> key{number};
  llvm::append_range(key, shape);
  int32_t id = bindingKeys.intern(key);
  if (id == static_cast<int32_t>(knownBindings.size())) {
    auto name = nameOf(memory);
    knownBindings.push_back(
        fb::CreateBinding(builder, name, static_cast<fb::DType>(memory.dtype),
                          static_cast<fb::ReduceOp>(module.layout(memory.layout).reduction),
                          builder.CreateVector(shape.data(), shape.size())));
  }
  return knownBindings[id];
}

} // namespace xfer
