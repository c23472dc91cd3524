//===- GlooTransport.h - Gloo behind a border -------------------*- C++ -*-===//
//
// What this backend uses of Gloo, and how: its TCP pairs and unbound buffers, no
// collectives. Written against Gloo 0.5, whose habits need care:
//
// - It throws, also where it reports a peer's death: call() catches everything.
// - It writes to sockets that may be closed and leaves SIGPIPE as it is: its
//   threads are started with signals blocked, and QuietSignals guards ours.
// - A wait that times out closes every pair, so that nobody could be told why:
//   waits here have no limit and are aborted by the connection's timer.
// - A peer's death is reported to operations that wait for their turn, but not to
//   one that is half done: each peer has a watcher that waits for a small message
//   which normally never comes.
// - A message longer than the memory that waits for it ends the process: ranks
//   compare the sizes of all messages before the first.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_GLOO_GLOOTRANSPORT_H
#define XFER_RUNTIME_GLOO_GLOOTRANSPORT_H

#include "../Backend.h"
#include <csignal>
#include <functional>
#include <gloo/transport/context.h>
#include <gloo/transport/device.h>
#include <gloo/transport/pair.h>
#include <gloo/transport/unbound_buffer.h>
#include <mutex>
#include <thread>
#include <vector>

namespace xfer::runtime {

using GlooDevice = ::gloo::transport::Device;
using GlooBuffer = ::gloo::transport::UnboundBuffer;

/// A year: longer waits would overflow the clock.
inline constexpr std::chrono::milliseconds kNoLimit{Deadline::kLongest};

/// Calls into Gloo; what it threw, or "".
template <typename CALL> std::string call(CALL body) {
  try {
    body();
    return "";
  } catch (const std::exception &error) {
    return error.what()[0] ? error.what() : "unknown error";
  } catch (...) {
    return "unknown error";
  }
}

/// While it lives, a write to a closed socket is not a signal on this thread.
class QuietSignals {
public:
  QuietSignals();
  ~QuietSignals();
  QuietSignals(const QuietSignals &) = delete;

private:
  sigset_t before;
  bool wasPending;
};

/// Starts a thread that handles none of the process's signals.
std::thread startThread(std::function<void()> body);

/// The TCP device that listens at `network` if given, else at `host` if given, else at this
/// machine's name or the loopback address.
Status makeDevice(const char *host, const char *network, std::shared_ptr<GlooDevice> &device);

/// The pairs of one session, by position in the job.
class GlooMesh {
public:
  GlooMesh(std::shared_ptr<GlooDevice> device, size_t position, size_t numRanks);
  ~GlooMesh();

  /// The address that `peer` connects to.
  std::vector<char> listen(size_t peer);
  void connect(size_t peer, const std::vector<char> &address);
  /// A buffer for one message at a time, anywhere in memory.
  std::unique_ptr<GlooBuffer> makeBuffer();
  static void send(GlooBuffer &buffer, size_t peer, uint64_t tag, const void *data, size_t bytes);
  static void receive(GlooBuffer &buffer, size_t peer, uint64_t tag, void *data, size_t bytes);
  /// Closes every pair; all operations, from now on and before, fail. From any thread, also twice.
  /// When it returns Gloo neither reads nor writes any buffer.
  void close();

private:
  std::shared_ptr<GlooDevice> device;
  std::shared_ptr<::gloo::transport::Context> context;
  std::unique_ptr<GlooBuffer> closer;
  std::mutex closing;
};

} // namespace xfer::runtime

#endif
