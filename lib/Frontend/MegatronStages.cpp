//===- MegatronStages.cpp - Where Megatron-Core's layers lie --------------===//
#include "MegatronStages.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {
namespace {

class MegatronStaging {
public:
  MegatronStaging(SideStorages &out, const Architecture &a, MegatronStages &result)
      : out(out), side(out.side), a(a), result(result) {}
  LogicalResult check();
  LogicalResult makeChunks();
  void addMeshes(int64_t stage);

private:
  LogicalResult divides(StringRef what, int64_t extent, const SideSize &size, StringRef sizeName);
  std::vector<int64_t> evenStages();

  SideStorages &out;
  const Side &side;
  const Architecture &a;
  MegatronStages &result;
};

LogicalResult MegatronStaging::divides(StringRef what, int64_t extent, const SideSize &size,
                                       StringRef sizeName) {
  if (extent % size.value == 0)
    return success();
  return out.diagnostics.error(size.isGiven ? size.loc : side.loc,
                               sizeName + " " + Twine(size.value) + " does not divide '" + what +
                                   "' " + Twine(extent));
}

/// Verifies:
/// - tp divides the heads, and KV heads or they divide it;
/// - experts divide over ep, their rows over etp.
LogicalResult MegatronStaging::check() {
  if (failed(divides("num_attention_heads", a.heads, side.tp, "tp")))
    return failure();
  if (!a.isLatent && a.kvHeads % side.tp.value != 0 && side.tp.value % a.kvHeads != 0)
    return out.diagnostics.error(side.tp.loc, "tp " + Twine(side.tp.value) +
                                                  " and 'num_key_value_heads' " + Twine(a.kvHeads) +
                                                  " do not divide one another");
  if (a.experts == 0 && side.ep.value > 1)
    return out.diagnostics.error(side.ep.loc, "ep is " + Twine(side.ep.value) +
                                                  ", but the model has no experts");
  if (a.experts && failed(divides("num_experts", a.experts, side.ep, "ep")))
    return failure();
  return success();
}

/// Layers of a stage where nothing else is said. Megatron itself takes only what divides.
std::vector<int64_t> MegatronStaging::evenStages() {
  int64_t stages = side.pp.value;
  std::vector<int64_t> layers(stages, 0);
  for (int64_t layer = 0; layer < a.layers; ++layer)
    ++layers[layer * stages / a.layers];
  if (side.stageLayers.empty() && a.layers % stages != 0) {
    std::string text =
        llvm::join(llvm::map_range(layers, [](int64_t n) { return Twine(n).str(); }), "+");
    out.diagnostics.warning(side.pp.loc,
                            "pp " + Twine(stages) + " does not divide 'num_hidden_layers' " +
                                Twine(a.layers) + "; stages are taken to have layers=" + text);
    out.remarks.push_back("stages were taken to have layers=" + text);
  }
  return layers;
}

/// Verifies that virtual stages divide the layers.
LogicalResult MegatronStaging::makeChunks() {
  int64_t stages = side.pp.value, virtualStages = side.vpp.value;
  std::vector<int64_t> layers;
  if (virtualStages == 1) {
    if (failed(stageLayers(out, evenStages(), layers)))
      return failure();
  } else if (!side.stageLayers.empty() || a.layers % (stages * virtualStages) != 0) {
    return out.diagnostics.error(
        side.vpp.loc,
        "pp " + Twine(stages) + " * vpp " + Twine(virtualStages) +
            (side.stageLayers.empty() ? " does not divide 'num_hidden_layers' " + Twine(a.layers)
                                      : Twine(" does not go with 'layers'")));
  } else {
    layers.assign(stages * virtualStages, a.layers / (stages * virtualStages));
  }
  int64_t first = 0;
  for (auto [number, count] : llvm::enumerate(layers)) {
    std::string name =
        virtualStages > 1 ? "model" + std::to_string(number / stages) + "." : std::string();
    result.chunks.push_back({name, first, first + count});
    first += count;
  }
  return success();
}

void MegatronStaging::addMeshes(int64_t stage) {
  int64_t ranks = side.num_gpus.value / side.pp.value;
  int64_t first = side.first_rank.value + stage * ranks;
  SideMesh mesh;
  mesh.name = side.name + (side.pp.value > 1 ? "-stage" + std::to_string(stage) : "");
  mesh.axes.push_back({"dp", side.dp.value});
  if (side.cp.value > 1)
    mesh.axes.push_back({"cp", side.cp.value});
  mesh.axes.push_back({"tp", side.tp.value});
  mesh.ranks = rankRange(first, ranks);
  for (size_t chunk = stage; chunk < result.chunks.size(); chunk += side.pp.value)
    mesh.remark += (mesh.remark.empty() ? "" : ", ") +
                   describeLayers(result.chunks[chunk].begin, result.chunks[chunk].end);
  std::string stageName = mesh.name;
  result.meshes.push_back(out.addMesh(std::move(mesh)));
  result.expertMeshes.emplace_back();
  if (!a.experts)
    return;
  int64_t ep = side.ep.value, etp = side.etp.value;
  int64_t local = a.experts / ep;
  for (int64_t coordinate = 0; coordinate < ep; ++coordinate) {
    SideMesh experts;
    experts.name = stageName + "-ep" + std::to_string(coordinate);
    experts.axes.push_back({"edp", ranks / (ep * etp)});
    if (etp > 1)
      experts.axes.push_back({"etp", etp});
    for (int64_t rank = 0; rank < ranks; ++rank)
      if (rank / etp % ep == coordinate)
        experts.ranks.push_back(first + rank);
    experts.remark = "experts " + std::to_string(coordinate * local) + " to " +
                     std::to_string((coordinate + 1) * local - 1);
    result.expertMeshes.back().push_back(out.addMesh(std::move(experts)));
  }
}

} // namespace

LogicalResult addMegatronStages(SideStorages &out, const Architecture &a, MegatronStages &stages) {
  MegatronStaging staging(out, a, stages);
  if (failed(staging.check()) || failed(staging.makeChunks()))
    return failure();
  for (int64_t stage = 0; stage < out.side.pp.value; ++stage)
    staging.addMeshes(stage);
  return success();
}

} // namespace xfer::frontend
