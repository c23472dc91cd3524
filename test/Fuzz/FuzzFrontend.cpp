//===- FuzzFrontend.cpp - Any bytes as a model and a job ------------------===//
//
// The input is several files, divided by NUL bytes: a model's configuration, a list
// or an index of its tensors, either of which may be empty, and a job. They are
// refused with an error, or become a text that is accepted.
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "xfer/Frontend/ModelFiles.h"
#include "xfer/Frontend/Translate.h"

using namespace xfer::frontend;
using namespace xfer::fuzz;

static bool readJobText(Case &input, llvm::StringRef text, Job &job) {
  auto document = parseJson(input.add(text), input.diagnostics);
  return document && succeeded(readJob(document->root, job, input.diagnostics)) &&
         succeeded(resolveJob(job, input.diagnostics));
}

static bool readModelTexts(Case &input, llvm::ArrayRef<llvm::StringRef> texts, Model &model) {
  std::vector<llvm::StringRef> paths;
  for (size_t i = 0; i < texts.size(); ++i)
    if (!texts[i].empty())
      paths.push_back(input.buffer(std::to_string(i)));
  FileReader reader = [&](llvm::StringRef path, xfer::Diagnostics &) {
    return llvm::MemoryBuffer::getMemBufferCopy(texts[path == "1"], path);
  };
  return !paths.empty() && succeeded(readModel(paths, reader, model, input.diagnostics));
}

/// Large jobs are legal and slow, which is no finding.
static bool isSmall(const Side &side) { return !side.isGiven() || side.num_gpus.value <= 64; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t kMaxTensors = 500;
  llvm::SmallVector<llvm::StringRef, 3> texts;
  asText(data, size).split(texts, '\0');
  if (texts.size() != 3 || (texts[0].empty() && texts[1].empty()))
    return -1;
  Case input;
  Job job;
  Model model;
  bool isRead = readJobText(input, texts[2], job) &&
                readModelTexts(input, llvm::ArrayRef(texts).take_front(2), model);
  input.expectErrorIf(!isRead);
  if (!isRead || model.tensors.size() > kMaxTensors || !isSmall(job.train) ||
      !isSmall(job.generation))
    return 0;
  std::string text;
  isRead = succeeded(translate(model, job, TranslateOptions(), text, input.diagnostics));
  input.expectErrorIf(!isRead);
  Case translated;
  if (isRead && !readText(translated, text))
    reject("what a frontend writes is accepted", translated.said + text);
  return 0;
}
