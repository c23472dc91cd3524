//===- LayerStorages.cpp - The few shapes that storages have --------------===//
#include "LayerStorages.h"
#include "llvm/ADT/StringExtras.h"
#include <numeric>

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {

std::vector<int64_t> rankRange(int64_t first, int64_t count) {
  std::vector<int64_t> ranks(count);
  std::iota(ranks.begin(), ranks.end(), first);
  return ranks;
}

static Part plainPart(int64_t size) {
  Part part;
  part.runs.push_back({"", size});
  return part;
}

static void addCut(Part &part, const Cut &cut) {
  if (cut.ways > 1)
    part.cuts.push_back(cut);
}

Storage wholeStorage(const SideStorages &out, StringRef name, int64_t tensor, int64_t mesh) {
  Storage storage;
  storage.name = name.str();
  storage.dtype = out.storedDType(tensor);
  storage.mesh = mesh;
  for (int64_t extent : out.model.tensors[tensor].shape)
    storage.dimensions.push_back({plainPart(extent)});
  storage.views.push_back({tensor, out.wholeEntries(tensor)});
  return storage;
}

LogicalResult addWhole(SideStorages &out, StringRef name, int64_t tensor, int64_t mesh,
                       size_t dimension, const Cut &cut) {
  if (tensor < 0)
    return failure();
  Storage storage = wholeStorage(out, name, tensor, mesh);
  if (cut.ways > 1)
    storage.dimensions[dimension].front().cuts.push_back(cut);
  return out.add(std::move(storage));
}

LogicalResult addFused(SideStorages &out, StringRef name, llvm::ArrayRef<FusedPiece> pieces,
                       int64_t mesh) {
  for (const FusedPiece &piece : pieces)
    if (piece.tensor < 0)
      return failure();
  Storage storage = wholeStorage(out, name, pieces.front().tensor, mesh);
  storage.dimensions[0].clear();
  storage.views.clear();
  for (const FusedPiece &piece : pieces) {
    const ModelTensor &tensor = out.model.tensors[piece.tensor];
    Part part;
    part.runs.push_back({piece.run, tensor.shape[0]});
    addCut(part, piece.cut);
    storage.dimensions[0].push_back(std::move(part));
    View view{piece.tensor, out.wholeEntries(piece.tensor)};
    view.entries[0].run = piece.run;
    storage.views.push_back(std::move(view));
  }
  return out.add(std::move(storage));
}

LogicalResult addPadded(SideStorages &out, StringRef name, int64_t tensor, int64_t rows,
                        StringRef padName, int64_t mesh, const Cut &cut) {
  if (tensor < 0)
    return failure();
  Storage storage = wholeStorage(out, name, tensor, mesh);
  Part &part = storage.dimensions[0].front();
  if (int64_t pad = rows - part.size()) {
    part.runs[0].name = "v";
    part.runs.push_back({padName.str(), pad});
    storage.views[0].entries[0].run = "v";
  }
  addCut(part, cut);
  return out.add(std::move(storage));
}

LogicalResult addFusedExperts(SideStorages &out, const ExpertStorage &experts, StringRef name,
                              llvm::ArrayRef<StringRef> halves) {
  Storage storage;
  for (int64_t expert = 0; expert < experts.experts; ++expert)
    for (StringRef half : halves) {
      int64_t tensor =
          out.tensor(experts.tensorPrefix + Twine(expert) + "." + half + "_proj.weight");
      if (tensor < 0)
        return failure();
      if (storage.views.empty()) { // the first says what all look like
        const ModelTensor &first = out.model.tensors[tensor];
        storage = wholeStorage(out, experts.prefix + name.str(), tensor, experts.mesh);
        storage.views.clear();
        StorageDimension rows;
        for (StringRef each : halves) {
          Part part;
          part.runs.push_back({each.str(), first.shape[0]});
          addCut(part, experts.upCut);
          rows.push_back(std::move(part));
        }
        storage.dimensions[0] = std::move(rows);
        Part part = plainPart(experts.experts);
        addCut(part, experts.expertCut);
        storage.dimensions.insert(storage.dimensions.begin(), StorageDimension{std::move(part)});
      }
      View view{tensor, out.wholeEntries(tensor)};
      view.entries[0].run = half.str();
      view.entries.insert(view.entries.begin(), ViewEntry{expert, "", "", -1});
      storage.views.push_back(std::move(view));
    }
  return out.add(std::move(storage));
}

LogicalResult addDownExperts(SideStorages &out, const ExpertStorage &experts, StringRef name) {
  Storage storage;
  for (int64_t expert = 0; expert < experts.experts; ++expert) {
    int64_t tensor = out.tensor(experts.tensorPrefix + Twine(expert) + ".down_proj.weight");
    if (tensor < 0)
      return failure();
    if (storage.views.empty()) {
      storage = wholeStorage(out, experts.prefix + name.str(), tensor, experts.mesh);
      storage.views.clear();
      addCut(storage.dimensions[1].front(), experts.downCut);
      Part part = plainPart(experts.experts);
      addCut(part, experts.expertCut);
      storage.dimensions.insert(storage.dimensions.begin(), StorageDimension{std::move(part)});
    }
    View view{tensor, out.wholeEntries(tensor)};
    view.entries.insert(view.entries.begin(), ViewEntry{expert, "", "", -1});
    storage.views.push_back(std::move(view));
  }
  return out.add(std::move(storage));
}

LogicalResult stageLayers(SideStorages &out, ArrayRef<int64_t> rule, std::vector<int64_t> &layers) {
  int64_t modelLayers = out.model.architecture->layers;
  layers = out.side.stageLayers.empty() ? rule.vec() : out.side.stageLayers;
  int64_t total = std::accumulate(layers.begin(), layers.end(), int64_t(0));
  if (total != modelLayers)
    return out.diagnostics.error(out.side.stageLayersLoc, "'layers' sums to " + Twine(total) +
                                                              ", but the model has " +
                                                              Twine(modelLayers) + " layers");
  return success();
}

std::string describeLayers(int64_t begin, int64_t end) {
  if (begin == end)
    return "no layers";
  if (begin + 1 == end)
    return "layer " + std::to_string(begin);
  return "layers " + std::to_string(begin) + " to " + std::to_string(end - 1);
}

const Architecture *requireArchitecture(SideStorages &out) {
  if (!out.model.architecture) {
    (void)out.diagnostics.error(out.side.loc,
                                out.side.framework +
                                    " needs the structure of the model, which names and shapes "
                                    "do not say ('num_attention_heads', 'head_dim'): give its "
                                    "config.json too");
    return nullptr;
  }
  return &*out.model.architecture;
}

} // namespace xfer::frontend
