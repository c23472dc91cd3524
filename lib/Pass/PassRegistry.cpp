//===- PassRegistry.cpp - Passes by name ----------------------------------===//
//
// The table of passes, made from Passes.def.
//===----------------------------------------------------------------------===//
#include "xfer/Pass/PassRegistry.h"
#include "xfer/IR/Spelling.h"
#include "xfer/Transforms/Passes.h"
#include "llvm/ADT/SmallVectorExtras.h"

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

static const PassInfo passTable[] = {
#define XFER_PASS(FLAG, CLASS, SUMMARY) {FLAG, SUMMARY, create##CLASS##Pass},
#include "xfer/Transforms/Passes.def"
};

ArrayRef<PassInfo> PassRegistry::all() { return passTable; }

std::unique_ptr<Pass> PassRegistry::create(StringRef flag) {
  for (const PassInfo &info : passTable)
    if (info.flag == flag)
      return create(info);
  return nullptr;
}

std::unique_ptr<Pass> PassRegistry::create(const PassInfo &info) {
  std::unique_ptr<Pass> pass = info.create();
  pass->setName = info.flag;
  return pass;
}

llvm::SmallVector<StringRef> PassRegistry::flags() {
  return llvm::map_to_vector(all(), [](const PassInfo &info) { return info.flag; });
}

} // namespace xfer
