//===- Vllm.cpp - vLLM ----------------------------------------------------===//
//
// Layers keep their global numbers on the meshes of VllmStages.h. Query, key and
// value are one parameter, each cut by heads; where ranks outnumber KV heads,
// neighbours hold the same head. Experts are stacked, dealt to all ranks of dp
// and tp (`ep`) or cut by rows (`etp`).
//
//   target storage @model.layers.0.self_attn.qkv_proj.weight
//       : bf16[q:4096 | k:512 | v:512, 2048] on @generation
//         split [{tp} | {tp:(1)4} | {tp:(1)4}, {}] { ... }
//===----------------------------------------------------------------------===//
#include "VllmStages.h"
#include "xfer/Frontend/Frameworks.h"
#include "llvm/Support/MathExtras.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

class VllmPlacement {
public:
  VllmPlacement(SideStorages &out, const Architecture &a)
      : out(out), side(out.side),
        a(a), cut{"tp", side.tp.value, false, "tp " + std::to_string(side.tp.value)} {}
  LogicalResult place();

private:
  Cut keyValueCut() const;
  Cut expertCut() const;
  LogicalResult placeEnds(int64_t first, int64_t last);
  LogicalResult placeVocabulary(StringRef tensor, int64_t mesh);
  LogicalResult placeGroupedAttention(const std::string &prefix, int64_t mesh, StringRef kind);
  LogicalResult placeLatentAttention(const std::string &prefix, int64_t mesh);
  LogicalResult placeAbsorbed(const std::string &prefix, int64_t mesh);
  LogicalResult placeFeedForward(const std::string &prefix, int64_t mesh, bool hasBias);
  LogicalResult placeExperts(const std::string &prefix, const VllmStage &stage);
  LogicalResult placeLayer(int64_t layer, const VllmStage &stage);
  /// Parameters that vLLM names as the model does.
  LogicalResult same(const Twine &name, int64_t mesh, size_t dimension = 0, const Cut &by = Cut()) {
    std::string text = name.str();
    return addWhole(out, text, out.tensor(text), mesh, dimension, by);
  }

  SideStorages &out;
  const Side &side;
  const Architecture &a;
  Cut cut;
};

/// Ranks beyond the KV heads repeat them: the minor part of tp replicates.
Cut VllmPlacement::keyValueCut() const {
  if (side.tp.value <= a.kvHeads)
    return cut;
  return {"tp:(1)" + std::to_string(a.kvHeads), a.kvHeads, false, cut.why};
}

/// Linear placement gives the first ranks one expert more where they do not divide.
Cut VllmPlacement::expertCut() const {
  int64_t ep = side.ep.value;
  std::string why = "ep " + std::to_string(ep);
  if (side.expert_placement.value == "round_robin")
    return {"cyclic(ep, 1)", ep, /*mayBeUneven=*/true, why};
  return {a.experts % ep ? "balanced(ep)" : "ep", ep, /*mayBeUneven=*/true, why};
}

/// Padded to 64 rows; the loader zeroes the padding.
LogicalResult VllmPlacement::placeVocabulary(StringRef tensor, int64_t mesh) {
  int64_t rows = llvm::alignTo(a.vocabulary, 64);
  return addPadded(out, tensor, out.tensor(tensor), rows, "zero", mesh, cut);
}

/// With tied embeddings the last stage uses a copy of the embedding, of which a source needs none.
LogicalResult VllmPlacement::placeEnds(int64_t first, int64_t last) {
  if (failed(placeVocabulary("model.embed_tokens.weight", first)) ||
      failed(same("model.norm.weight", last)))
    return failure();
  if (!a.tiedEmbeddings)
    return placeVocabulary("lm_head.weight", last);
  if (first != last && !side.isSource)
    return placeVocabulary("model.embed_tokens.weight", last);
  return success();
}

LogicalResult VllmPlacement::placeGroupedAttention(const std::string &prefix, int64_t mesh,
                                                   StringRef kind) {
  Cut keyValue = keyValueCut();
  return addFused(out, prefix + "qkv_proj." + kind.str(),
                  {FusedPiece{"q", out.tensor(prefix + "q_proj." + kind), cut},
                   FusedPiece{"k", out.tensor(prefix + "k_proj." + kind), keyValue},
                   FusedPiece{"v", out.tensor(prefix + "v_proj." + kind), keyValue}},
                  mesh);
}

/// The down projections are fused and whole on every rank.
LogicalResult VllmPlacement::placeLatentAttention(const std::string &prefix, int64_t mesh) {
  if (a.queryLatent) {
    if (failed(
            addFused(out, prefix + "fused_qkv_a_proj.weight",
                     {FusedPiece{"q_a", out.tensor(prefix + "q_a_proj.weight"), Cut()},
                      FusedPiece{"kv_a", out.tensor(prefix + "kv_a_proj_with_mqa.weight"), Cut()}},
                     mesh)) ||
        failed(same(prefix + "q_a_layernorm.weight", mesh)) ||
        failed(same(prefix + "q_b_proj.weight", mesh, 0, cut)))
      return failure();
  } else if (failed(same(prefix + "q_proj.weight", mesh, 0, cut)) ||
             failed(same(prefix + "kv_a_proj_with_mqa.weight", mesh))) {
    return failure();
  }
  if (failed(same(prefix + "kv_a_layernorm.weight", mesh)) ||
      failed(same(prefix + "kv_b_proj.weight", mesh, 0, cut)) ||
      failed(same(prefix + "o_proj.weight", mesh, 1, cut)))
    return failure();
  return side.absorbed.value == "true" ? placeAbsorbed(prefix, mesh) : success();
}

/// What vLLM derives from kv_b_proj after loading: W_UK_T [heads, plain, latent] and
/// W_UV [heads, latent, value].
LogicalResult VllmPlacement::placeAbsorbed(const std::string &prefix, int64_t mesh) {
  int64_t tensor = out.tensor(prefix + "kv_b_proj.weight");
  if (tensor < 0)
    return failure();
  auto slice = [](int64_t begin, int64_t end) {
    return "d1[" + std::to_string(begin) + ":" + std::to_string(end) + "]";
  };
  std::string plain = slice(0, a.plainHead);
  std::string value = slice(a.plainHead, a.plainHead + a.valueHead);
  struct Derived {
    StringRef name;
    int64_t extents[3];
    std::string factors[3];
  };
  const Derived derived[] = {
      {"W_UK_T", {a.heads, a.plainHead, a.keyValueLatent}, {"d0", plain, "d2"}},
      {"W_UV", {a.heads, a.keyValueLatent, a.valueHead}, {"d0", "d2", value}}};
  for (const Derived &each : derived) {
    Storage storage;
    storage.name = prefix + each.name.str();
    storage.dtype = out.storedDType(tensor);
    storage.mesh = mesh;
    storage.views.push_back({tensor, {}});
    for (int dimension = 0; dimension < 3; ++dimension) {
      Part part;
      part.runs.push_back({"", each.extents[dimension]});
      if (dimension == 0 && cut.ways > 1)
        part.cuts.push_back(cut);
      storage.dimensions.push_back({std::move(part)});
      storage.views[0].entries.push_back({-1, "", each.factors[dimension], -1});
    }
    if (failed(out.add(std::move(storage))))
      return failure();
  }
  return success();
}

LogicalResult VllmPlacement::placeFeedForward(const std::string &prefix, int64_t mesh,
                                              bool hasBias) {
  for (StringRef kind : {"weight", "bias"}) {
    if (kind == "bias" && !hasBias)
      break;
    if (failed(addFused(out, prefix + "gate_up_proj." + kind.str(),
                        {FusedPiece{"gate", out.tensor(prefix + "gate_proj." + kind), cut},
                         FusedPiece{"up", out.tensor(prefix + "up_proj." + kind), cut}},
                        mesh)) ||
        failed(same(prefix + "down_proj." + kind, mesh, 1, kind == "bias" ? Cut() : cut)))
      return failure();
  }
  return success();
}

LogicalResult VllmPlacement::placeExperts(const std::string &prefix, const VllmStage &stage) {
  if (failed(same(prefix + "gate.weight", stage.mesh)) ||
      (a.routerBias && failed(same(prefix + "gate.e_score_correction_bias", stage.mesh))))
    return failure();
  std::string name = prefix + "experts.";
  ExpertStorage experts{name, name, a.experts, stage.expertMesh, Cut(), Cut(), Cut()};
  if (side.routed_experts.value == "true")
    experts.prefix += "routed_experts.";
  if (side.ep.value > 1) {
    experts.expertCut = expertCut();
  } else {
    bool isDense = stage.expertMesh == stage.mesh;
    experts.upCut = {isDense ? "tp" : "etp", side.etp.value, false,
                     (isDense ? "tp " : "etp ") + std::to_string(side.etp.value)};
    experts.downCut = experts.upCut;
  }
  StringRef gateFirst[] = {"gate", "up"}, upFirst[] = {"up", "gate"};
  if (failed(addFusedExperts(out, experts, "w13_weight",
                             side.w13.value == "gate_up" ? gateFirst : upFirst)) ||
      failed(addDownExperts(out, experts, "w2_weight")))
    return failure();
  return a.sharedExperts ? placeFeedForward(prefix + "shared_experts.", stage.mesh, false)
                         : success();
}

LogicalResult VllmPlacement::placeLayer(int64_t layer, const VllmStage &stage) {
  std::string prefix = "model.layers." + std::to_string(layer) + ".";
  std::string attention = prefix + "self_attn.";
  if (failed(same(prefix + "input_layernorm.weight", stage.mesh)))
    return failure();
  if (a.isLatent) {
    if (failed(placeLatentAttention(attention, stage.mesh)))
      return failure();
  } else {
    if (failed(placeGroupedAttention(attention, stage.mesh, "weight")) ||
        failed(same(attention + "o_proj.weight", stage.mesh, 1, cut)))
      return failure();
    if (a.attentionBias && (failed(placeGroupedAttention(attention, stage.mesh, "bias")) ||
                            failed(same(attention + "o_proj.bias", stage.mesh))))
      return failure();
    if (a.queryKeyNorm && (failed(same(attention + "q_norm.weight", stage.mesh)) ||
                           failed(same(attention + "k_norm.weight", stage.mesh))))
      return failure();
  }
  if (failed(same(prefix + "post_attention_layernorm.weight", stage.mesh)))
    return failure();
  return a.hasExperts(layer) ? placeExperts(prefix + "mlp.", stage)
                             : placeFeedForward(prefix + "mlp.", stage.mesh, a.mlpBias);
}

LogicalResult VllmPlacement::place() {
  std::vector<VllmStage> stages;
  if (failed(addVllmStages(out, a, stages)) ||
      failed(placeEnds(stages.front().mesh, stages.back().mesh)))
    return failure();
  for (const VllmStage &stage : stages)
    for (int64_t layer = stage.beginLayer; layer < stage.endLayer; ++layer)
      if (failed(placeLayer(layer, stage)))
        return failure();
  return out.finish();
}

} // namespace

LogicalResult placeVllm(SideStorages &out) {
  const Architecture *architecture = requireArchitecture(out);
  return architecture ? VllmPlacement(out, *architecture).place() : failure();
}

} // namespace xfer::frontend
