//===- Compiler.cpp - The compiler's C API --------------------------------===//
//
// The border between callers and CompileText: arguments are checked, nothing is
// thrown out of it, diagnostics become text.
//===----------------------------------------------------------------------===//
#include "xfer/compiler.h"
#include "CompileText.h"
#include "xfer/Plan/Version.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

struct xfer_compilation {
  std::vector<uint8_t> plan;
  std::string diagnostics;
};

namespace {

/// LLVM's containers end the process when memory does; here that is an error like any other.
/// Concerns only the copy of LLVM in this library.
void throwWhenOutOfMemory() {
  [[maybe_unused]] static const bool isInstalled = [] {
    llvm::install_bad_alloc_error_handler(
        [](void *, const char *, bool) { throw std::bad_alloc(); });
    return true;
  }();
}

/// Reads the options of a caller that may have been built with fewer of them. False if it knows
/// more.
bool readOptions(const xfer_compile_options_t *from, xfer_compile_options_t &to) {
  if (!from)
    return true;
  if (from->size < sizeof(from->size) || from->size > sizeof(to))
    return false;
  std::memcpy(&to, from, from->size);
  return true;
}

/// Verifies:
/// - every text has its bytes, which a location can number;
/// - no number in the options is negative.
bool areValid(const xfer_text_t *texts, size_t count, const xfer_compile_options_t &options) {
  constexpr size_t kMaxBytes = std::numeric_limits<uint32_t>::max();
  if (count && !texts)
    return false;
  for (size_t i = 0; i < count; ++i)
    if ((texts[i].bytes && !texts[i].data) || texts[i].bytes > kMaxBytes)
      return false;
  return options.rank >= 0 && options.staging_bytes >= 0 && options.bucket_bytes >= 0;
}

xfer::CompileOptions translate(const xfer_compile_options_t &options) {
  xfer::CompileOptions result;
  if (options.one_rank)
    result.rank = options.rank;
  if (options.pipeline)
    result.pipeline = options.pipeline;
  if (options.staging_bytes)
    result.sizes.stagingBytes = options.staging_bytes;
  if (options.bucket_bytes)
    result.sizes.bucketBytes = options.bucket_bytes;
  result.sizes.verifyPlan = !options.no_verify_plan;
  return result;
}

xfer_compiler_status_t compile(const xfer_text_t *texts, size_t count,
                               const xfer_compile_options_t &options,
                               xfer_compilation &compilation) {
  llvm::SourceMgr sources;
  llvm::SmallVector<unsigned> bufferIds;
  for (size_t i = 0; i < count; ++i)
    bufferIds.push_back(sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy({texts[i].data, texts[i].bytes},
                                             texts[i].name ? texts[i].name : "<text>"),
        llvm::SMLoc()));
  llvm::raw_string_ostream stream(compilation.diagnostics);
  xfer::Diagnostics diagnostics(sources);
  diagnostics.setHandler(
      [&](const llvm::SMDiagnostic &diagnostic) { xfer::printDiagnostic(diagnostic, stream); });
  if (failed(xfer::compileText(bufferIds, translate(options), compilation.plan, diagnostics))) {
    compilation.plan.clear();
    return XFER_COMPILER_REJECTED;
  }
  return XFER_COMPILER_OK;
}

} // namespace

const char *xfer_compiler_status_name(xfer_compiler_status_t status) {
  switch (status) {
  case XFER_COMPILER_OK:
    return "OK";
  case XFER_COMPILER_INVALID_ARGUMENT:
    return "INVALID_ARGUMENT";
  case XFER_COMPILER_REJECTED:
    return "REJECTED";
  case XFER_COMPILER_OUT_OF_MEMORY:
    return "OUT_OF_MEMORY";
  }
  return "UNKNOWN";
}

const char *xfer_compiler_version(void) { return xfer::kCompilerVersion; }

xfer_compiler_status_t xfer_compile(const xfer_text_t *texts, size_t count,
                                    const xfer_compile_options_t *options,
                                    xfer_compilation_t **out_compilation) {
  xfer_compile_options_t known = {};
  if (!out_compilation || !readOptions(options, known) || !areValid(texts, count, known))
    return XFER_COMPILER_INVALID_ARGUMENT;
  throwWhenOutOfMemory();
  try {
    auto compilation = std::make_unique<xfer_compilation>();
    const xfer_compiler_status_t status = compile(texts, count, known, *compilation);
    *out_compilation = compilation.release();
    return status;
  } catch (const std::bad_alloc &) {
    return XFER_COMPILER_OUT_OF_MEMORY;
  } catch (const std::length_error &) { // of a container that would exceed all memory
    return XFER_COMPILER_OUT_OF_MEMORY;
  }
}

const void *xfer_compilation_plan(const xfer_compilation_t *compilation, size_t *out_bytes) {
  const bool hasPlan = compilation && !compilation->plan.empty();
  if (out_bytes)
    *out_bytes = hasPlan ? compilation->plan.size() : 0;
  return hasPlan ? compilation->plan.data() : nullptr;
}

const char *xfer_compilation_diagnostics(const xfer_compilation_t *compilation) {
  return compilation ? compilation->diagnostics.c_str() : "";
}

void xfer_compilation_destroy(xfer_compilation_t *compilation) { delete compilation; }
