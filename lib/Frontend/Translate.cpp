//===- Translate.cpp - A model and a job to text --------------------------===//
#include "xfer/Frontend/Translate.h"
#include "xfer/Frontend/Frameworks.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {

/// Decides whether scales move. Trainers hold weights in their own type, so that with one of them
/// quantised weights cannot be what is moved, unless the caller says so.
static LogicalResult applyQuantization(Model &model, const Job &job, Quantization quantization,
                                       Diagnostics &diagnostics) {
  int64_t scales = model.scaleCount();
  if (!scales)
    return success();
  for (const Side *side : {&job.train, &job.generation}) {
    const Framework *framework = side->isGiven() ? findFramework(side->framework) : nullptr;
    if (quantization == Quantization::Checkpoint && framework && !framework->holdsScales)
      return diagnostics.error(side->loc, side->framework + " holds no block scales, but " +
                                              Twine(scales) + " weights have them");
    if (quantization == Quantization::Automatic && framework && side->framework != "vllm") {
      diagnostics.warning(
          side->loc, side->framework + " holds no block scales: " + Twine(scales) +
                         " quantised weights move as " +
                         spelling(model.architecture ? model.architecture->dtype : DType::BF16) +
                         "; say '--quantization=none' or 'checkpoint'");
      quantization = Quantization::None;
    }
  }
  if (quantization != Quantization::None)
    return success();
  model.remarks.push_back("the checkpoint's block scales are left out: weights are not quantised");
  return dropScales(model, diagnostics);
}

/// Tells heads apart in the rows that absorption takes to pieces, for both sides alike.
static void factorHeads(Model &model, const Job &job) {
  bool isAbsorbed = job.train.absorbed.value == "true" || job.generation.absorbed.value == "true";
  if (!isAbsorbed || !model.architecture || !model.architecture->isLatent)
    return;
  for (ModelTensor &tensor : model.tensors)
    if (StringRef(tensor.name).ends_with("kv_b_proj.weight"))
      tensor.firstFactor = model.architecture->heads;
}

LogicalResult translate(Model &model, const Job &job, const TranslateOptions &options,
                        std::string &text, Diagnostics &diagnostics) {
  if (failed(applyQuantization(model, job, options.quantization, diagnostics)))
    return failure();
  factorHeads(model, job);
  SideStorages train(model, job.train, diagnostics);
  SideStorages generation(model, job.generation, diagnostics);
  std::vector<const SideStorages *> printed;
  for (SideStorages *side : {&train, &generation}) {
    if (!side->side.isGiven())
      continue;
    if (failed(findFramework(side->side.framework)->place(*side)))
      return failure();
    if (side == &train ? options.printTrain : options.printGeneration)
      printed.push_back(side);
  }
  printTransfer(model, printed, text);
  return success();
}

} // namespace xfer::frontend
