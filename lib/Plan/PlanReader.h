//===- PlanReader.h - From plan file to module, checking --------*- C++ -*-===//
//
// The state that reading passes along; private to the files named Read*.cpp. The
// order of the steps is the order in which later checks may rely on earlier ones.
//===----------------------------------------------------------------------===//
#pragma once
#include "PlanTables.h"
#include "xfer/IR/Diagnostics.h"
#include "xfer/IR/Module.h"
#include "llvm/ADT/Twine.h"
#include <memory>
#include <span>

namespace xfer {

class PlanReader {
public:
  PlanReader(std::span<const uint8_t> file, Diagnostics &diagnostics)
      : file(file), diagnostics(diagnostics), vectors(file.size()) {}
  /// 1. the file is what was written; 2. declarations; 3. tables; 4. programs; 5. what they bind;
  /// 6. the whole.
  std::unique_ptr<Module> read(std::string &pipeline);

private:
  LogicalResult error(const llvm::Twine &text) { return diagnostics.error({}, "plan: " + text); }
  LogicalResult checkFile();
  LogicalResult readDeclarations();
  LogicalResult readTensors();
  LogicalResult readRegions();
  LogicalResult readLogicalRegions();
  LogicalResult readRankLists();
  LogicalResult readPrograms();
  LogicalResult checkBindings();
  LogicalResult readProgram(const fb::Program &from, Program &to);
  LogicalResult readBucket(const fb::Program &program, const fb::Bucket &from, Program &to);
  LogicalResult readChunk(const fb::Chunk &from, const fb::LogicalChunk &logical,
                          const Bucket &bucket, Program &to);

  template <typename T> static auto at(const flatbuffers::Vector<T> *vector, size_t index) {
    return vector->Get(static_cast<flatbuffers::uoffset_t>(index));
  }

  std::span<const uint8_t> file;
  Diagnostics &diagnostics;
  fb::VectorGuard vectors;
  const fb::Plan *plan = nullptr;
  std::unique_ptr<Module> module;
  std::vector<StridedRegionId> regions; ///< by number in the plan
  std::vector<RegionId> logicalRegions;
  std::vector<RankListId> rankLists;
};

} // namespace xfer
