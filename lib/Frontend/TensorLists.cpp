//===- TensorLists.cpp - Tensors by name and shape ------------------------===//
//
// JSON objects of shapes, safetensors files, and indices of several files. All
// give tensors in the natural order of their names: layer 2 before layer 10.
//===----------------------------------------------------------------------===//
#include "xfer/Frontend/JsonFields.h"
#include "xfer/Frontend/ModelFiles.h"
#include "xfer/Frontend/SafetensorsHeader.h"
#include "xfer/IR/Spelling.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <map>

using llvm::StringRef;

namespace xfer::frontend {

static ModelTensor toTensor(const SafetensorsEntry &entry) {
  ModelTensor tensor;
  tensor.name = entry.name;
  tensor.dtype = entry.dtype;
  tensor.shape = entry.shape;
  tensor.loc = entry.loc;
  return tensor;
}

static void sortNaturally(std::vector<ModelTensor> &tensors) {
  llvm::sort(tensors, [](const ModelTensor &a, const ModelTensor &b) {
    int order = StringRef(a.name).compare_numeric(b.name);
    return order ? order < 0 : a.name < b.name;
  });
}

LogicalResult readTensorObject(const JsonValue &root, std::vector<ModelTensor> &tensors,
                               Diagnostics &diagnostics) {
  for (const JsonMember &member : root.members) {
    if (member.name.starts_with("_"))
      continue; // `__metadata__`, `_comment`
    SafetensorsEntry entry;
    entry.name = member.name.str();
    entry.loc = member.loc;
    std::string quoted = "tensor '" + entry.name + "'";
    JsonFields fields(member.value, quoted, diagnostics);
    for (const JsonMember &field : member.value.members) {
      // The last two say where a tensor lies, which is of no interest here.
      static constexpr StringRef kKnown[] = {"shape", "dtype", "shard", "data_offsets"};
      if (!llvm::is_contained(kKnown, field.name))
        return fields.error(field.loc, quoted + " has an unknown field '" + field.name + "'" +
                                           didYouMean(field.name, kKnown));
    }
    if (failed(parseTensorDescription(fields, entry)))
      return failure();
    tensors.push_back(toTensor(entry));
  }
  sortNaturally(tensors);
  return success();
}

LogicalResult readTensorFile(StringRef path, std::vector<ModelTensor> &tensors,
                             Diagnostics &diagnostics) {
  std::vector<SafetensorsEntry> entries;
  if (failed(readSafetensorsHeader(path, entries, diagnostics)))
    return failure();
  for (const SafetensorsEntry &entry : entries)
    tensors.push_back(toTensor(entry));
  sortNaturally(tensors);
  return success();
}

/// Verifies:
/// - every name of the index is in the file it names;
/// - no file has a tensor that the index does not give it.
static LogicalResult readShards(StringRef directory, const JsonValue &weightMap,
                                const std::map<StringRef, const JsonMember *> &shards,
                                std::vector<ModelTensor> &tensors, Diagnostics &diagnostics) {
  llvm::StringMap<StringRef> fileOf; ///< of the tensors that were found
  llvm::StringMap<const JsonMember *> byName;
  for (const JsonMember &member : weightMap.members)
    byName[member.name] = &member;
  for (const auto &[file, member] : shards) {
    llvm::SmallString<128> path(directory);
    llvm::sys::path::append(path, file);
    std::vector<SafetensorsEntry> entries;
    if (failed(readSafetensorsHeader(path, entries, diagnostics))) {
      diagnostics.note(member->value.loc, "the index names the file here");
      return failure();
    }
    for (const SafetensorsEntry &entry : entries) {
      const JsonMember *indexed = byName.lookup(entry.name);
      if (!indexed || indexed->value.text != file)
        return diagnostics.error(entry.loc, "tensor '" + entry.name + "' is in '" + file +
                                                "', but the index does not say so");
      fileOf[entry.name] = file;
      tensors.push_back(toTensor(entry));
    }
  }
  for (const JsonMember &member : weightMap.members)
    if (!fileOf.count(member.name))
      return diagnostics.error(member.loc, "tensor '" + member.name + "' is not in '" +
                                               member.value.text + "'");
  return success();
}

LogicalResult readTensorIndex(StringRef path, const JsonValue &root, bool mayLackFiles,
                              std::vector<ModelTensor> &tensors, bool &hasShapes,
                              Diagnostics &diagnostics) {
  const JsonValue *weightMap = root.find("weight_map");
  if (!weightMap || weightMap->kind != JsonValue::Kind::Object)
    return diagnostics.error(weightMap ? weightMap->loc : root.loc,
                             "the index has no object 'weight_map'");
  llvm::StringRef directory = llvm::sys::path::parent_path(path);
  std::map<StringRef, const JsonMember *> shards; ///< by file, the first tensor of each
  bool anyExists = false;
  for (const JsonMember &member : weightMap->members) {
    StringRef file = member.value.text;
    if (member.value.kind != JsonValue::Kind::String)
      return diagnostics.error(member.value.loc, "tensor '" + member.name + "' is in " +
                                                     member.value.describe() +
                                                     ", expected the name of a file");
    if (file.empty() || file.starts_with(".") || file.find_first_of("/\\") != StringRef::npos ||
        file.contains('\0'))
      return diagnostics.error(member.value.loc,
                               "'" + file + "' is not the name of a file beside the index");
    if (!shards.try_emplace(file, &member).second)
      continue;
    llvm::SmallString<128> shard(directory);
    llvm::sys::path::append(shard, file);
    anyExists |= llvm::sys::fs::exists(shard);
  }
  hasShapes = anyExists || !mayLackFiles;
  if (hasShapes) {
    if (failed(readShards(directory, *weightMap, shards, tensors, diagnostics)))
      return failure();
  } else {
    for (const JsonMember &member : weightMap->members) {
      ModelTensor &tensor = tensors.emplace_back();
      tensor.name = member.name.str();
      tensor.loc = member.loc;
    }
  }
  sortNaturally(tensors);
  return success();
}

} // namespace xfer::frontend
