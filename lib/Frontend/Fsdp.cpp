//===- Fsdp.cpp - PyTorch's fully sharded data parallelism ----------------===//
//
// FSDP2 cuts every parameter by its first dimension, torch.chunk's way; with
// tensor parallelism the pieces of tp are cut further. FSDP1 (`flat`) joins the
// parameters of a layer in one flat buffer and cuts that. Data and context
// parallelism shard too; `dp_replicate` copies (HSDP).
//
//   mesh @train = [dp_replicate=2, fsdp=8]
//   source @model.norm.weight : f32 on @train split [{fsdp}]
//===----------------------------------------------------------------------===//
#include "LayerStorages.h"
#include "xfer/Frontend/Frameworks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

class FsdpPlacement {
public:
  explicit FsdpPlacement(SideStorages &out) : out(out), side(out.side), model(out.model) {}
  LogicalResult place();

private:
  void addMesh();
  Cut shard() const {
    return {"fsdp", shards, /*mayBeUneven=*/true, "fsdp " + std::to_string(shards)};
  }
  LogicalResult placeParameter(int64_t tensor);
  LogicalResult addTensorCuts(int64_t tensor, Storage &storage);
  LogicalResult placeGroupedExperts();
  LogicalResult placeFlat();
  LogicalResult addFlat(StringRef name, llvm::ArrayRef<int64_t> tensors);

  SideStorages &out;
  const Side &side;
  const Model &model;
  int64_t mesh = 0, shards = 1;
};

void FsdpPlacement::addMesh() {
  shards = side.dp.value * side.cp.value * side.fsdp.value;
  SideMesh description;
  description.name = side.name;
  if (side.dp_replicate.value > 1)
    description.axes.push_back({"dp_replicate", side.dp_replicate.value});
  description.axes.push_back({"fsdp", shards});
  if (side.tp.value > 1)
    description.axes.push_back({"tp", side.tp.value});
  description.ranks = rankRange(side.first_rank.value, side.num_gpus.value);
  mesh = out.addMesh(std::move(description));
}

/// Adds what tensor parallelism cuts before sharding does; HuggingFace's plan for known names.
LogicalResult FsdpPlacement::addTensorCuts(int64_t tensor, Storage &storage) {
  if (side.tp.value == 1)
    return success();
  StringRef name = model.tensors[tensor].name;
  auto [path, kind] = name.rsplit('.');
  StringRef module = path.contains('.') ? path.rsplit('.').second : path;
  static constexpr StringRef kByRows[] = {"q_proj",    "k_proj",       "v_proj",
                                          "gate_proj", "up_proj",      "q_b_proj",
                                          "kv_b_proj", "embed_tokens", "lm_head"};
  static constexpr StringRef kByColumns[] = {"o_proj", "down_proj"};
  static constexpr StringRef kWhole[] = {"q_norm",
                                         "k_norm",
                                         "norm",
                                         "input_layernorm",
                                         "post_attention_layernorm",
                                         "q_a_proj",
                                         "q_a_layernorm",
                                         "kv_a_proj_with_mqa",
                                         "kv_a_layernorm",
                                         "gate"};
  Cut cut{"tp", side.tp.value, /*mayBeUneven=*/false, "tp " + std::to_string(side.tp.value)};
  bool byColumns = llvm::is_contained(kByColumns, module);
  if (llvm::is_contained(kByRows, module))
    storage.dimensions[0][0].cuts.push_back(cut);
  else if (byColumns && kind == "weight")
    storage.dimensions[1][0].cuts.push_back(cut);
  else if (!byColumns && !llvm::is_contained(kWhole, module))
    return out.diagnostics.error(side.tp.loc, "fsdp does not know how tp cuts parameter '" +
                                                  model.tensors[tensor].name + "'");
  return success();
}

LogicalResult FsdpPlacement::placeParameter(int64_t tensor) {
  const ModelTensor &parameter = model.tensors[tensor];
  if (parameter.shape.empty())
    return out.diagnostics.error(side.loc, "fsdp cannot shard parameter '" + parameter.name +
                                               "', which has no dimension");
  Storage storage = wholeStorage(out, parameter.name, tensor, mesh);
  if (failed(addTensorCuts(tensor, storage)))
    return failure();
  storage.dimensions[0][0].cuts.push_back(shard());
  return out.add(std::move(storage));
}

/// The experts of a layer as transformers keeps them: `experts.gate_up_proj` and
/// `experts.down_proj`, by experts.
LogicalResult FsdpPlacement::placeGroupedExperts() {
  const Architecture &a = *model.architecture;
  for (int64_t layer = 0; layer < a.layers; ++layer) {
    if (!a.hasExperts(layer))
      continue;
    std::string prefix = "model.layers." + std::to_string(layer) + ".mlp.experts.";
    ExpertStorage experts{prefix, prefix, a.experts, mesh, shard(), Cut(), Cut()};
    if (failed(addFusedExperts(out, experts, "gate_up_proj", {"gate", "up"})) ||
        failed(addDownExperts(out, experts, "down_proj")))
      return failure();
  }
  return success();
}

/// FSDP1: every parameter begins at a multiple of 16 bytes, the whole is a multiple of the shards.
LogicalResult FsdpPlacement::addFlat(StringRef name, llvm::ArrayRef<int64_t> tensors) {
  Storage storage;
  storage.name = name.str();
  storage.dtype = out.storedDType(tensors.front());
  storage.mesh = mesh;
  int64_t alignment = std::max<int64_t>(16 / byteWidth(storage.dtype), 1);
  Part part;
  int64_t total = 0;
  auto pad = [&](int64_t multiple) {
    int64_t aligned = static_cast<int64_t>(llvm::alignTo(total, multiple));
    if (aligned != total)
      part.runs.push_back({"pad", aligned - total});
    total = aligned;
  };
  for (auto [number, tensor] : llvm::enumerate(tensors)) {
    const ModelTensor &parameter = model.tensors[tensor];
    if (out.storedDType(tensor) != storage.dtype)
      return out.diagnostics.error(
          side.flat.loc, "fsdp cannot join '" + model.tensors[tensors.front()].name + "' and '" +
                             parameter.name + "' in one flat parameter: their types differ");
    pad(alignment);
    int64_t elements = std::accumulate(parameter.shape.begin(), parameter.shape.end(), int64_t(1),
                                       std::multiplies<>());
    std::string run = "p" + std::to_string(number);
    part.runs.push_back({run, elements});
    total += elements;
    std::string factors;
    for (const ViewEntry &entry : out.wholeEntries(tensor))
      factors += (factors.empty() ? "" : "*") + entry.factors;
    storage.views.push_back({tensor, {ViewEntry{-1, run, factors, -1}}});
  }
  pad(shards);
  part.cuts.push_back(shard());
  storage.dimensions.push_back({std::move(part)});
  return out.add(std::move(storage));
}

LogicalResult FsdpPlacement::placeFlat() {
  if (!model.hasModuleOrder)
    return out.diagnostics.error(side.flat.loc,
                                 "'flat' needs the order of the parameters, which a list of "
                                 "tensors does not say: give the model's config.json too");
  if (side.tp.value > 1)
    return out.diagnostics.error(side.tp.loc, "'flat' does not go with tp " + Twine(side.tp.value));
  llvm::MapVector<int64_t, std::vector<int64_t>> byLayer; ///< -1: the root
  for (size_t tensor = 0; tensor < model.tensors.size(); ++tensor) {
    if (model.tensors[tensor].scaled >= 0 || model.tensors[tensor].scales >= 0)
      return out.diagnostics.error(side.flat.loc,
                                   "'flat' cannot hold the block-scaled parameter '" +
                                       model.tensors[tensor].name + "'");
    byLayer[layerOf(model.tensors[tensor].name)].push_back(tensor);
  }
  for (const auto &[layer, tensors] : byLayer) {
    std::string prefix = layer < 0 ? "" : "model.layers." + std::to_string(layer) + ".";
    if (failed(addFlat(prefix + "_flat_param", tensors)))
      return failure();
  }
  return success();
}

LogicalResult FsdpPlacement::place() {
  addMesh();
  if (side.flat.value == "true")
    return failed(placeFlat()) ? failure() : out.finish();
  bool areGrouped = side.experts.value == "grouped";
  if (side.experts.value == "sequential" || (areGrouped && !model.architecture))
    return out.diagnostics.error(side.experts.loc,
                                 areGrouped ? "'experts=grouped' needs the model's config.json"
                                            : "'fsdp' has no use for 'experts=sequential'");
  for (size_t tensor = 0; tensor < model.tensors.size(); ++tensor) {
    bool isExpert = StringRef(model.tensors[tensor].name).contains(".mlp.experts.");
    if (model.tensors[tensor].scaled >= 0 || (areGrouped && isExpert))
      continue; // with its weight; below
    if (failed(placeParameter(tensor)))
      return failure();
  }
  if (areGrouped && failed(placeGroupedExperts()))
    return failure();
  return out.finish();
}

} // namespace

LogicalResult placeFsdp(SideStorages &out) { return FsdpPlacement(out).place(); }

} // namespace xfer::frontend
