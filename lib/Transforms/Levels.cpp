//===- Levels.cpp - What a pass expects to find ---------------------------===//
#include "xfer/Transforms/Levels.h"

namespace xfer {

llvm::StringRef spelling(Level level) {
  switch (level) {
  case Level::Declarations:
    return "declarations";
  case Level::Routes:
    return "routes";
  case Level::Chunks:
    return "chunks";
  case Level::Programs:
    return "programs";
  }
  return "";
}

LogicalResult expectLevel(Module &module, Level level, Diagnostics &diagnostics) {
  if (module.level == level)
    return success();
  bool moves = llvm::any_of(
      module.tensors, [](const Tensor &tensor) { return !llvm::is_contained(tensor.shape, 0); });
  if (module.level == Level::Declarations && !moves) {
    module.level = level;
    return success();
  }
  return diagnostics.error({}, "expected " + spelling(level) + ", got a module of " +
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
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < used.size(); ++i)
    if (used[i])
      ranks.insert(ranks.end(), module.meshes[i].ranks.begin(), module.meshes[i].ranks.end());
  llvm::sort(ranks);
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

} // namespace xfer
