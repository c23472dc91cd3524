//===- Translate.h - A model and a job to text ------------------*- C++ -*-===//
//
// The frontends' last step: each side's framework places the model's tensors,
// and the result is printed as xfer text.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Storages.h"

namespace xfer::frontend {

/// What moves where weights are quantised with block scales.
enum class Quantization : uint8_t {
  Automatic,  ///< as in the checkpoint if both sides are servers, else without scales
  Checkpoint, ///< quantised weights and their scales
  None,       ///< weights in the type of the others, no scales
};

struct TranslateOptions {
  Quantization quantization = Quantization::Automatic;
  bool printTrain = true, printGeneration = true;
};

/// Appends the text of a resolved job. Both sides are placed, and their errors reported, even if
/// one is printed.
LogicalResult translate(Model &model, const Job &job, const TranslateOptions &options,
                        std::string &text, Diagnostics &diagnostics);

/// PrintTransfer.cpp: tensors and storages, layer by layer.
void printTransfer(const Model &model, llvm::ArrayRef<const SideStorages *> sides,
                   std::string &text);

} // namespace xfer::frontend
