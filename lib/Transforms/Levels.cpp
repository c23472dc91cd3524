//===- Levels.cpp - What a pass expects to find ---------------------------===//
#include "xfer/Transforms/Levels.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Text/Printer.h"

namespace xfer {

/// True if the declarations leave the job, or the one rank that is compiled, without a route.
static bool isWithoutRoutes(Module &module, PassContext &context) {
  auto hasBothSides = [](const Tensor &tensor) { return tensor.source && !tensor.targets.empty(); };
  if (!llvm::all_of(module.tensors, hasBothSides))
    return false;
  bool none = PassRegistry::create("build-routes")->run(module, context) != PassResult::Failed &&
              PassRegistry::create("select-sources")->run(module, context) != PassResult::Failed &&
              module.routes.empty();
  module.routes.clear();
  module.level = Level::Declarations;
  return none;
}

LogicalResult expectLevel(Module &module, Level level, PassContext &context) {
  if (module.level == level)
    return success();
  auto moves = [](const Tensor &tensor) { return !llvm::is_contained(tensor.shape, 0); };
  if (module.level == Level::Declarations &&
      (llvm::none_of(module.tensors, moves) || isWithoutRoutes(module, context))) {
    module.level = level;
    return success();
  }
  return context.diagnostics.error({}, "expected " + spelling(level) + ", got a module of " +
                                           spelling(module.level));
}

LogicalResult expectBothSides(const Module &module, Diagnostics &diagnostics) {
  bool complete = true;
  for (const Tensor &tensor : module.tensors) {
    const char *missing = !tensor.source ? "source" : tensor.targets.empty() ? "target" : nullptr;
    if (!missing)
      continue;
    complete = false;
    (void)diagnostics.error(tensor.loc, "tensor '@" + tensor.name + "' has no " + missing);
  }
  return success(complete);
}

std::vector<int64_t> ranksOf(const Module &module) {
  std::vector<bool> used(module.meshes.size(), false);
  for (const Tensor &tensor : module.tensors) {
    if (tensor.source)
      used[module.layout(tensor.source->layout).mesh] = true;
    for (const Side &target : tensor.targets)
      used[module.layout(target.layout).mesh] = true;
  }
  for (const Storage &storage : module.storages)
    used[module.layout(storage.layout).mesh] = true;
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < used.size(); ++i)
    if (used[i])
      ranks.insert(ranks.end(), module.meshes[i].ranks.begin(), module.meshes[i].ranks.end());
  llvm::sort(ranks);
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

int64_t defaultMaxOperations(const Module &module) {
  return std::max<int64_t>(4096, 2 * static_cast<int64_t>(ranksOf(module).size()));
}

} // namespace xfer
