//===- Frameworks.h - Who lays tensors out how ------------------*- C++ -*-===//
//
// The table of frameworks. Each is one file, named as it is: it puts every
// tensor of a model into storages of one side.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Storages.h"

namespace xfer::frontend {

struct Framework {
  llvm::StringRef name, summary;
  /// Names of the options that it takes; `num_gpus`, `tp`, `dp`, `first_rank` and `dtype` besides.
  llvm::ArrayRef<llvm::StringRef> options;
  /// Weights may stay quantised with block scales.
  bool holdsScales;
  LogicalResult (*place)(SideStorages &out);

  bool takes(llvm::StringRef option) const;
};

llvm::ArrayRef<Framework> frameworks();
const Framework *findFramework(llvm::StringRef name); ///< null if there is none

LogicalResult placeFsdp(SideStorages &out);
LogicalResult placeMegatron(SideStorages &out);
LogicalResult placeVllm(SideStorages &out);

} // namespace xfer::frontend
