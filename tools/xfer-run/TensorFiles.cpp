//===- TensorFiles.cpp - --inputs and --outputs ---------------------------===//
#include "TensorFiles.h"
#include "Progress.h"
#include "Safetensors.h"
#include "common/OutputFile.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/Path.h"
#include <map>

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace xfer::run {
namespace {
using TensorsByRank = std::map<int64_t, std::vector<const LocalTensor *>>;

/// A source and where its bytes lie.
struct InputPart {
  const LocalTensor *local = nullptr;
  const SafetensorsEntry *entry = nullptr;
};
} // namespace

static TensorsByRank groupByRank(ArrayRef<LocalTensor> tensors) {
  TensorsByRank byRank;
  for (const LocalTensor &local : tensors)
    if (local.isHere)
      byRank[local.rank].push_back(&local);
  return byRank;
}

static std::string filePath(StringRef directory, int64_t rank) {
  llvm::SmallString<128> path(directory);
  llvm::sys::path::append(path, "rank" + Twine(rank) + ".safetensors");
  return std::string(path);
}

//===- Inputs -------------------------------------------------------------===//

/// Verifies:
/// - the file has every source of the rank, with its element type and local shape;
/// - the file has nothing else.
static LogicalResult matchFile(ArrayRef<const LocalTensor *> sources, const SafetensorsFile &file,
                               std::vector<InputPart> &parts, Diagnostics &diagnostics) {
  std::string place =
      " of rank " + std::to_string(sources.front()->rank) + " in '" + file.path().str() + "' ";
  llvm::SmallSet<StringRef, 16> expected;
  for (const LocalTensor *local : sources) {
    StringRef name = local->memory->name;
    expected.insert(name);
    const SafetensorsEntry *entry = file.find(name);
    if (!entry)
      return diagnostics.error({}, "tensor '" + name + "'" + place + "is missing");
    if (entry->dtype != local->memory->dtype)
      return diagnostics.error({}, "tensor '" + name + "'" + place + "is " +
                                       safetensorsName(entry->dtype) + ", expected " +
                                       safetensorsName(local->memory->dtype));
    if (entry->shape != local->shape)
      return diagnostics.error({}, "tensor '" + name + "'" + place + "has shape " +
                                       toString(ArrayRef<int64_t>(entry->shape)) + ", expected " +
                                       toString(ArrayRef<int64_t>(local->shape)));
    parts.push_back({local, entry});
  }
  for (const SafetensorsEntry &entry : file.entries())
    if (!expected.contains(entry.name))
      return diagnostics.error({}, "tensor '" + entry.name + "'" + place +
                                       "is extra: the rank has no source of this name");
  return success();
}

static LogicalResult readPart(const SafetensorsFile &file, const InputPart &part,
                              Diagnostics &diagnostics) {
  if (llvm::Error error = file.read(*part.entry, part.local->data))
    return diagnostics.error({}, llvm::toString(std::move(error)));
  if (part.local->memory->dtype != DType::I1)
    return success();
  for (int64_t i = 0; i < part.local->elements; ++i)
    if (static_cast<unsigned char>(part.local->data[i]) > 1)
      return diagnostics.error({}, "tensor '" + part.local->memory->name + "' of rank " +
                                       Twine(part.local->rank) + " in '" + file.path() +
                                       "' has a BOOL that is neither 0 nor 1");
  return success();
}

LogicalResult readSources(const LocalTensors &locals, StringRef directory,
                          Diagnostics &diagnostics) {
  std::vector<SafetensorsFile> files;
  std::vector<std::vector<InputPart>> parts;
  for (const auto &[rank, sources] : groupByRank(locals.sources())) {
    llvm::Expected<SafetensorsFile> file = SafetensorsFile::open(filePath(directory, rank));
    if (!file)
      return diagnostics.error({}, "rank " + Twine(rank) + ": " + llvm::toString(file.takeError()));
    files.push_back(std::move(*file));
    if (failed(matchFile(sources, files.back(), parts.emplace_back(), diagnostics)))
      return failure();
  }
  Progress progress("reading", static_cast<int64_t>(locals.sources().size()));
  for (size_t i = 0; i < files.size(); ++i)
    for (const InputPart &part : parts[i]) {
      if (failed(readPart(files[i], part, diagnostics)))
        return failure();
      progress.advance();
    }
  return success();
}

//===- Outputs ------------------------------------------------------------===//

LogicalResult writeTargets(const LocalTensors &locals, StringRef directory,
                           Diagnostics &diagnostics) {
  std::vector<std::string> paths;
  std::vector<std::unique_ptr<OutputFile>> files;
  TensorsByRank byRank = groupByRank(locals.targets());
  Progress progress("writing", static_cast<int64_t>(byRank.size()));
  for (const auto &[rank, targets] : byRank) {
    paths.push_back(filePath(directory, rank));
    files.push_back(OutputFile::open(paths.back(), diagnostics));
    if (!files.back())
      return failure();
    std::vector<SafetensorsTensor> tensors;
    for (const LocalTensor *local : targets)
      tensors.push_back(
          {local->memory->name, local->memory->dtype, local->shape, local->data, local->bytes});
    writeSafetensors(tensors, files.back()->os());
    progress.advance();
  }
  for (size_t i = 0; i < files.size(); ++i)
    if (failed(files[i]->keep(diagnostics))) {
      for (size_t kept = 0; kept < i; ++kept)
        (void)llvm::sys::fs::remove(paths[kept]);
      return failure();
    }
  return success();
}

LogicalResult createDirectory(StringRef directory, Diagnostics &diagnostics) {
  if (std::error_code error = llvm::sys::fs::create_directories(directory))
    return diagnostics.error({}, "cannot create '" + directory + "': " + error.message());
  return success();
}

LogicalResult checkDirectories(const LocalTensors &locals, StringRef inputs, StringRef outputs,
                               Diagnostics &diagnostics) {
  bool same = false;
  if (llvm::sys::fs::equivalent(inputs, outputs, same) || !same)
    return success(); // a directory that does not exist yet is no other's
  TensorsByRank sources = groupByRank(locals.sources());
  for (const LocalTensor &target : locals.targets())
    if (sources.count(target.rank))
      return diagnostics.error({}, "--outputs would replace the input file of rank " +
                                       Twine(target.rank) + " in '" + inputs + "'");
  return success();
}

} // namespace xfer::run
