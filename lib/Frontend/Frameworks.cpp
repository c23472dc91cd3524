//===- Frameworks.cpp - Who lays tensors out how --------------------------===//
#include "xfer/Frontend/Frameworks.h"
#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace xfer::frontend {

static constexpr StringRef kFsdpOptions[] = {"cp", "fsdp", "dp_replicate", "flat", "experts"};
static constexpr StringRef kMegatronOptions[] = {
    "pp", "vpp", "cp", "ep", "etp", "layers", "vocab_multiple", "experts", "transformer_impl"};
static constexpr StringRef kVllmOptions[] = {
    "pp", "ep", "etp", "layers", "expert_placement", "w13", "routed_experts", "absorbed"};

static constexpr Framework kFrameworks[] = {
    {"fsdp", "PyTorch FSDP2 (also FSDP1 and HSDP), HuggingFace names", kFsdpOptions, true,
     placeFsdp},
    {"megatron", "Megatron-Core", kMegatronOptions, false, placeMegatron},
    {"vllm", "vLLM", kVllmOptions, true, placeVllm},
};

bool Framework::takes(StringRef option) const {
  static constexpr StringRef kCommon[] = {"num_gpus", "tp", "dp", "first_rank", "dtype"};
  return llvm::is_contained(kCommon, option) || llvm::is_contained(options, option);
}

llvm::ArrayRef<Framework> frameworks() { return kFrameworks; }

const Framework *findFramework(StringRef name) {
  auto found = llvm::find_if(kFrameworks, [&](const Framework &one) { return one.name == name; });
  return found == std::end(kFrameworks) ? nullptr : found;
}

} // namespace xfer::frontend
