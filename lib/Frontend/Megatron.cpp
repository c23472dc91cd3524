//===- Megatron.cpp - Megatron-Core ---------------------------------------===//
//
// On each mesh of MegatronStages.h, names count local layers and local experts.
// Query, key and value are interleaved by groups, gate and up lie one after the
// other in each rank's rows, the first norms of a layer belong to the linear
// layers after them.
//
//   source storage @decoder.layers.0.self_attention.linear_qkv.weight
//       : bf16[4 x (q:1024 | k:128 | v:128), 2048] on @train-stage1 split [{tp}, {}] {
//     view @model.layers.16.self_attn.q_proj.weight [q: d0, d1]
//     ...
//===----------------------------------------------------------------------===//
#include "MegatronStages.h"
#include "xfer/Frontend/Frameworks.h"
#include "llvm/Support/MathExtras.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

class MegatronPlacement {
public:
  MegatronPlacement(SideStorages &out, const Architecture &a)
      : out(out), side(out.side),
        a(a), cut{"tp", side.tp.value, false, "tp " + std::to_string(side.tp.value)},
        expertTensorCut{"etp", side.etp.value, false, "etp " + std::to_string(side.etp.value)},
        fusesNorms(side.transformer_impl.value == "transformer_engine") {}
  LogicalResult place();

private:
  struct Layer {
    std::string name;   ///< of the module, with the local number
    std::string tensor; ///< of the model, with the global number
    int64_t mesh = 0;
    llvm::ArrayRef<int64_t> expertMeshes; ///< by the coordinate on ep
  };
  LogicalResult placeEnds();
  LogicalResult placeVocabulary(StringRef name, StringRef tensor, int64_t mesh);
  LogicalResult placeLayer(const Layer &layer, bool hasExperts);
  LogicalResult placeGroupedAttention(const Layer &layer);
  LogicalResult placeInterleaved(const Layer &layer, StringRef kind);
  LogicalResult placeLatentAttention(const Layer &layer);
  LogicalResult placeFeedForward(const Layer &layer, StringRef module, StringRef tensorModule,
                                 bool hasBias);
  LogicalResult placeExperts(const Layer &layer);
  LogicalResult placeGatedPair(StringRef name, const Twine &tensors, int64_t mesh, const Cut &by,
                               StringRef kind = "weight");
  LogicalResult whole(const Twine &name, const Twine &tensor, int64_t mesh, size_t dimension = 0,
                      const Cut &by = Cut()) {
    return addWhole(out, name.str(), out.tensor(tensor), mesh, dimension, by);
  }
  /// A norm: part of the linear layer that uses it, or a module of its own.
  LogicalResult norm(const Layer &layer, StringRef linear, StringRef own, StringRef tensor) {
    std::string name =
        fusesNorms && !linear.empty() ? linear.str() + ".layer_norm_weight" : own.str() + ".weight";
    return whole(layer.name + name, layer.tensor + tensor + ".weight", layer.mesh);
  }

  SideStorages &out;
  const Side &side;
  const Architecture &a;
  Cut cut, expertTensorCut;
  bool fusesNorms;
  MegatronStages stages;
};

LogicalResult MegatronPlacement::placeVocabulary(StringRef name, StringRef tensor, int64_t mesh) {
  int64_t rows = llvm::alignTo(a.vocabulary, side.vocab_multiple.value * side.tp.value);
  return addPadded(out, name, out.tensor(tensor), rows, "pad", mesh, cut);
}

/// What lies before the first layer and after the last. Tied embeddings have a copy in the last
/// stage, of which a source needs none.
LogicalResult MegatronPlacement::placeEnds() {
  const std::string &first = stages.chunks.front().name, &last = stages.chunks.back().name;
  if (failed(placeVocabulary(first + "embedding.word_embeddings.weight",
                             "model.embed_tokens.weight", stages.meshes.front())) ||
      failed(whole(last + "decoder.final_layernorm.weight", "model.norm.weight",
                   stages.meshes.back())))
    return failure();
  if (!a.tiedEmbeddings)
    return placeVocabulary(last + "output_layer.weight", "lm_head.weight", stages.meshes.back());
  if (side.pp.value > 1 && !side.isSource)
    return placeVocabulary(last + "output_layer.weight", "model.embed_tokens.weight",
                           stages.meshes.back());
  return success();
}

/// One storage of `kind` (weight, bias) with the rows of query, key and value group by group.
LogicalResult MegatronPlacement::placeInterleaved(const Layer &layer, StringRef kind) {
  Storage storage;
  Part part;
  part.repeat = a.kvHeads;
  for (StringRef run : {"q", "k", "v"}) {
    int64_t tensor = out.tensor(layer.tensor + "self_attn." + run + "_proj." + kind);
    if (tensor < 0)
      return failure();
    if (run == "q")
      storage = wholeStorage(out, layer.name + "self_attention.linear_qkv." + kind.str(), tensor,
                             layer.mesh);
    else
      storage.views.push_back({tensor, out.wholeEntries(tensor)});
    storage.views.back().entries[0].run = run.str();
    part.runs.push_back({run.str(), run == "q" ? a.heads / a.kvHeads * a.headSize : a.headSize});
  }
  if (cut.ways > 1)
    part.cuts.push_back(cut);
  storage.dimensions[0] = {std::move(part)};
  return out.add(std::move(storage));
}

LogicalResult MegatronPlacement::placeGroupedAttention(const Layer &layer) {
  const std::string attention = layer.name + "self_attention.",
                    tensors = layer.tensor + "self_attn.";
  if (failed(norm(layer, "self_attention.linear_qkv", "input_layernorm", "input_layernorm")) ||
      failed(placeInterleaved(layer, "weight")) ||
      failed(
          whole(attention + "linear_proj.weight", tensors + "o_proj.weight", layer.mesh, 1, cut)))
    return failure();
  if (a.attentionBias &&
      (failed(placeInterleaved(layer, "bias")) ||
       failed(whole(attention + "linear_proj.bias", tensors + "o_proj.bias", layer.mesh))))
    return failure();
  if (a.queryKeyNorm &&
      (failed(norm(layer, "", "self_attention.q_layernorm", "self_attn.q_norm")) ||
       failed(norm(layer, "", "self_attention.k_layernorm", "self_attn.k_norm"))))
    return failure();
  return success();
}

/// The down projections are whole on every rank of tp.
LogicalResult MegatronPlacement::placeLatentAttention(const Layer &layer) {
  const std::string attention = layer.name + "self_attention.",
                    tensors = layer.tensor + "self_attn.";
  int64_t mesh = layer.mesh;
  if (failed(norm(layer, "", "input_layernorm", "input_layernorm")))
    return failure();
  if (a.queryLatent) {
    if (failed(whole(attention + "linear_q_down_proj.weight", tensors + "q_a_proj.weight", mesh)) ||
        failed(norm(layer, "self_attention.linear_q_up_proj", "self_attention.q_layernorm",
                    "self_attn.q_a_layernorm")) ||
        failed(whole(attention + "linear_q_up_proj.weight", tensors + "q_b_proj.weight", mesh, 0,
                     cut)))
      return failure();
  } else if (failed(whole(attention + "linear_q_proj.weight", tensors + "q_proj.weight", mesh, 0,
                          cut))) {
    return failure();
  }
  return success(
      succeeded(whole(attention + "linear_kv_down_proj.weight",
                      tensors + "kv_a_proj_with_mqa.weight", mesh)) &&
      succeeded(norm(layer, "self_attention.linear_kv_up_proj", "self_attention.kv_layernorm",
                     "self_attn.kv_a_layernorm")) &&
      succeeded(whole(attention + "linear_kv_up_proj.weight", tensors + "kv_b_proj.weight", mesh, 0,
                      cut)) &&
      succeeded(whole(attention + "linear_proj.weight", tensors + "o_proj.weight", mesh, 1, cut)));
}

/// Gate and up of one feed-forward, each cut by itself.
LogicalResult MegatronPlacement::placeGatedPair(StringRef name, const Twine &tensors, int64_t mesh,
                                                const Cut &by, StringRef kind) {
  std::string prefix = tensors.str();
  return addFused(out, name,
                  {FusedPiece{"gate", out.tensor(prefix + "gate_proj." + kind), by},
                   FusedPiece{"up", out.tensor(prefix + "up_proj." + kind), by}},
                  mesh);
}

LogicalResult MegatronPlacement::placeFeedForward(const Layer &layer, StringRef module,
                                                  StringRef tensorModule, bool hasBias) {
  std::string name = layer.name + module.str(), tensors = layer.tensor + tensorModule.str();
  if (failed(placeGatedPair(name + "linear_fc1.weight", tensors, layer.mesh, cut)) ||
      failed(whole(name + "linear_fc2.weight", tensors + "down_proj.weight", layer.mesh, 1, cut)))
    return failure();
  if (!hasBias)
    return success();
  if (failed(placeGatedPair(name + "linear_fc1.bias", tensors, layer.mesh, cut, "bias")))
    return failure();
  return whole(name + "linear_fc2.bias", tensors + "down_proj.bias", layer.mesh);
}

LogicalResult MegatronPlacement::placeExperts(const Layer &layer) {
  const std::string mlp = layer.name + "mlp.", tensors = layer.tensor + "mlp.";
  if (failed(norm(layer, "", "pre_mlp_layernorm", "post_attention_layernorm")) ||
      failed(whole(mlp + "router.weight", tensors + "gate.weight", layer.mesh)))
    return failure();
  if (a.routerBias && failed(whole(mlp + "router.expert_bias",
                                   tensors + "gate.e_score_correction_bias", layer.mesh)))
    return failure();
  int64_t local = a.experts / side.ep.value;
  bool areSequential = side.experts.value == "sequential";
  for (int64_t expert = 0; expert < a.experts; ++expert) {
    int64_t mesh = layer.expertMeshes[expert / local];
    std::string number = std::to_string(expert % local);
    std::string begin =
        areSequential ? mlp + "experts.local_experts." + number + "." : mlp + "experts.";
    std::string end = areSequential ? ".weight" : ".weight" + number;
    std::string from = tensors + "experts." + std::to_string(expert) + ".";
    if (failed(placeGatedPair(begin + "linear_fc1" + end, from, mesh, expertTensorCut)) ||
        failed(
            whole(begin + "linear_fc2" + end, from + "down_proj.weight", mesh, 1, expertTensorCut)))
      return failure();
  }
  return a.sharedExperts ? placeFeedForward(layer, "mlp.shared_experts.", "mlp.shared_experts.",
                                            /*hasBias=*/false)
                         : success();
}

LogicalResult MegatronPlacement::placeLayer(const Layer &layer, bool hasExperts) {
  if (failed(a.isLatent ? placeLatentAttention(layer) : placeGroupedAttention(layer)))
    return failure();
  if (hasExperts)
    return placeExperts(layer);
  if (failed(norm(layer, "mlp.linear_fc1", "pre_mlp_layernorm", "post_attention_layernorm")))
    return failure();
  return placeFeedForward(layer, "mlp.", "mlp.", a.mlpBias);
}

LogicalResult MegatronPlacement::place() {
  if (failed(addMegatronStages(out, a, stages)) || failed(placeEnds()))
    return failure();
  for (auto [number, chunk] : llvm::enumerate(stages.chunks))
    for (int64_t layer = chunk.begin; layer < chunk.end; ++layer) {
      int64_t stage = static_cast<int64_t>(number) % side.pp.value;
      Layer names{chunk.name + "decoder.layers." + std::to_string(layer - chunk.begin) + ".",
                  "model.layers." + std::to_string(layer) + ".", stages.meshes[stage],
                  stages.expertMeshes[stage]};
      if (failed(placeLayer(names, a.hasExperts(layer))))
        return failure();
    }
  return out.finish();
}

} // namespace

LogicalResult placeMegatron(SideStorages &out) {
  const Architecture *architecture = requireArchitecture(out);
  return architecture ? MegatronPlacement(out, *architecture).place() : failure();
}

} // namespace xfer::frontend
