//===- Session.h - One rank's standing with the others ----------*- C++ -*-===//
//
// What the C interface calls. A HostSession binds tensors in host memory, owns
// staging and a worker thread that runs Replay.cpp, and passes replays to it.
// Backends that enqueue on a device bring a session of their own.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_SESSION_H
#define XFER_RUNTIME_SESSION_H

#include "Replay.h"
#include <condition_variable>
#include <mutex>
#include <thread>

struct xfer_session {
public:
  /// Checks the options and lets the group open the session.
  static xfer::runtime::Status create(const xfer_plan &plan, const xfer_session_options_t &options,
                                      std::unique_ptr<xfer_session> &session);
  virtual ~xfer_session() = default;

  virtual xfer::runtime::Status bind(std::span<const xfer_binding_t> bindings) = 0;
  virtual xfer::runtime::Status replay(void *stream) = 0;
  virtual xfer::runtime::Status wait(int64_t timeoutMilliseconds) = 0;
  /// From any thread.
  virtual void abort() = 0;
  /// Names of the targets that a failed replay left torn.
  virtual std::span<const char *const> incomplete() const = 0;
  virtual xfer::runtime::Status counters(xfer_counters_t &counters) const = 0;
  virtual xfer::runtime::Status writeTimeline(const char *path) const = 0;
};

namespace xfer::runtime {

class HostSession final : public xfer_session {
public:
  /// Joins the group, allocates, and starts the worker.
  static Status create(xfer_group &group, const xfer_plan &plan, const Program &program,
                       int64_t timeout, const xfer_session_options_t &options,
                       std::unique_ptr<xfer_session> &session);
  ~HostSession() override;

  Status bind(std::span<const xfer_binding_t> bindings) override;
  Status replay(void *stream) override;
  Status wait(int64_t timeoutMilliseconds) override;
  void abort() override;
  std::span<const char *const> incomplete() const override;
  Status counters(xfer_counters_t &counters) const override;
  Status writeTimeline(const char *path) const override;

private:
  HostSession(const xfer_plan &plan, const Program &program, int64_t timeout, bool checksums,
              bool needsBuffers);
  void work();
  /// Why the session is dead; call with the mutex.
  Status ending() const;

  Replay replayer;
  std::mutex mutex;
  std::condition_variable changed; ///< of the members below
  int64_t numRequested = 0;
  int64_t numFinished = 0;
  bool isBound = false;
  bool isStopping = false;
  Status lastFailure; ///< of a replay
  std::vector<const char *> incompleteNames;
  std::thread worker;
};

} // namespace xfer::runtime

#endif
