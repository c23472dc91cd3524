//===- ModelFiles.h - Models from files -------------------------*- C++ -*-===//
//
// What describes a model: a HuggingFace config.json, a safetensors file, an
// index of several of them, a JSON object of shapes, or a directory with a
// config.json and one of the others. Of tensor files only headers are read.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Json.h"
#include "xfer/Frontend/Model.h"
#include "llvm/Support/MemoryBuffer.h"
#include <functional>
#include <memory>

namespace xfer::frontend {

/// Reads a whole file; null after an error.
using FileReader =
    std::function<std::unique_ptr<llvm::MemoryBuffer>(llvm::StringRef path, Diagnostics &)>;

/// Reads at most one configuration and at most one list of tensors. With both, the tensors must be
/// those of the configuration. `paths` lie in a source buffer, so that errors can point at them.
LogicalResult readModel(llvm::ArrayRef<llvm::StringRef> paths, const FileReader &readFile,
                        Model &model, Diagnostics &diagnostics);

/// ModelConfig.cpp: a configuration of a known family.
LogicalResult readModelConfig(const JsonValue &root, Architecture &architecture,
                              Diagnostics &diagnostics);
/// TensorLists.cpp: `{name: {"shape": [...], "dtype": "BF16"}}`.
LogicalResult readTensorObject(const JsonValue &root, std::vector<ModelTensor> &tensors,
                               Diagnostics &diagnostics);
/// TensorLists.cpp: the tensors of one safetensors file.
LogicalResult readTensorFile(llvm::StringRef path, std::vector<ModelTensor> &tensors,
                             Diagnostics &diagnostics);
/// TensorLists.cpp: the names in an index, and the tensors in the files beside `path` if they are
/// there; `hasShapes` says whether they are.
LogicalResult readTensorIndex(llvm::StringRef path, const JsonValue &root, bool mayLackFiles,
                              std::vector<ModelTensor> &tensors, bool &hasShapes,
                              Diagnostics &diagnostics);

} // namespace xfer::frontend
