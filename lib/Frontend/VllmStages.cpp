//===- VllmStages.cpp - Where vLLM's layers lie ---------------------------===//
#include "VllmStages.h"

using llvm::Twine;

namespace xfer::frontend {
namespace {

class VllmStaging {
public:
  VllmStaging(SideStorages &out, const Architecture &a) : out(out), side(out.side), a(a) {}
  LogicalResult check();
  std::vector<int64_t> stageRule() const;
  VllmStage addMeshes(int64_t stage, int64_t beginLayer, int64_t endLayer);

private:
  SideStorages &out;
  const Side &side;
  const Architecture &a;
};

/// Verifies:
/// - tp divides the heads, and KV heads or they divide it;
/// - there are experts if they are to be parallel;
/// - what is absorbed is there, and not quantised.
LogicalResult VllmStaging::check() {
  int64_t tp = side.tp.value;
  if (a.heads % tp != 0)
    return out.diagnostics.error(side.tp.loc, "tp " + Twine(tp) +
                                                  " does not divide 'num_attention_heads' " +
                                                  Twine(a.heads));
  if (!a.isLatent && a.kvHeads % tp != 0 && tp % a.kvHeads != 0)
    return out.diagnostics.error(side.tp.loc, "tp " + Twine(tp) + " and 'num_key_value_heads' " +
                                                  Twine(a.kvHeads) + " do not divide one another");
  if (a.experts == 0 && side.ep.value > 1)
    return out.diagnostics.error(side.ep.loc, "ep is " + Twine(side.ep.value) +
                                                  ", but the model has no experts");
  if (a.experts && side.ep.value > a.experts)
    return out.diagnostics.error(side.ep.loc, "ep " + Twine(side.ep.value) + " is more than the " +
                                                  Twine(a.experts) + " experts");
  if (side.absorbed.value == "false")
    return success();
  if (!a.isLatent || side.isSource)
    return out.diagnostics.error(side.absorbed.loc,
                                 "'absorbed' is for targets of models with latent attention");
  if (out.model.scaleCount())
    return out.diagnostics.error(side.absorbed.loc,
                                 "'absorbed' needs weights that are not quantised");
  return success();
}

/// What is left over goes to the last stages but one, one layer each.
std::vector<int64_t> VllmStaging::stageRule() const {
  int64_t stages = side.pp.value;
  std::vector<int64_t> layers(stages, a.layers / stages);
  for (int64_t i = 0; i < a.layers % stages; ++i)
    ++layers[std::max<int64_t>(stages - 2 - i, 0)];
  return layers;
}

VllmStage VllmStaging::addMeshes(int64_t stage, int64_t beginLayer, int64_t endLayer) {
  int64_t tp = side.tp.value, pp = side.pp.value;
  SideMesh mesh;
  mesh.name = side.name + (pp > 1 ? "-stage" + std::to_string(stage) : "");
  mesh.axes = {{"dp", side.dp.value}, {"tp", tp}};
  for (int64_t dp = 0; dp < side.dp.value; ++dp)
    for (int64_t rank = 0; rank < tp; ++rank)
      mesh.ranks.push_back(side.first_rank.value + (dp * pp + stage) * tp + rank);
  mesh.remark = describeLayers(beginLayer, endLayer);
  SideMesh experts = mesh;
  int64_t dense = out.addMesh(std::move(mesh));
  VllmStage result = {beginLayer, endLayer, dense, dense};
  if (!a.experts || (side.ep.value == 1 && side.etp.value == tp))
    return result;
  int64_t ways = side.ep.value * side.etp.value;
  experts.name += "-experts";
  experts.axes = {{"edp", static_cast<int64_t>(experts.ranks.size()) / ways},
                  {side.ep.value > 1 ? "ep" : "etp", ways}};
  experts.remark = "the same ranks as experts see them";
  result.expertMesh = out.addMesh(std::move(experts));
  return result;
}

} // namespace

LogicalResult addVllmStages(SideStorages &out, const Architecture &a,
                            std::vector<VllmStage> &stages) {
  VllmStaging staging(out, a);
  std::vector<int64_t> layers;
  if (failed(staging.check()) || failed(stageLayers(out, staging.stageRule(), layers)))
    return failure();
  int64_t layer = 0;
  for (int64_t stage = 0; stage < out.side.pp.value; layer += layers[stage++])
    stages.push_back(staging.addMeshes(stage, layer, layer + layers[stage]));
  return success();
}

} // namespace xfer::frontend
