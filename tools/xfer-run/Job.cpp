//===- Job.cpp - From input files to a plan -------------------------------===//
#include "Job.h"
#include "LocalTensors.h"
#include "common/InputFiles.h"
#include "xfer/IR/Verifier.h"
#include "xfer/Pass/PassRegistry.h"
#include "xfer/Plan/EmitPlan.h"
#include "xfer/Plan/PlanPipeline.h"
#include "xfer/Plan/ReadPlan.h"
#include "xfer/Text/Parser.h"
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"
#include "xfer/Transforms/Pipelines.h"

using llvm::StringRef;
using llvm::Twine;

namespace xfer::run {

/// Verifies:
/// - every tensor has a source and a target;
/// - there are not more ranks than one process can run;
/// - their tensors fit into memory, which is better said before a long compilation.
static LogicalResult checkDeclarations(const Module &module, Diagnostics &diagnostics) {
  if (failed(expectBothSides(module, diagnostics)))
    return failure();
  int64_t numRanks = static_cast<int64_t>(ranksOf(module).size());
  if (numRanks > kMaxRanks)
    return diagnostics.error({}, "declarations name " + Twine(numRanks) +
                                     " ranks, but xfer-run runs at most " + Twine(kMaxRanks) +
                                     " in one process");
  return LocalTensors(module).checkMemory(0, diagnostics);
}

static std::unique_ptr<Module> parseDeclarations(llvm::ArrayRef<unsigned> buffers,
                                                 Diagnostics &diagnostics) {
  std::unique_ptr<Module> module = parseModule(buffers, diagnostics);
  if (!module || failed(verifyModule(*module, diagnostics)) ||
      failed(checkDeclarations(*module, diagnostics)))
    return nullptr;
  return module;
}

/// Lowers the module to windows: the passes asked for, then what is left of the default pipeline.
static LogicalResult lower(const Options &options, Module &module, std::string &pipelineText,
                           Diagnostics &diagnostics) {
  PassContext context = {diagnostics, std::nullopt};
  PassManager asked, rest;
  llvm::SourceMgr &sources = diagnostics.sourceMgr();
  unsigned id = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(options.pipeline, "<pass-pipeline>"), llvm::SMLoc());
  if (failed(PassRegistry::parsePipeline(sources.getMemoryBuffer(id)->getBuffer(), asked,
                                         diagnostics)) ||
      failed(asked.run(module, context)))
    return failure();

  int64_t numRanks = std::max<int64_t>(1, ranksOf(module).size());
  PipelineOptions sizes;
  sizes.stagingBytes = options.stagingBytes / numRanks;
  if (sizes.stagingBytes == 0)
    return diagnostics.error({}, "--staging-bytes=" + Twine(options.stagingBytes) +
                                     " gives less than one byte to each of " + Twine(numRanks) +
                                     " ranks");
  sizes.verifyPlan = !options.noVerifyPlan;
  buildDefaultPipeline(rest, module, sizes);
  for (const PassManager *manager : {&asked, &rest})
    pipelineText = continuePipeline(pipelineText, manager->printWithoutChecks());
  return rest.run(module, context);
}

static LogicalResult loadPlan(Job &job, Diagnostics &diagnostics) {
  xfer_plan_t *plan = nullptr;
  if (xfer_plan_load(job.planBytes.data(), job.planBytes.size(), &plan) != XFER_OK)
    return diagnostics.error({}, Twine("cannot load the plan: ") + xfer_last_error());
  job.plan.reset(plan);
  return success();
}

static LogicalResult compileText(const Options &options, llvm::ArrayRef<unsigned> buffers, Job &job,
                                 Diagnostics &diagnostics) {
  std::string pipelineText;
  job.declarations = parseDeclarations(buffers, diagnostics);
  if (job.declarations)
    pipelineText = startOfPipeline(*job.declarations);
  if (!job.declarations || failed(lower(options, *job.declarations, pipelineText, diagnostics)) ||
      failed(emitPlan(*job.declarations, pipelineText, job.planBytes, diagnostics)))
    return failure();
  return loadPlan(job, diagnostics);
}

/// Reads back what a plan was made from and proves it: what runs has been proven, whoever wrote it.
static LogicalResult prove(const Options &options, StringRef bytes, Job &job,
                           Diagnostics &diagnostics) {
  std::string pipeline;
  job.declarations = readPlan(bytes, pipeline, diagnostics);
  if (!job.declarations || failed(checkDeclarations(*job.declarations, diagnostics)))
    return failure();
  PassContext context = {diagnostics, std::nullopt};
  return success(options.noVerifyPlan ||
                 createVerifyPlanPass()->run(*job.declarations, context) != PassResult::Failed);
}

static LogicalResult takePlan(const Options &options, StringRef bytes, Job &job,
                              Diagnostics &diagnostics) {
  if (!options.pipeline.empty())
    return diagnostics.error({}, "--pass-pipeline has nothing to do: the input is a plan");
  job.planBytes.assign(bytes.bytes_begin(), bytes.bytes_end());
  if (failed(loadPlan(job, diagnostics)))
    return failure();
  xfer_plan_info_t info;
  if (xfer_plan_get_info(job.plan.get(), &info) != XFER_OK)
    return diagnostics.error({}, xfer_last_error());
  if (info.num_programs != info.num_ranks)
    return diagnostics.error({}, "plan holds the programs of " + Twine(info.num_programs) + " of " +
                                     Twine(info.num_ranks) + " ranks, but xfer-run needs all");
  return prove(options, bytes, job, diagnostics);
}

/// Verifies:
/// - there are as many processes as ranks;
/// - the plan's staging is within what the run may use.
static LogicalResult checkPlan(const Options &options, Job &job, Diagnostics &diagnostics) {
  job.ranks = ranksOf(*job.declarations);
  int64_t numRanks = static_cast<int64_t>(job.ranks.size());
  int64_t numProcesses = options.launcher ? options.launcher->worldSize : options.numProcesses;
  if (numProcesses && numProcesses != numRanks)
    return diagnostics.error({}, Twine(options.launcher ? "WORLD_SIZE is " : "--nproc is ") +
                                     Twine(numProcesses) + ", but the job has " + Twine(numRanks) +
                                     " ranks");
  for (int64_t rank : job.ranks) {
    xfer_program_info_t program;
    if (xfer_plan_get_program(job.plan.get(), rank, &program) != XFER_OK)
      return diagnostics.error({}, xfer_last_error());
    job.stagingBytes += options.backend == BackendKind::Threads ? program.staging_bytes
                                                                : program.remote_staging_bytes;
  }
  if (job.stagingBytes > options.stagingBytes)
    return diagnostics.error({}, "plan needs " + Twine(job.stagingBytes) +
                                     " bytes of staging on all ranks together, but --staging-bytes "
                                     "allows " +
                                     Twine(options.stagingBytes));
  return success();
}

LogicalResult prepareJob(const Options &options, Job &job, Diagnostics &diagnostics) {
  llvm::SmallVector<unsigned, 4> buffers;
  if (failed(readInputs(options.inputs, buffers, diagnostics)))
    return failure();
  for (unsigned id : buffers) {
    const llvm::MemoryBuffer *buffer = diagnostics.sourceMgr().getMemoryBuffer(id);
    if (!isPlan(buffer->getBuffer()))
      continue;
    if (buffers.size() > 1)
      return diagnostics.error({}, "'" + buffer->getBufferIdentifier() +
                                       "' is a plan, which must be the only input");
    if (failed(takePlan(options, buffer->getBuffer(), job, diagnostics)))
      return failure();
    return checkPlan(options, job, diagnostics);
  }
  if (failed(compileText(options, buffers, job, diagnostics)))
    return failure();
  return checkPlan(options, job, diagnostics);
}

} // namespace xfer::run
