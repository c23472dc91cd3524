//===- FuzzCompile.cpp - Small texts through the whole compiler -----------===//
//
// Runs what is left of the default pipeline on whatever text verifies. From
// declarations alone the plan must prove right, load, and read back as the module
// that it was made from; lowered text may be wrong, which verify-plan says.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Plan/ReadPlan.h"
#include "xfer/Transforms/Pipelines.h"
#include "xfer/runtime.h"

using namespace xfer;
using namespace xfer::fuzz;

static bool isFlattened(const View &view) {
  return llvm::any_of(view.entries,
                      [](const ViewEntry &entry) { return entry.factors.size() > 1; });
}

/// Every element of a flattened tensor may be a chunk.
static bool isSmallIfFlattened(const Tensor &tensor, const View &view) {
  constexpr int64_t kMaxElements = 1 << 14;
  int64_t elements = 1;
  for (int64_t extent : tensor.shape)
    elements *= extent;
  return elements <= kMaxElements || !isFlattened(view);
}

/// Large jobs are legal and slow, which is no finding.
static bool isSmall(const Module &module) {
  constexpr size_t kMaxRanks = 32, kMaxTensors = 16;
  auto hasFewRanks = [](const Mesh &mesh) { return mesh.ranks.size() <= kMaxRanks; };
  if (module.tensors.size() > kMaxTensors || !llvm::all_of(module.meshes, hasFewRanks))
    return false;
  for (const Tensor &tensor : module.tensors)
    if (!isSmallIfFlattened(tensor, ownView(tensor)))
      return false;
  for (const Storage &storage : module.storages)
    for (const StorageView &view : storage.views)
      if (!isSmallIfFlattened(module.tensors[view.tensor], module.view(view.view)))
        return false;
  return true;
}

/// Buckets of about a sixteenth of the largest tensor, so that small ones are cut too, and huge
/// ones not into millions.
static PipelineOptions scaledOptions(const Module &module) {
  int64_t bytes = 64;
  for (const Tensor &tensor : module.tensors) {
    int64_t tensorBytes = byteWidth(tensor.dtype);
    for (int64_t extent : tensor.shape)
      tensorBytes *= extent;
    bytes = std::max(bytes, tensorBytes);
  }
  PipelineOptions options;
  options.bucketBytes = std::max<int64_t>(64, bytes / 16);
  options.stagingBytes = std::min<int64_t>(bytes, int64_t(1) << 60) * 4;
  return options;
}

static void checkPlan(const Module &module, const std::string &pipeline) {
  Case input;
  std::vector<uint8_t> bytes;
  if (failed(emitPlan(module, pipeline, bytes, input.diagnostics))) {
    if (input.said.find("moves more than 2^60 bytes") != std::string::npos)
      return;
    reject("a proven plan is emitted", input.said);
  }
  xfer_plan_t *plan = nullptr;
  if (xfer_plan_load(bytes.data(), bytes.size(), &plan) != XFER_OK)
    reject("an emitted plan loads", xfer_last_error());
  xfer_plan_destroy(plan);
  std::string samePipeline;
  std::unique_ptr<Module> same =
      readPlan(asText(bytes.data(), bytes.size()), samePipeline, input.diagnostics);
  if (!same)
    reject("an emitted plan is read", input.said);
  if (samePipeline != pipeline || printChecked(*same) != printChecked(module))
    reject("a plan is read as it was emitted", printChecked(*same) + printChecked(module));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Case input;
  std::unique_ptr<Module> module = readText(input, asText(data, size));
  if (!module || !isSmall(*module))
    return -1; // FuzzText's concern
  const bool isLowered = module->level != Level::Declarations;
  const std::string start = startOfPipeline(*module);
  PassManager manager;
  PassContext context{input.diagnostics, std::nullopt};
  buildDefaultPipeline(manager, *module, scaledOptions(*module));
  const bool isCompiled = succeeded(manager.run(*module, context));
  input.expectErrorIf(!isCompiled);
  if (isCompiled)
    checkPlan(*module, start + manager.print());
  else if (!isLowered && input.said.find("\nnote: pass 'verify-plan'") != std::string::npos)
    reject("the default pipeline makes plans that verify", input.said);
  return 0;
}
