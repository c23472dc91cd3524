//===- runtime.hpp - The runtime from C++ -----------------------*- C++ -*-===//
//
// runtime.h with owners instead of handles and results instead of out_
// parameters. Header only, C++17, no exceptions of its own. What is borrowed and
// for how long stands in runtime.h; destroy sessions before groups, groups before
// stores.
//
//   auto plan = xfer::Plan::load(bytes.data(), bytes.size());
//   if (!plan)
//     return plan.status().text();
//   auto session = xfer::Session::create(*plan, options);
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_HPP
#define XFER_RUNTIME_HPP

#include "xfer/runtime.h"
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xfer {

/// What a call said: true if it succeeded.
class [[nodiscard]] Status {
public:
  Status() = default;
  /// Of the runtime call that this thread has just made.
  static Status of(xfer_status_t code) {
    Status status;
    status.statusCode = code;
    if (code != XFER_OK)
      status.statusText = xfer_last_error();
    return status;
  }
  explicit operator bool() const { return statusCode == XFER_OK; }
  xfer_status_t code() const { return statusCode; }
  const std::string &text() const { return statusText; }
  /// Whether a new session may succeed where this one failed; else the program is wrong.
  bool isWorthRetrying() const { return statusCode >= XFER_MISMATCH; }

private:
  xfer_status_t statusCode = XFER_OK;
  std::string statusText;
};

/// A value, or why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T made) : made(std::move(made)) {}
  Result(Status failure) : failure(std::move(failure)) {}
  explicit operator bool() const { return made.has_value(); }
  T &operator*() { return *made; }
  T *operator->() { return &*made; }
  const T &operator*() const { return *made; }
  const T *operator->() const { return &*made; }
  const Status &status() const { return failure; }

private:
  std::optional<T> made;
  Status failure;
};

namespace detail {
template <typename HANDLE, void (*DESTROY)(HANDLE *)> struct Destroy {
  void operator()(HANDLE *handle) const { DESTROY(handle); }
};
template <typename HANDLE, void (*DESTROY)(HANDLE *)>
using Owner = std::unique_ptr<HANDLE, Destroy<HANDLE, DESTROY>>;
} // namespace detail

class Plan {
public:
  static Result<Plan> load(const void *bytes, size_t size) {
    xfer_plan_t *handle = nullptr;
    if (Status status = Status::of(xfer_plan_load(bytes, size, &handle)); !status)
      return status;
    return Plan(handle);
  }
  Result<xfer_plan_info_t> info() const {
    xfer_plan_info_t info = {};
    if (Status status = Status::of(xfer_plan_get_info(get(), &info)); !status)
      return status;
    return info;
  }
  Result<xfer_program_info_t> program(int64_t rank) const {
    xfer_program_info_t info = {};
    if (Status status = Status::of(xfer_plan_get_program(get(), rank, &info)); !status)
      return status;
    return info;
  }
  /// What `rank` must bind.
  Result<std::vector<xfer_binding_info_t>> bindings(int64_t rank) const {
    Result<xfer_program_info_t> program = this->program(rank);
    if (!program)
      return program.status();
    std::vector<xfer_binding_info_t> bindings(program->num_bindings);
    for (size_t i = 0; i < bindings.size(); ++i)
      if (Status status = Status::of(xfer_plan_get_binding(get(), rank, i, &bindings[i])); !status)
        return status;
    return bindings;
  }
  xfer_plan_t *get() const { return owner.get(); }

private:
  explicit Plan(xfer_plan_t *handle) : owner(handle) {}
  detail::Owner<xfer_plan_t, xfer_plan_destroy> owner;
};

class Store {
public:
  static Result<Store> directory(const char *path) {
    xfer_store_t *handle = nullptr;
    if (Status status = Status::of(xfer_store_create_directory(path, &handle)); !status)
      return status;
    return Store(handle);
  }
  const xfer_store_t *get() const { return owner.get(); }

private:
  explicit Store(xfer_store_t *handle) : owner(handle) {}
  detail::Owner<xfer_store_t, xfer_store_destroy> owner;
};

class Group {
public:
  static Result<Group> threads() {
    xfer_group_t *handle = nullptr;
    if (Status status = Status::of(xfer_group_create_threads(&handle)); !status)
      return status;
    return Group(handle);
  }
  static Result<Group> gloo(xfer_gloo_options_t options) {
    options.size = sizeof(options);
    xfer_group_t *handle = nullptr;
    if (Status status = Status::of(xfer_group_create_gloo(&options, &handle)); !status)
      return status;
    return Group(handle);
  }
  static Result<Group> nccl(xfer_nccl_options_t options) {
    options.size = sizeof(options);
    xfer_group_t *handle = nullptr;
    if (Status status = Status::of(xfer_group_create_nccl(&options, &handle)); !status)
      return status;
    return Group(handle);
  }
  xfer_group_t *get() const { return owner.get(); }

private:
  explicit Group(xfer_group_t *handle) : owner(handle) {}
  detail::Owner<xfer_group_t, xfer_group_destroy> owner;
};

class Session {
public:
  static Result<Session> create(const Plan &plan, xfer_session_options_t options) {
    options.size = sizeof(options);
    xfer_session_t *handle = nullptr;
    if (Status status = Status::of(xfer_session_create(plan.get(), &options, &handle)); !status)
      return status;
    return Session(handle);
  }
  Status bind(const std::vector<xfer_binding_t> &bindings) {
    return Status::of(xfer_session_bind(get(), bindings.data(), bindings.size()));
  }
  Status replay(void *stream = nullptr) { return Status::of(xfer_session_replay(get(), stream)); }
  Status wait(int64_t timeoutMilliseconds = -1) {
    return Status::of(xfer_session_wait(get(), timeoutMilliseconds));
  }
  void abort() { xfer_session_abort(get()); }
  /// Targets that a failed replay left torn.
  std::vector<std::string> incomplete() const {
    const char *const *names = nullptr;
    size_t count = 0;
    if (xfer_session_incomplete(get(), &names, &count) != XFER_OK)
      return {};
    return {names, names + count};
  }
  Result<xfer_counters_t> counters() const {
    xfer_counters_t counters = {};
    if (Status status = Status::of(xfer_session_get_counters(get(), &counters)); !status)
      return status;
    return counters;
  }
  Status writeTimeline(const char *path) const {
    return Status::of(xfer_session_write_timeline(get(), path));
  }
  xfer_session_t *get() const { return owner.get(); }

private:
  explicit Session(xfer_session_t *handle) : owner(handle) {}
  detail::Owner<xfer_session_t, xfer_session_destroy> owner;
};

} // namespace xfer

#endif
