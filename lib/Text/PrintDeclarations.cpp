//===- PrintDeclarations.cpp - Declarations to text -----------------------===//
//
// Entry points: printModule, printDeclarations.
//===----------------------------------------------------------------------===//
#include "ModulePrinter.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"
#include <limits>

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

/// Whether `b` continues a range after `a`, whose end can be written: any numbers may come, in
/// errors.
static bool isNext(int64_t a, int64_t b) {
  return a < b && b - 1 == a && b != std::numeric_limits<int64_t>::max();
}

/// Appends `a, b:c`: ascending runs of three or more as ranges.
static void appendRanks(ArrayRef<int64_t> ranks, std::string &text) {
  for (size_t i = 0; i < ranks.size();) {
    size_t end = i + 1;
    while (end < ranks.size() && isNext(ranks[end - 1], ranks[end]))
      ++end;
    if (i)
      text += ", ";
    text += std::to_string(ranks[i]);
    if (end - i < 3) {
      ++i;
      continue;
    }
    text += ':' + std::to_string(ranks[end - 1] + 1);
    i = end;
  }
}

std::string toString(ArrayRef<int64_t> sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

std::string ranksToString(ArrayRef<int64_t> ranks) {
  std::string text = "[";
  appendRanks(ranks, text);
  return text + "]";
}

static bool isDefaultRanks(const Mesh &mesh) {
  for (size_t i = 0; i < mesh.ranks.size(); ++i)
    if (mesh.ranks[i] != static_cast<int64_t>(i))
      return false;
  return true;
}

void ModulePrinter::printMesh(const Mesh &mesh) {
  out << "mesh @" << mesh.name << " = [";
  StringRef separator = "";
  for (const MeshAxis &axis : mesh.axes) {
    out << separator << axis.name << "=" << axis.size;
    separator = ", ";
  }
  out << "]";
  if (!isDefaultRanks(mesh))
    out << " ranks " << ranksToString(mesh.ranks);
  out << "\n";
}

static void appendAxes(const Split &split, const Mesh &mesh, std::string &text) {
  StringRef separator = "";
  for (const AxisRef &ref : split.axes) {
    const MeshAxis &axis = mesh.axes[ref.axis];
    text += separator;
    text += axis.name;
    if (ref.preSize != 1 || ref.size != axis.size)
      text += ":(" + std::to_string(ref.preSize) + ")" + std::to_string(ref.size);
    separator = "*";
  }
}

static StringRef ruleWord(SplitRule rule) {
  switch (rule) {
  case SplitRule::Chunk:
    return "";
  case SplitRule::Exact:
    return "exact";
  case SplitRule::Balanced:
    return "balanced";
  case SplitRule::Strided:
    return "strided";
  case SplitRule::Cyclic:
    return "cyclic";
  case SplitRule::Sizes:
    return "sizes";
  }
  return "";
}

static void appendSplit(const Split &split, const Mesh &mesh, std::string &text) {
  if (split.rule == SplitRule::Chunk)
    return appendAxes(split, mesh, text);
  text += ruleWord(split.rule);
  text += '(';
  appendAxes(split, mesh, text);
  if (split.rule == SplitRule::Strided || split.rule == SplitRule::Cyclic)
    text += ", " + std::to_string(split.factor);
  if (split.rule == SplitRule::Sizes) {
    StringRef separator = ", [";
    for (int64_t size : split.sizes) {
      text += separator;
      text += std::to_string(size);
      separator = ", ";
    }
    text += ']';
  }
  text += ')';
}

/// `dimOfParts` of a storage, whose layout cuts parts.
static void appendDims(const Layout &layout, const Mesh &mesh, ArrayRef<int32_t> dimOfParts,
                       std::string &text) {
  bool splits = false;
  for (const DimLayout &dim : layout.dims)
    splits |= !dim.empty();
  if (!splits)
    return;
  text += " split [";
  for (size_t d = 0; d < layout.dims.size(); ++d) {
    bool isNextPart = d > 0 && !dimOfParts.empty() && dimOfParts[d] == dimOfParts[d - 1];
    text += d == 0 ? "{" : isNextPart ? " | {" : ", {";
    StringRef separator = "";
    for (const Split &split : layout.dims[d]) {
      text += separator;
      separator = ", ";
      appendSplit(split, mesh, text);
    }
    text += '}';
  }
  text += ']';
}

/// ` on @mesh split [...] partial<...>{...}`
static std::string makeLayoutText(const Layout &layout, const Mesh &mesh,
                                  ArrayRef<int32_t> dimOfParts) {
  std::string text = (" on @" + mesh.name).str();
  appendDims(layout, mesh, dimOfParts, text);
  if (layout.reduction == ReduceOp::None)
    return text;
  text += (" partial<" + spelling(layout.reduction) + ">").str();
  StringRef separator = "{";
  for (int32_t axis : layout.partialAxes) {
    text += separator;
    text += mesh.axes[axis].name;
    separator = ", ";
  }
  return text + '}';
}

StringRef ModulePrinter::layoutText(LayoutId id) {
  if (layoutTexts.empty())
    layoutTexts.resize(module.numLayouts());
  if (layoutTexts[id].empty())
    layoutTexts[id] = makeLayoutText(module.layout(id), module.meshes[module.layout(id).mesh], {});
  return layoutTexts[id];
}

std::string ModulePrinter::storageLayoutText(const Storage &storage) {
  const Layout &layout = module.layout(storage.layout);
  return makeLayoutText(layout, module.meshes[layout.mesh],
                        module.storageShape(storage.shape).dimOfParts());
}

void ModulePrinter::printSide(StringRef word, const Tensor &tensor, const Side &side) {
  out << word << " @" << side.name;
  if (side.dtype != tensor.dtype)
    out << " : " << spelling(side.dtype);
  out << layoutText(side.layout) << "\n";
}

void ModulePrinter::printTensor(const Tensor &tensor) {
  out << "tensor @" << tensor.name << " : " << spelling(tensor.dtype) << "[";
  int32_t next = 0, dim = 0; // index that begins the next dimension
  for (int32_t i = 0; i < static_cast<int32_t>(tensor.shape.size()); ++i) {
    bool begins = i == next;
    if (begins)
      next += tensor.factors.empty() ? 1 : tensor.factors[dim++];
    out << (i == 0 ? "" : begins ? ", " : "*") << tensor.shape[i];
  }
  out << "]";
  if (tensor.scales) {
    out << " scales @" << tensor.scales->weightName << " block [";
    StringRef separator = "";
    for (int64_t size : tensor.scales->block) {
      out << separator << size;
      separator = ", ";
    }
    out << "]";
  }
  out << "\n";
  if (tensor.source && tensor.source->storage == kNone)
    printSide("source", tensor, *tensor.source);
  for (const Side &target : tensor.targets)
    if (target.storage == kNone)
      printSide("target", tensor, target);
}

void ModulePrinter::printDeclarations() {
  for (const Mesh &mesh : module.meshes)
    printMesh(mesh);
  if (!module.meshes.empty() && !module.tensors.empty())
    out << "\n";
  for (const Tensor &tensor : module.tensors)
    printTensor(tensor);
  for (const Alias &alias : module.aliases)
    out << "alias @" << alias.name << " = @" << module.tensors[alias.tensor].name << "\n";
  if (!module.storages.empty())
    out << "\n";
  for (const Storage &storage : module.storages)
    printStorage(storage);
}

void printDeclarations(const Module &module, llvm::raw_ostream &os) {
  ModulePrinter(module, os).printDeclarations();
}

void printModule(const Module &module, llvm::raw_ostream &os) {
  ModulePrinter printer(module, os);
  printer.printDeclarations();
  printer.printOperations();
}

} // namespace xfer
