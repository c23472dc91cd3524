//===- TableWriter.h - What the programs of a plan share --------*- C++ -*-===//
#pragma once
#include "Bindings.h"
#include "PlanTables.h"

namespace xfer {

/// Numbers ids of a module in the order in which a plan first names them.
class Renumbering {
public:
  explicit Renumbering(int32_t size) : numbers(size, kAbsent) {}
  uint32_t operator()(int32_t id) {
    if (id == kNone)
      return kAbsent;
    if (numbers[id] == kAbsent) {
      numbers[id] = static_cast<uint32_t>(used.size());
      used.push_back(id);
    }
    return numbers[id];
  }
  llvm::ArrayRef<int32_t> ids() const { return used; }

private:
  std::vector<uint32_t> numbers;
  std::vector<int32_t> used;
};

/// Writes names, regions, rank lists and bindings, each once however many programs name it. What
/// programs name comes first, then the tables.
class TableWriter {
public:
  template <typename T> using Offsets = std::vector<flatbuffers::Offset<T>>;
  /// All must outlive this.
  TableWriter(const Module &module, Bindings &all, flatbuffers::FlatBufferBuilder &builder);

  uint32_t rankList(RankListId id) { return rankListNumber(id); }
  uint32_t logicalRegion(RegionId id) { return logicalRegionNumber(id); }
  uint32_t region(StridedRegionId id); ///< kAbsent for kNone
  uint32_t region(const StridedRegion &region);
  flatbuffers::Offset<fb::Binding> binding(int32_t memory, int64_t position);

  Offsets<fb::Tensor> tensors();
  Offsets<fb::Region> regions();
  Offsets<fb::LogicalRegion> logicalRegions();
  Offsets<fb::RankList> rankLists();

private:
  flatbuffers::Offset<flatbuffers::String> nameOf(TensorId tensor);
  flatbuffers::Offset<flatbuffers::String> nameOf(const BoundMemory &memory);

  const Module &module;
  Bindings &all;
  flatbuffers::FlatBufferBuilder &builder;
  Renumbering rankListNumber, logicalRegionNumber;
  std::vector<uint32_t> regionNumbers;               ///< by id
  std::vector<const StridedRegion *> writtenRegions; ///< by number
  SequenceInterner ownRegionKeys;
  std::deque<StridedRegion> ownRegions;   ///< of which the module has none
  std::vector<uint32_t> ownRegionNumbers; ///< by key
  SequenceInterner bindingKeys;
  Offsets<fb::Binding> knownBindings;       ///< by binding key
  Offsets<flatbuffers::String> tensorNames; ///< by tensor
  llvm::DenseMap<llvm::StringRef, flatbuffers::Offset<flatbuffers::String>> otherNames;
};

} // namespace xfer
