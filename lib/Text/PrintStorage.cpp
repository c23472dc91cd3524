//===- PrintStorage.cpp - Storages and their views to text ----------------===//
#include "ModulePrinter.h"
#include "xfer/Text/Printer.h"

using llvm::StringRef;

namespace xfer {

static void appendRun(const Run &run, std::string &text) {
  StringRef name = run.kind == Run::Kind::Pad    ? "pad"
                   : run.kind == Run::Kind::Zero ? "zero"
                                                 : run.name;
  if (!name.empty())
    text += name.str() + ":";
  text += std::to_string(run.size);
}

static void appendPart(const StoragePart &part, std::string &text) {
  if (part.repeat != 1)
    text += std::to_string(part.repeat) + " x ";
  if (part.repeat == 1 && part.runs.size() == 1)
    return appendRun(part.runs.front(), text);
  text += '(';
  for (size_t r = 0; r < part.runs.size(); ++r) {
    text += r ? " | " : "";
    appendRun(part.runs[r], text);
  }
  text += ')';
}

static std::string shapeText(const StorageShape &shape) {
  std::string text = "[";
  for (size_t d = 0; d < shape.dims.size(); ++d)
    for (size_t p = 0; p < shape.dims[d].size(); ++p) {
      text += p ? " | " : d ? ", " : "";
      appendPart(shape.dims[d][p], text);
    }
  return text + "]";
}

/// The number of a fixed index among all of its dimension.
static int64_t globalIndex(const ViewEntry &entry, const StorageDim &dim) {
  int64_t index = 0;
  for (int32_t p = 0; p < entry.at.part; ++p)
    index += dim[p].extent();
  return index + dim[entry.at.part].indexOf({entry.at.run, entry.fixed});
}

static void appendEntry(const ViewEntry &entry, const StorageDim &dim, const Tensor &tensor,
                        std::string &text) {
  if (entry.factors.empty()) {
    text += std::to_string(globalIndex(entry, dim));
    return;
  }
  if (StringRef name = dim[entry.at.part].runs[entry.at.run].name; !name.empty())
    text += name.str() + ": ";
  StringRef separator = "";
  for (const ViewFactor &factor : entry.factors) {
    text += separator;
    separator = "*";
    text += 'd' + std::to_string(factor.index);
    if (factor.size() != tensor.shape[factor.index])
      text += '[' + std::to_string(factor.begin) + ':' + std::to_string(factor.end) + ']';
  }
  if (entry.table.empty())
    return;
  separator = " table [";
  for (int64_t slot : entry.table) {
    text += separator;
    separator = ", ";
    text += std::to_string(slot);
  }
  text += ']';
}

static std::string viewText(const View &view, const StorageShape &shape, const Tensor &tensor) {
  std::string text = "[";
  for (size_t e = 0; e < view.entries.size(); ++e) {
    text += e ? ", " : "";
    appendEntry(view.entries[e], shape.dims[e], tensor, text);
  }
  return text + "]";
}

void ModulePrinter::printStorage(const Storage &storage) {
  const StorageShape &shape = module.storageShape(storage.shape);
  out << (storage.isTarget ? "target" : "source") << " storage @" << storage.name << " : "
      << spelling(storage.dtype) << shapeText(shape) << storageLayoutText(storage) << " {\n";
  for (const StorageView &view : storage.views) {
    const Tensor &tensor = module.tensors[view.tensor];
    out << "  view @" << tensor.name << " " << viewText(module.view(view.view), shape, tensor)
        << "\n";
  }
  out << "}\n";
}

} // namespace xfer
