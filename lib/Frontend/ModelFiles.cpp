//===- ModelFiles.cpp - Models from files ---------------------------------===//
//
// Tells the formats apart, reads each, and reconciles a configuration with a
// list of tensors: the configuration says how a model is built and in which
// order, the list what a checkpoint really holds.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/ModelFiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using llvm::SMLoc;
using llvm::StringRef;

namespace xfer::frontend {
namespace {

class ModelReader {
public:
  ModelReader(const FileReader &readFile, Model &model, Diagnostics &diagnostics)
      : readFile(readFile), model(model), diagnostics(diagnostics) {}
  LogicalResult read(llvm::ArrayRef<StringRef> paths);

private:
  /// A JSON file that says what it is when it is read.
  struct Document {
    StringRef path;
    std::unique_ptr<JsonDocument> json;
    SMLoc named; ///< where the command line names it
  };
  LogicalResult addPath(StringRef path, SMLoc named);
  LogicalResult addDirectory(StringRef path, SMLoc named);
  LogicalResult addJson(StringRef path, SMLoc named);
  LogicalResult readConfig();
  LogicalResult readList();
  LogicalResult reconcile();
  void inferStructure();
  LogicalResult checkAgainst(ModelTensor &expected, const ModelTensor &found);

  const FileReader &readFile;
  Model &model;
  Diagnostics &diagnostics;
  std::unique_ptr<Document> config, list;
  std::string tensorFile;
  SMLoc modelLoc;
  std::vector<ModelTensor> listed;
  bool hasList = false, hasShapes = true;
};

LogicalResult ModelReader::addDirectory(StringRef path, SMLoc named) {
  bool anyFound = false;
  for (StringRef name : {"config.json", "model.safetensors.index.json", "model.safetensors"}) {
    llvm::SmallString<128> file(path);
    llvm::sys::path::append(file, name);
    if (!llvm::sys::fs::exists(file) || (name == "model.safetensors" && list))
      continue;
    anyFound = true;
    if (failed(addPath(file, named)))
      return failure();
  }
  if (!anyFound)
    return diagnostics.error(named, "directory '" + path +
                                        "' has neither a 'config.json' nor a "
                                        "'model.safetensors.index.json' or 'model.safetensors'");
  return success();
}

LogicalResult ModelReader::addJson(StringRef path, SMLoc named) {
  std::unique_ptr<llvm::MemoryBuffer> buffer = readFile(path, diagnostics);
  if (!buffer)
    return failure();
  unsigned bufferId = diagnostics.sourceMgr().AddNewSourceBuffer(std::move(buffer), SMLoc());
  auto document = std::make_unique<Document>();
  document->path = diagnostics.sourceMgr().getMemoryBuffer(bufferId)->getBufferIdentifier();
  document->named = named;
  document->json = parseJson(bufferId, diagnostics);
  if (!document->json)
    return failure();
  const JsonValue &root = document->json->root;
  if (root.kind != JsonValue::Kind::Object)
    return diagnostics.error(root.loc, "expected a model to be an object, got " + root.describe());
  bool isConfig = root.find("model_type") || root.find("architectures");
  if (isConfig ? config != nullptr : hasList)
    return diagnostics.error(named, "'" + path + "' is a second " +
                                        (isConfig ? "configuration" : "list of tensors"));
  hasList |= !isConfig;
  (isConfig ? config : list) = std::move(document);
  return success();
}

LogicalResult ModelReader::addPath(StringRef path, SMLoc named) {
  if (path != "-" && llvm::sys::fs::is_directory(path))
    return addDirectory(path, named);
  if (!path.ends_with(".safetensors"))
    return addJson(path, named);
  if (hasList)
    return diagnostics.error(named, "'" + path + "' is a second list of tensors");
  hasList = true;
  tensorFile = path.str();
  return success();
}

LogicalResult ModelReader::readConfig() {
  Architecture architecture;
  modelLoc = config->json->root.loc;
  if (failed(readModelConfig(config->json->root, architecture, diagnostics)))
    return failure();
  std::vector<ModelTensor> tensors;
  if (failed(listTensors(architecture, modelLoc, tensors, diagnostics)))
    return failure();
  model.tensors = std::move(tensors);
  for (ModelTensor &tensor : model.tensors)
    tensor.loc = modelLoc;
  model.architecture = std::move(architecture);
  model.hasModuleOrder = true;
  return success();
}

LogicalResult ModelReader::readList() {
  if (!tensorFile.empty())
    return readTensorFile(tensorFile, listed, diagnostics);
  const JsonValue &root = list->json->root;
  if (root.find("weight_map"))
    return readTensorIndex(list->path, root, /*mayLackFiles=*/config != nullptr, listed, hasShapes,
                           diagnostics);
  return readTensorObject(root, listed, diagnostics);
}

/// Takes the dtype of `found`. Verifies that it has the shape of `expected`.
LogicalResult ModelReader::checkAgainst(ModelTensor &expected, const ModelTensor &found) {
  expected.loc = found.loc;
  if (!hasShapes)
    return success();
  if (expected.shape != found.shape)
    return diagnostics.error(
        found.loc,
        llvm::formatv("tensor '{0}' has shape [{1:$[, ]}], but the configuration says [{2:$[, ]}]",
                      found.name, llvm::make_range(found.shape.begin(), found.shape.end()),
                      llvm::make_range(expected.shape.begin(), expected.shape.end()))
            .str());
  expected.dtype = found.dtype;
  return success();
}

/// The tensors become those that the list has, in the order of the modules; what the architecture
/// does not know follows, except for prediction layers and a stored copy of tied embeddings.
LogicalResult ModelReader::reconcile() {
  const Architecture &architecture = *model.architecture;
  llvm::StringMap<ModelTensor *> remaining;
  for (ModelTensor &tensor : listed)
    remaining[tensor.name] = &tensor;
  for (ModelTensor &tensor : model.tensors) {
    ModelTensor *found = remaining.lookup(tensor.name);
    if (!found)
      return diagnostics.error(modelLoc, "the configuration has tensor '" + tensor.name +
                                             "', but the list of tensors does not");
    if (failed(checkAgainst(tensor, *found)))
      return failure();
    remaining.erase(tensor.name);
  }
  int64_t predictionTensors = 0;
  for (ModelTensor &tensor : listed) {
    if (!remaining.count(tensor.name))
      continue;
    int64_t layer = layerOf(tensor.name);
    if (layer >= architecture.layers &&
        layer < architecture.layers + architecture.predictionLayers) {
      ++predictionTensors;
      continue;
    }
    if (architecture.tiedEmbeddings && tensor.name == "lm_head.weight") {
      model.remarks.push_back("'lm_head.weight' is tied to the embedding; its copy in the "
                              "checkpoint is left out");
      continue;
    }
    if (!hasShapes)
      return diagnostics.error(tensor.loc,
                               "tensor '" + tensor.name +
                                   "' is not known from the configuration, and its file is not "
                                   "beside the index");
    model.tensors.push_back(std::move(tensor));
  }
  if (predictionTensors)
    model.remarks.push_back(std::to_string(predictionTensors) +
                            " tensors that predict further tokens are left out");
  return success();
}

/// Finds the architecture of the tensors and puts them in its order, if it has exactly these.
void ModelReader::inferStructure() {
  std::optional<Architecture> architecture = inferArchitecture(model.tensors);
  llvm::SourceMgr sources;
  Diagnostics silent(sources);
  silent.setHandler([](const llvm::SMDiagnostic &) {});
  std::vector<ModelTensor> expected;
  if (!architecture || failed(listTensors(*architecture, SMLoc(), expected, silent)) ||
      expected.size() != model.tensors.size())
    return;
  llvm::StringMap<const ModelTensor *> byName;
  for (const ModelTensor &tensor : model.tensors)
    byName[tensor.name] = &tensor;
  for (ModelTensor &tensor : expected) {
    const ModelTensor *found = byName.lookup(tensor.name);
    if (!found || found->shape != tensor.shape)
      return;
    tensor = *found;
  }
  model.tensors = std::move(expected);
  model.architecture = std::move(architecture);
  model.hasModuleOrder = true;
}

LogicalResult ModelReader::read(llvm::ArrayRef<StringRef> names) {
  for (StringRef name : names)
    if (failed(addPath(name, SMLoc::getFromPointer(name.data()))))
      return failure();
  if ((config && failed(readConfig())) || (hasList && failed(readList())))
    return failure();
  if (hasList && config) {
    if (failed(reconcile()))
      return failure();
  } else if (hasList) {
    model.tensors = std::move(listed);
    inferStructure();
  } else if (config && model.architecture->predictionLayers) {
    model.remarks.push_back("layers of the checkpoint that predict further tokens are left out");
  }
  if (model.tensors.empty())
    return diagnostics.error(modelLoc, "the model has no tensors");
  return linkModel(model, diagnostics);
}

} // namespace

LogicalResult readModel(llvm::ArrayRef<StringRef> paths, const FileReader &readFile, Model &model,
                        Diagnostics &diagnostics) {
  return ModelReader(readFile, model, diagnostics).read(paths);
}

} // namespace xfer::frontend
