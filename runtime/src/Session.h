//===- Session.h - One rank's standing with the others ----------*- C++ -*-===//
//
// Binds tensors to a program, owns staging and the worker thread, and passes
// replays to it. The worker runs Replay.cpp; everything else here is called by
// the session's user.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_SESSION_H
#define XFER_RUNTIME_SESSION_H

#include "Replay.h"
#include <condition_variable>
#include <mutex>
#include <thread>

struct xfer_session {
public:
  /// Joins the group, allocates, and starts the worker.
  static xfer::runtime::Status create(const xfer_plan &plan, const xfer_session_options_t &options,
                                      std::unique_ptr<xfer_session> &session);
  ~xfer_session();

  xfer::runtime::Status bind(std::span<const xfer_binding_t> bindings);
  xfer::runtime::Status replay();
  xfer::runtime::Status wait(int64_t timeoutMilliseconds);
  void abort();

private:
  xfer_session(const xfer_plan &plan, const xfer::runtime::Program &program, int64_t timeout);
  void work();

  xfer::runtime::Replay replayer;
  std::mutex mutex;
  std::condition_variable changed; ///< of the members below
  int64_t numRequested = 0;
  int64_t numFinished = 0;
  bool isBound = false;
  bool isStopping = false;
  xfer::runtime::Status failure; ///< of a replay
  std::thread worker;
};

#endif
