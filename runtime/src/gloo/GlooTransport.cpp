//===- GlooTransport.cpp - Gloo behind a border ---------------------------===//
#include "GlooTransport.h"
#include <ctime>
#include <functional>
#include <gloo/transport/tcp/device.h>
#include <limits>
#include <unistd.h>

namespace xfer::runtime {

static sigset_t brokenPipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

QuietSignals::QuietSignals() {
  sigset_t pending;
  sigpending(&pending);
  wasPending = sigismember(&pending, SIGPIPE) == 1;
  const sigset_t set = brokenPipe();
  pthread_sigmask(SIG_BLOCK, &set, &before);
}

QuietSignals::~QuietSignals() {
  sigset_t pending;
  sigpending(&pending);
  if (!wasPending && sigismember(&pending, SIGPIPE) == 1) {
    const sigset_t set = brokenPipe();
    const timespec none = {};
    sigtimedwait(&set, nullptr, &none);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// Calls `body` with every signal blocked, which threads started by it inherit.
template <typename BODY> static auto withoutSignals(BODY body) {
  struct Restore {
    sigset_t before;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  } restore;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &restore.before);
  return body();
}

std::thread startThread(std::function<void()> body) {
  return withoutSignals([&] { return std::thread(std::move(body)); });
}

Status makeDevice(const char *host, const char *network, std::shared_ptr<GlooDevice> &device) {
  ::gloo::transport::tcp::attr attributes;
  char name[256] = {};
  if (network)
    attributes.iface = network;
  else if (host)
    attributes.hostname = host;
  else if (::gethostname(name, sizeof(name) - 1) == 0)
    attributes.hostname = name;
  auto make = [&] {
    return call([&] {
      withoutSignals([&] { device = ::gloo::transport::tcp::CreateDevice(attributes); });
    });
  };
  std::string error = make();
  if (!error.empty() && !host && !network) { // a machine that does not know itself
    attributes.hostname = "127.0.0.1";
    error = make();
  }
  if (error.empty())
    return {};
  return failure(XFER_INVALID_ARGUMENT, "cannot listen on ", network ? "interface '" : "host '",
                 network ? network : attributes.hostname, "': ", error);
}

GlooMesh::GlooMesh(std::shared_ptr<GlooDevice> meshDevice, size_t position, size_t numRanks)
    : device(std::move(meshDevice)),
      context(device->createContext(static_cast<int>(position), static_cast<int>(numRanks))) {
  context->setTimeout(kNoLimit / 8); // of which a connect takes five; the caller closes at its own
  closer = makeBuffer();
}

GlooMesh::~GlooMesh() {
  QuietSignals quiet;
  close();
}

std::vector<char> GlooMesh::listen(size_t peer) {
  return context->createPair(static_cast<int>(peer))->address().bytes();
}

void GlooMesh::connect(size_t peer, const std::vector<char> &address) {
  context->getPair(static_cast<int>(peer))->connect(address);
}

// A buffer of all memory: its offsets are addresses, so that one buffer serves whatever a message
// is sent from or received into.
std::unique_ptr<GlooBuffer> GlooMesh::makeBuffer() {
  return context->createUnboundBuffer(nullptr, std::numeric_limits<size_t>::max() - 1);
}

void GlooMesh::send(GlooBuffer &buffer, size_t peer, uint64_t tag, const void *data, size_t bytes) {
  buffer.send(static_cast<int>(peer), tag, reinterpret_cast<uintptr_t>(data), bytes);
}

void GlooMesh::receive(GlooBuffer &buffer, size_t peer, uint64_t tag, void *data, size_t bytes) {
  buffer.recv(static_cast<int>(peer), tag, reinterpret_cast<uintptr_t>(data), bytes);
}

void GlooMesh::close() {
  std::lock_guard lock(closing);
  // The one call that closes pairs and tells everybody who waits for them: a wait that expires.
  (void)call([&] { closer->waitRecv(nullptr, std::chrono::milliseconds(0)); });
}

} // namespace xfer::runtime
