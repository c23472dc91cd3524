//===- Model.cpp - A model's tensors --------------------------------------===//
//
// What holds for the tensors of every model, wherever they were read.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Model.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::frontend {

static constexpr StringRef kScaleSuffix = "_scale_inv";

int64_t Model::find(StringRef name) const {
  auto found = byName.find(name);
  return found == byName.end() ? -1 : found->second;
}

static int64_t countElements(const Model &model, bool scales) {
  int64_t total = 0;
  for (const ModelTensor &tensor : model.tensors) {
    int64_t elements = 1;
    for (int64_t extent : tensor.shape)
      elements *= extent; // checked when the tensor was made
    if ((tensor.scaled >= 0) == scales)
      total += elements;
  }
  return total;
}

int64_t Model::parameterCount() const { return countElements(*this, false); }
int64_t Model::scaleCount() const {
  return llvm::count_if(tensors, [](const ModelTensor &tensor) { return tensor.scaled >= 0; });
}

int64_t layerOf(StringRef name) {
  size_t at = name.find("layers.");
  if (at == StringRef::npos || (at > 0 && name[at - 1] != '.'))
    return -1;
  StringRef digits = name.drop_front(at + 7).take_while(llvm::isDigit);
  int64_t layer;
  return digits.empty() || digits.getAsInteger(10, layer) ? -1 : layer;
}

static bool isSymbol(StringRef name) {
  auto isAllowed = [](char c) { return llvm::isAlnum(c) || StringRef("_.$-").contains(c); };
  return !name.empty() && llvm::all_of(name, isAllowed) && name.back() != '-';
}

/// Verifies:
/// - the bytes fit in 63 bits, an extent of 0 counted as 1;
/// - all tensors together do.
static LogicalResult checkSizes(const Model &model, Diagnostics &diagnostics) {
  int64_t total = 0;
  for (const ModelTensor &tensor : model.tensors) {
    int64_t bytes = byteWidth(tensor.dtype);
    bool overflows = false;
    for (int64_t extent : tensor.shape)
      overflows |= llvm::MulOverflow(bytes, std::max<int64_t>(extent, 1), bytes);
    if (overflows || llvm::AddOverflow(total, bytes, total))
      return diagnostics.error(tensor.loc,
                               "tensor '" + tensor.name + "' needs more than 2^63 bytes");
  }
  return success();
}

static LogicalResult linkScales(Model &model, int64_t scales, Diagnostics &diagnostics) {
  ModelTensor &tensor = model.tensors[scales];
  int64_t weight = model.find(StringRef(tensor.name).drop_back(kScaleSuffix.size()));
  if (weight < 0)
    return diagnostics.error(tensor.loc,
                             "tensor '" + tensor.name + "' scales nothing: there is no '" +
                                 StringRef(tensor.name).drop_back(kScaleSuffix.size()) + "'");
  ModelTensor &scaled = model.tensors[weight];
  if (scaled.shape.size() != 2 || tensor.shape.size() != 2)
    return diagnostics.error(tensor.loc, "tensor '" + tensor.name +
                                             "' and the weight it scales must have 2 dimensions");
  ScaleBlock &block = model.scaleBlock;
  if (!block.rows) // without a configuration: the one block size that checkpoints have
    block = {128, 128};
  int64_t rows = llvm::divideCeil(scaled.shape[0], block.rows);
  int64_t columns = llvm::divideCeil(scaled.shape[1], block.columns);
  if (tensor.shape[0] != rows || tensor.shape[1] != columns)
    return diagnostics.error(tensor.loc,
                             "tensor '" + tensor.name + "' has shape [" + Twine(tensor.shape[0]) +
                                 ", " + Twine(tensor.shape[1]) + "], but blocks of [" +
                                 Twine(block.rows) + ", " + Twine(block.columns) + "] need [" +
                                 Twine(rows) + ", " + Twine(columns) + "]");
  tensor.scaled = weight;
  scaled.scales = scales;
  return success();
}

LogicalResult linkModel(Model &model, Diagnostics &diagnostics) {
  if (failed(checkSizes(model, diagnostics)))
    return failure();
  model.byName.clear();
  for (size_t index = 0; index < model.tensors.size(); ++index) {
    ModelTensor &tensor = model.tensors[index];
    tensor.scales = tensor.scaled = -1;
    if (!isSymbol(tensor.name))
      return diagnostics.error(tensor.loc, "tensor name '" + tensor.name +
                                               "' cannot be a symbol: only letters, digits and "
                                               "'_', '.', '$', '-' can");
    if (!model.byName.try_emplace(tensor.name, index).second)
      return diagnostics.error(tensor.loc, "tensor '" + tensor.name + "' is listed twice");
  }
  if (model.architecture && model.architecture->scaleBlock)
    model.scaleBlock = *model.architecture->scaleBlock;
  for (size_t index = 0; index < model.tensors.size(); ++index)
    if (StringRef(model.tensors[index].name).ends_with(kScaleSuffix) &&
        failed(linkScales(model, index, diagnostics)))
      return failure();
  return success();
}

LogicalResult dropScales(Model &model, Diagnostics &diagnostics) {
  DType dtype = model.architecture ? model.architecture->dtype : DType::BF16;
  for (ModelTensor &tensor : model.tensors)
    if (tensor.scales >= 0)
      tensor.dtype = dtype;
  llvm::erase_if(model.tensors, [](const ModelTensor &tensor) { return tensor.scaled >= 0; });
  return linkModel(model, diagnostics);
}

} // namespace xfer::frontend
