//===- PrintTransfer.cpp - Storages as text -------------------------------===//
//
// Meshes first, then one group of declarations a layer: its tensors, and what
// each side stores of them. A storage that is its tensor under its own name is
// a plain `source` or `target`. Linear in the text.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/Translate.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer::frontend {
namespace {

class TransferPrinter {
public:
  TransferPrinter(const Model &model, ArrayRef<const SideStorages *> sides, std::string &text)
      : model(model), sides(sides), text(text) {}
  void print();

private:
  /// Declarations that stand together; groups are printed in the order of their keys.
  struct Group {
    std::vector<int64_t> tensors;
    std::vector<std::vector<const Storage *>> storages; ///< by side
  };
  void number(int64_t value) { text += std::to_string(value); }
  void makeGroups();
  Group &groupOf(int64_t tensor);
  void printHead();
  void printSide(const SideStorages &side);
  void printMesh(const SideMesh &mesh);
  void printTensor(const ModelTensor &tensor);
  bool isPlain(const Storage &storage) const;
  void printStorage(const SideStorages &side, const Storage &storage);
  void printDimensions(const Storage &storage);
  void printSplit(const Storage &storage);
  void printView(const View &view);

  const Model &model;
  ArrayRef<const SideStorages *> sides;
  std::string &text;
  std::map<int64_t, Group> groups;
  int64_t firstLayered = 0; ///< tensors before it stand before the layers
};

std::string withSeparators(int64_t value) {
  std::string digits = std::to_string(value);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return digits;
}

TransferPrinter::Group &TransferPrinter::groupOf(int64_t tensor) {
  int64_t layer = layerOf(model.tensors[tensor].name);
  bool isLast = layer < 0 && tensor > firstLayered;
  Group &group = groups[isLast ? INT64_MAX : layer];
  group.storages.resize(sides.size());
  return group;
}

void TransferPrinter::makeGroups() {
  for (size_t tensor = 0; tensor < model.tensors.size(); ++tensor)
    if (layerOf(model.tensors[tensor].name) >= 0) {
      firstLayered = tensor;
      break;
    }
  for (size_t tensor = 0; tensor < model.tensors.size(); ++tensor)
    groupOf(tensor).tensors.push_back(tensor);
  for (size_t side = 0; side < sides.size(); ++side)
    for (const Storage &storage : sides[side]->storages)
      groupOf(storage.views.front().tensor).storages[side].push_back(&storage);
}

void TransferPrinter::printSide(const SideStorages &placed) {
  const Side &side = placed.side;
  text += "// " + side.name + ": " + side.framework;
  auto size = [&](StringRef name, const SideSize &size) {
    bool isImplied = name == "num_gpus" || name == "first_rank" ||
                     (name == "vocab_multiple" && size.value == 128) ||
                     (name == "etp" && !size.isGiven);
    if (size.value > 1 && !isImplied)
      text += " " + name.str() + "=" + std::to_string(size.value);
  };
#define ROW(NAME, ...) size(#NAME, side.NAME);
  XFER_SIDE_SIZES(ROW)
#undef ROW
  auto word = [&](StringRef name, const SideWord &word, StringRef words) {
    if (word.value != words.split(' ').first)
      text += " " + name.str() + "=" + word.value;
  };
#define ROW(NAME, WORDS, HELP) word(#NAME, side.NAME, WORDS);
  XFER_SIDE_WORDS(ROW)
#undef ROW
  int64_t first = side.first_rank.value, count = side.num_gpus.value;
  text += ", " + std::to_string(count) + (count == 1 ? " rank" : " ranks") + " from " +
          std::to_string(first) + "\n";
  for (const std::string &remark : placed.remarks)
    text += "//   " + remark + "\n";
}

void TransferPrinter::printHead() {
  text += "// Written by xfer-translate.\n//\n// model: ";
  if (model.architecture)
    text += model.architecture->modelType + ", " + std::to_string(model.architecture->layers) +
            " layers, ";
  int64_t scales = model.scaleCount();
  text += withSeparators(static_cast<int64_t>(model.tensors.size()) - scales) + " tensors, " +
          withSeparators(model.parameterCount()) + " parameters";
  if (scales)
    text += ", " + withSeparators(scales) + " tensors of scales";
  text += "\n";
  for (const std::string &remark : model.remarks)
    text += "//   " + remark + "\n";
  for (const SideStorages *side : sides)
    printSide(*side);
}

void TransferPrinter::printMesh(const SideMesh &mesh) {
  text += "mesh @" + mesh.name + " = [";
  for (const SideMesh::Axis &axis : mesh.axes) {
    if (&axis != mesh.axes.begin())
      text += ", ";
    text += axis.name + "=" + std::to_string(axis.size);
  }
  text += "] ranks [";
  for (size_t begin = 0; begin < mesh.ranks.size();) {
    size_t end = begin + 1;
    while (end < mesh.ranks.size() && mesh.ranks[end] == mesh.ranks[end - 1] + 1)
      ++end;
    if (begin)
      text += ", ";
    number(mesh.ranks[begin]);
    if (end - begin > 1) {
      text += ":";
      number(mesh.ranks[end - 1] + 1);
    }
    begin = end;
  }
  text += "]";
  if (!mesh.remark.empty())
    text += "  // " + mesh.remark;
  text += "\n";
}

void TransferPrinter::printTensor(const ModelTensor &tensor) {
  text += "tensor @" + tensor.name + " : ";
  text += spelling(tensor.dtype);
  text += "[";
  for (size_t dimension = 0; dimension < tensor.shape.size(); ++dimension) {
    if (dimension)
      text += ", ";
    int64_t extent = tensor.shape[dimension];
    if (dimension == 0 && tensor.firstFactor) {
      number(tensor.firstFactor);
      text += "*";
      extent /= tensor.firstFactor;
    }
    number(extent);
  }
  text += "]";
  if (tensor.scaled >= 0)
    text += " scales @" + model.tensors[tensor.scaled].name + " block [" +
            std::to_string(model.scaleBlock.rows) + ", " +
            std::to_string(model.scaleBlock.columns) + "]";
  text += "\n";
}

/// True if the storage is one tensor, whole and under its own name.
bool TransferPrinter::isPlain(const Storage &storage) const {
  const View &view = storage.views.front();
  if (storage.views.size() > 1 || model.tensors[view.tensor].name != storage.name)
    return false;
  for (size_t number = 0; number < storage.dimensions.size(); ++number) {
    const StorageDimension &dimension = storage.dimensions[number];
    if (view.entries[number].dimension != static_cast<int64_t>(number) || dimension.size() > 1 ||
        dimension[0].runs.size() > 1)
      return false;
  }
  return true;
}

void TransferPrinter::printDimensions(const Storage &storage) {
  for (const StorageDimension &dimension : storage.dimensions) {
    if (&dimension != storage.dimensions.begin())
      text += ", ";
    for (const Part &part : dimension) {
      if (&part != dimension.begin())
        text += " | ";
      if (part.repeat > 1)
        text += std::to_string(part.repeat) + " x ";
      bool isCutAsWhole = part.repeat > 1 || part.runs.size() > 1;
      if (isCutAsWhole)
        text += "(";
      for (const Run &run : part.runs) {
        if (&run != part.runs.begin())
          text += " | ";
        if (!run.name.empty())
          text += run.name + ":";
        number(run.size);
      }
      if (isCutAsWhole)
        text += ")";
    }
  }
}

void TransferPrinter::printSplit(const Storage &storage) {
  bool anyCut = false;
  for (const StorageDimension &dimension : storage.dimensions)
    for (const Part &part : dimension)
      anyCut |= !part.cuts.empty();
  if (!anyCut)
    return;
  text += " split [";
  for (const StorageDimension &dimension : storage.dimensions) {
    if (&dimension != storage.dimensions.begin())
      text += ", ";
    for (const Part &part : dimension) {
      text += &part == dimension.begin() ? "{" : " | {";
      for (const Cut &cut : part.cuts) {
        if (&cut != part.cuts.begin())
          text += ", ";
        text += cut.axes;
      }
      text += "}";
    }
  }
  text += "]";
}

void TransferPrinter::printView(const View &view) {
  text += "  view @" + model.tensors[view.tensor].name + " [";
  for (const ViewEntry &entry : view.entries) {
    if (&entry != view.entries.begin())
      text += ", ";
    if (entry.index >= 0) {
      number(entry.index);
      continue;
    }
    if (!entry.run.empty())
      text += entry.run + ": ";
    text += entry.factors;
  }
  text += "]\n";
}

void TransferPrinter::printStorage(const SideStorages &side, const Storage &storage) {
  text += side.side.isSource ? "source " : "target ";
  bool plain = isPlain(storage);
  if (!plain)
    text += "storage ";
  text += "@" + storage.name;
  if (!plain) {
    text += " : ";
    text += spelling(storage.dtype);
    text += "[";
    printDimensions(storage);
    text += "]";
  } else if (storage.dtype != model.tensors[storage.views.front().tensor].dtype) {
    text += " : ";
    text += spelling(storage.dtype);
  }
  text += " on @" + side.meshes[storage.mesh].name;
  printSplit(storage);
  if (!plain) {
    text += " {\n";
    for (const View &view : storage.views)
      printView(view);
    text += "}";
  }
  text += "\n";
}

void TransferPrinter::print() {
  printHead();
  for (const SideStorages *side : sides) {
    text += "\n";
    for (const SideMesh &mesh : side->meshes)
      printMesh(mesh);
  }
  makeGroups();
  for (const auto &[layer, group] : groups) {
    if (layer < 0)
      text += "\n// before the layers\n";
    else if (layer == INT64_MAX)
      text += "\n// after the layers\n";
    else
      text += "\n// layer " + std::to_string(layer) + "\n";
    for (int64_t tensor : group.tensors)
      printTensor(model.tensors[tensor]);
    for (size_t side = 0; side < sides.size(); ++side) {
      if (!group.storages[side].empty())
        text += "// " + sides[side]->side.name + "\n";
      for (const Storage *storage : group.storages[side])
        printStorage(*sides[side], *storage);
    }
  }
}

} // namespace

void printTransfer(const Model &model, ArrayRef<const SideStorages *> sides, std::string &text) {
  TransferPrinter(model, sides, text).print();
}

} // namespace xfer::frontend
