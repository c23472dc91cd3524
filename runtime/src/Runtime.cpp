//===- Runtime.cpp - The C interface --------------------------------------===//
//
// Checks arguments, forwards, and turns results and exceptions into statuses.
// Nothing is thrown across it.
//===----------------------------------------------------------------------===//
#include "Session.h"
#include <algorithm>
#include <cstring>
#include <new>
#include <system_error>

using namespace xfer::runtime;

namespace {

/// Runs `call` and reports its Status; the standard library's failures are about resources.
template <typename CALL> xfer_status_t guard(CALL call) {
  try {
    return reportStatus(call());
  } catch (const std::bad_alloc &) {
    return reportStatus(Status(XFER_OUT_OF_BUDGET, "out of memory"));
  } catch (const std::system_error &error) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "out of threads: ", error.what()));
  } catch (const std::exception &error) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "out of resources: ", error.what()));
  }
}

Status isNull(const char *name) { return failure(XFER_INVALID_ARGUMENT, "'", name, "' is NULL"); }

Status findProgram(const xfer_plan *plan, int64_t rank, const Program *&program) {
  if (!plan)
    return isNull("plan");
  program = plan->findProgram(rank);
  return program ? Status() : failure(XFER_INVALID_ARGUMENT, "plan has no program for rank ", rank);
}

} // namespace

xfer_status_t xfer_plan_load(const void *bytes, size_t size, xfer_plan_t **out_plan) {
  return guard([&]() -> Status {
    if (!out_plan)
      return isNull("out_plan");
    if (!bytes && size > 0)
      return isNull("bytes");
    auto plan = std::make_unique<xfer_plan>();
    Status status = loadPlan({static_cast<const uint8_t *>(bytes), size}, *plan);
    if (status.isOk())
      *out_plan = plan.release();
    return status;
  });
}

void xfer_plan_destroy(xfer_plan_t *plan) { delete plan; }

xfer_status_t xfer_plan_get_info(const xfer_plan_t *plan, xfer_plan_info_t *out_info) {
  return guard([&]() -> Status {
    if (!plan || !out_info)
      return isNull(plan ? "out_info" : "plan");
    *out_info = {plan->digest,          plan->ranks.size(),         plan->ranks.data(),
                 plan->programs.size(), plan->declarations.c_str(), plan->pipeline.c_str()};
    return {};
  });
}

xfer_status_t xfer_plan_get_program(const xfer_plan_t *plan, int64_t rank,
                                    xfer_program_info_t *out_info) {
  return guard([&]() -> Status {
    const Program *program = nullptr;
    if (Status status = findProgram(plan, rank, program); !status.isOk())
      return status;
    if (!out_info)
      return isNull("out_info");
    *out_info = program->info;
    return {};
  });
}

xfer_status_t xfer_plan_get_binding(const xfer_plan_t *plan, int64_t rank, size_t index,
                                    xfer_binding_info_t *out_info) {
  return guard([&]() -> Status {
    const Program *program = nullptr;
    if (Status status = findProgram(plan, rank, program); !status.isOk())
      return status;
    if (!out_info)
      return isNull("out_info");
    if (index >= program->bindings.size())
      return failure(XFER_INVALID_ARGUMENT, "rank ", rank, " has no binding ", index,
                     ", expected less than ", program->bindings.size());
    const BindingSpec &binding = *program->bindings[index];
    *out_info = {binding.name->c_str(), binding.side,         binding.dtype,
                 binding.shape.size(),  binding.shape.data(), binding.numBytes};
    return {};
  });
}

xfer_status_t xfer_session_create(const xfer_plan_t *plan, const xfer_session_options_t *options,
                                  xfer_session_t **out_session) {
  return guard([&]() -> Status {
    if (!plan || !options || !out_session)
      return isNull(!plan ? "plan" : !options ? "options" : "out_session");
    // Callers built against an older header bring a shorter structure.
    constexpr size_t kFirstSize = offsetof(xfer_session_options_t, epoch);
    if (options->size < kFirstSize)
      return failure(XFER_INVALID_ARGUMENT, "options have size ", options->size,
                     ", expected at least ", kFirstSize);
    xfer_session_options_t known = {};
    std::memcpy(&known, options, std::min(options->size, sizeof(known)));
    std::unique_ptr<xfer_session> session;
    Status status = xfer_session::create(*plan, known, session);
    if (status.isOk())
      *out_session = session.release();
    return status;
  });
}

void xfer_session_destroy(xfer_session_t *session) { delete session; }

xfer_status_t xfer_session_bind(xfer_session_t *session, const xfer_binding_t *bindings,
                                size_t count) {
  return guard([&]() -> Status {
    if (!session || (!bindings && count > 0))
      return isNull(session ? "bindings" : "session");
    return session->bind({bindings, count});
  });
}

xfer_status_t xfer_session_replay(xfer_session_t *session, void *stream) {
  return guard([&]() -> Status {
    if (!session)
      return isNull("session");
    return session->replay(stream);
  });
}

xfer_status_t xfer_session_wait(xfer_session_t *session, int64_t timeout_ms) {
  return guard([&]() -> Status {
    if (!session)
      return isNull("session");
    return session->wait(timeout_ms);
  });
}

void xfer_session_abort(xfer_session_t *session) {
  if (session)
    session->abort();
}

xfer_status_t xfer_session_incomplete(const xfer_session_t *session, const char *const **out_names,
                                      size_t *out_count) {
  return guard([&]() -> Status {
    if (!session || !out_names || !out_count)
      return isNull(!session ? "session" : !out_names ? "out_names" : "out_count");
    const std::span<const char *const> names = session->incomplete();
    *out_names = names.data();
    *out_count = names.size();
    return {};
  });
}

xfer_status_t xfer_session_get_counters(const xfer_session_t *session,
                                        xfer_counters_t *out_counters) {
  return guard([&]() -> Status {
    if (!session || !out_counters)
      return isNull(session ? "out_counters" : "session");
    return session->counters(*out_counters);
  });
}

xfer_status_t xfer_session_write_timeline(const xfer_session_t *session, const char *path) {
  return guard([&]() -> Status {
    if (!session || !path)
      return isNull(session ? "path" : "session");
    return session->writeTimeline(path);
  });
}
