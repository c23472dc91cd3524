//===- Job.h - Two sides and how each is parallel ---------------*- C++ -*-===//
//
// A job has a training and a generation side; each is a framework with sizes
// of its kinds of parallelism. Sides come from a job file (JSON, the format of
// NVIDIA's mesh-to-mesh benchmark), from the command line
// (`megatron:tp=2,pp=4,ep=16`), or from both, the command line first.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/Frontend/Json.h"
#include "xfer/IR/DType.h"
#include "xfer/IR/Diagnostics.h"
#include <optional>
#include <string>
#include <vector>

namespace xfer::frontend {

/// What may be said of a side: name, value if it is not said (0: it is computed), smallest value,
/// what it is. In a job file the names may end in `_size`.
#define XFER_SIDE_SIZES(ROW)                                                                       \
  ROW(num_gpus, 0, 1, "ranks of the side; by default what the others multiply to")                 \
  ROW(tp, 1, 1, "tensor parallelism")                                                              \
  ROW(pp, 1, 1, "pipeline stages (megatron, vllm)")                                                \
  ROW(vpp, 1, 1, "virtual stages: modules of layers that a stage has in turn (megatron)")          \
  ROW(dp, 0, 1, "data parallelism; by default what is left of num_gpus")                           \
  ROW(cp, 1, 1, "context parallelism (fsdp, megatron): copies of the weights")                     \
  ROW(ep, 1, 1, "expert parallelism (megatron, vllm), on the same ranks as tp, cp and dp")         \
  ROW(etp, 0, 1, "tensor parallelism of experts (megatron: 1; vllm: tp unless ep is given)")       \
  ROW(fsdp, 1, 1, "sharding (fsdp); dp and cp shard too")                                          \
  ROW(dp_replicate, 1, 1, "replicas of all shards, HSDP (fsdp)")                                   \
  ROW(first_rank, -1, 0, "number of the first rank; generation follows training by default")       \
  ROW(vocab_multiple, 128, 1, "the padded vocabulary is a multiple of this times tp (megatron)")

/// The same for words: name, the allowed ones (the first is the default), what it is.
#define XFER_SIDE_WORDS(ROW)                                                                       \
  ROW(dtype, "model f32 bf16 f16", "stored type of weights that are not quantised")                \
  ROW(flat, "false true", "FSDP1: one flat parameter per layer (fsdp)")                            \
  ROW(experts, "default grouped sequential", "stacked (fsdp), or by module (megatron)")            \
  ROW(transformer_impl, "transformer_engine local", "names of norms (megatron)")                   \
  ROW(expert_placement, "linear round_robin", "which experts a rank of ep has (vllm)")             \
  ROW(w13, "gate_up up_gate", "order of the halves of fused experts (vllm)")                       \
  ROW(routed_experts, "false true", "experts under `experts.routed_experts`, vLLM 0.24 on (vllm)") \
  ROW(absorbed, "false true", "also make W_UK_T and W_UV of latent attention (vllm)")

struct SideSize {
  int64_t value = 0;
  bool isGiven = false;
  llvm::SMLoc loc;
};

struct SideWord {
  std::string value;
  llvm::SMLoc loc;
};

struct Side {
  Side(); ///< with default values

  bool isSource = true;
  std::string name;      ///< `train` or `generation`; meshes begin with it
  std::string framework; ///< empty: the side is not given
  llvm::SMLoc loc;
  /// `layers`: how many each stage has; empty: the framework's own rule.
  std::vector<int64_t> stageLayers;
  llvm::SMLoc stageLayersLoc;
#define ROW(NAME, ...) SideSize NAME;
  XFER_SIDE_SIZES(ROW)
#undef ROW
#define ROW(NAME, ...) SideWord NAME;
  XFER_SIDE_WORDS(ROW)
#undef ROW

  bool isGiven() const { return !framework.empty(); }
  std::optional<DType> storedDType() const; ///< none: the model's
};

struct Job {
  Job();
  Side train, generation;
};

/// Reads `FRAMEWORK[:NAME=VALUE,...]`, a part of a source buffer.
LogicalResult parseSide(llvm::StringRef text, Side &side, Diagnostics &diagnostics);

/// Reads a job file. What the sides already say stays.
LogicalResult readJob(const JsonValue &root, Job &job, Diagnostics &diagnostics);

/// Computes what is not given and checks that sizes agree:
/// - the framework takes what is given;
/// - the sizes multiply to `num_gpus`;
/// - ranks of both sides fit.
LogicalResult resolveJob(Job &job, Diagnostics &diagnostics);

} // namespace xfer::frontend
