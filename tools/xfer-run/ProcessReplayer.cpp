//===- ProcessReplayer.cpp - A process for each rank ----------------------===//
//
// A child reads one byte per replay from its pipe and writes one result for its
// start and for each replay; the end of the pipe is its order to leave.
//===----------------------------------------------------------------------===//
#include "ProcessReplayer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using llvm::Twine;
using Clock = std::chrono::steady_clock;

namespace xfer::run {

//===- Pipes --------------------------------------------------------------===//

static bool writeAll(int file, const void *data, size_t bytes) {
  for (const char *next = static_cast<const char *>(data); bytes > 0;) {
    ssize_t written = ::write(file, next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    bytes -= written;
  }
  return true;
}

static bool readAll(int file, void *data, size_t bytes) {
  for (char *next = static_cast<char *>(data); bytes > 0;) {
    ssize_t count = ::read(file, next, bytes);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    next += count;
    bytes -= count;
  }
  return true;
}

static void closeFile(int &file) {
  if (file >= 0)
    ::close(file);
  file = -1;
}

//===- A child ------------------------------------------------------------===//

/// One result: short enough for a pipe to take it at once.
struct Result {
  int32_t status = 0;
  char text[2000] = {};
};

static Result makeResult(const Outcome &outcome) {
  Result result;
  result.status = outcome.status;
  std::strncpy(result.text, outcome.text.c_str(), sizeof(result.text) - 1);
  return result;
}

static xfer_group_t *joinDirectory(const std::string &directory, const char *host,
                                   xfer_store_t *&store) {
  xfer_gloo_options_t options = {};
  options.size = sizeof options;
  options.host = host;
  xfer_group_t *group = nullptr;
  if (xfer_store_create_directory(directory.c_str(), &store) == XFER_OK) {
    options.store = store;
    (void)xfer_group_create_gloo(&options, &group);
  }
  return group;
}

xfer_group_t *createGlooGroup(const std::string &directory, const char *host,
                              Diagnostics &diagnostics) {
  xfer_store_t *store = nullptr; // as long-lived as the process
  xfer_group_t *group = joinDirectory(directory, host, store);
  if (!group)
    (void)diagnostics.error({}, xfer_last_error());
  return group;
}

void ProcessReplayer::runChild(const LocalTensors &locals, const std::string &store, int64_t rank,
                               int commands, int results) const {
  // Handlers are the parent's, and its files are none of a child's business.
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    ::signal(signal, signal == SIGPIPE ? SIG_IGN : SIG_DFL);
  Outcome outcome;
  xfer_store_t *meeting = nullptr;
  xfer_group_t *group = joinDirectory(store, "127.0.0.1", meeting);
  if (!group)
    outcome = {XFER_UNSUPPORTED, xfer_last_error()};
  auto replayer = std::make_unique<SessionReplayer>(job, locals, std::vector<int64_t>{rank}, group);
  if (group)
    outcome = replayer->startAlone(options);
  Result result = makeResult(outcome);
  char command = 0;
  while (writeAll(results, &result, sizeof result) && outcome.status == XFER_OK &&
         readAll(commands, &command, 1)) {
    outcome = replayer->replayAlone();
    result = makeResult(outcome);
  }
  replayer.reset();
  xfer_store_destroy(meeting);
  ::_exit(outcome.status == XFER_OK ? 0 : 1); // buffers of standard output are the parent's
}

//===- The parent ---------------------------------------------------------===//

LogicalResult ProcessReplayer::startChild(const LocalTensors &locals, const std::string &store,
                                          Child &child, Diagnostics &diagnostics) {
  int commands[2] = {-1, -1}, results[2] = {-1, -1};
  auto closeAll = llvm::make_scope_exit([&] {
    for (int *file : {&commands[0], &commands[1], &results[0], &results[1]})
      closeFile(*file);
  });
  const pid_t parent = ::getpid();
  if (::pipe(commands) != 0 || ::pipe(results) != 0 || (child.process = ::fork()) < 0)
    return diagnostics.error({}, "cannot start a process for rank " + Twine(child.rank) + ": " +
                                     std::strerror(errno));
  if (child.process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
      ::_exit(1);
    for (Child &other : children) { // else they would not see their pipes end
      closeFile(other.commands);
      closeFile(other.results);
    }
    closeFile(commands[1]);
    closeFile(results[0]);
    runChild(locals, store, child.rank, commands[0], results[1]);
  }
  child.commands = std::exchange(commands[1], -1);
  child.results = std::exchange(results[0], -1);
  child.isWaitedFor = true;
  return success();
}

std::unique_ptr<ProcessReplayer> ProcessReplayer::create(const Options &options, const Job &job,
                                                         const LocalTensors &locals,
                                                         Diagnostics &diagnostics) {
  ::signal(SIGPIPE, SIG_IGN); // a child that died is seen by its pipe
  std::string store = options.storeDirectory;
  std::error_code ignored;
  auto removeStore = llvm::make_scope_exit([&] {
    if (options.storeDirectory.empty() && !store.empty())
      std::filesystem::remove_all(store, ignored);
  });
  if (store.empty()) {
    store = (std::filesystem::temp_directory_path(ignored) / "xfer-run-store-XXXXXX").string();
    if (!::mkdtemp(store.data())) {
      (void)diagnostics.error({}, "cannot make a directory like '" + store +
                                      "': " + std::strerror(errno));
      store.clear();
      return nullptr;
    }
  }
  std::unique_ptr<ProcessReplayer> replayer(new ProcessReplayer(options, job));
  replayer->children.resize(job.ranks.size());
  for (auto [child, rank] : llvm::zip(replayer->children, job.ranks)) {
    child.rank = rank;
    if (failed(replayer->startChild(locals, store, child, diagnostics)))
      return nullptr;
  }
  if (failed(replayer->collect("start", diagnostics)))
    return nullptr;
  return replayer;
}

void ProcessReplayer::readResult(Child &child) {
  child.isWaitedFor = false;
  Result result;
  if (readAll(child.results, &result, sizeof result)) {
    result.text[sizeof(result.text) - 1] = 0;
    child.outcome = {static_cast<xfer_status_t>(result.status), result.text};
    return;
  }
  int status = 0;
  ::waitpid(std::exchange(child.process, -1), &status, 0);
  std::string end = WIFSIGNALED(status)
                        ? "was killed by signal " + std::to_string(WTERMSIG(status)) + ", " +
                              ::strsignal(WTERMSIG(status))
                        : "ended with status " + std::to_string(WEXITSTATUS(status));
  child.outcome = {XFER_PEER_FAILED, "its process " + end};
}

/// Waits for every child's result. Once one has failed, the others have a deadline: every wait of
/// theirs has one, and a second more to say so.
LogicalResult ProcessReplayer::collect(llvm::StringRef action, Diagnostics &diagnostics) {
  std::optional<Clock::time_point> end;
  auto isWaitedFor = [](const Child &child) { return child.isWaitedFor; };
  while (llvm::any_of(children, isWaitedFor)) {
    std::vector<pollfd> files;
    for (const Child &child : children)
      files.push_back({child.isWaitedFor ? child.results : -1, POLLIN, 0});
    int timeout = -1;
    if (end)
      timeout = static_cast<int>(std::clamp<int64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(*end - Clock::now()).count(), 0,
          1'000'000));
    int count = ::poll(files.data(), files.size(), timeout);
    for (size_t i = 0; i < children.size(); ++i) {
      Child &child = children[i];
      if (count > 0 && files[i].revents) {
        readResult(child);
        if (child.outcome.status != XFER_OK && !end)
          end = Clock::now() + std::chrono::seconds(options.deadlineSeconds + 1);
      } else if (count == 0 && child.isWaitedFor && end && Clock::now() >= *end) {
        child.isWaitedFor = false;
        child.outcome = {XFER_TIMEOUT, "its process did not answer"};
        stop(child, 0);
      }
    }
  }
  // One that answered and died since then is why others failed. Its pipe ended before its sockets.
  for (Child &child : children) {
    pollfd file = {end && child.outcome.status == XFER_OK ? child.results : -1, POLLIN, 0};
    if (::poll(&file, 1, 0) > 0)
      readResult(child);
  }
  LogicalResult result = success();
  for (const Child &child : children)
    if (child.outcome.status != XFER_OK)
      result = diagnostics.error({}, "rank " + Twine(child.rank) + " cannot " + action + ": " +
                                         child.outcome.text);
  return result;
}

LogicalResult ProcessReplayer::replay(double &seconds, Diagnostics &diagnostics) {
  auto begin = Clock::now();
  for (Child &child : children) {
    char command = 'r';
    child.isWaitedFor = true; // a child that has died answers with the end of its pipe
    (void)writeAll(child.commands, &command, 1);
  }
  LogicalResult result = collect("replay", diagnostics);
  seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return result;
}

void ProcessReplayer::stop(Child &child, int64_t graceMilliseconds) {
  closeFile(child.commands);
  auto end = Clock::now() + std::chrono::milliseconds(graceMilliseconds);
  while (child.process > 0) {
    pid_t ended = ::waitpid(child.process, nullptr, WNOHANG);
    if (ended == child.process || (ended < 0 && errno != EINTR)) {
      child.process = -1;
    } else if (Clock::now() >= end) {
      ::kill(child.process, SIGKILL);
      ::waitpid(std::exchange(child.process, -1), nullptr, 0);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  closeFile(child.results);
}

ProcessReplayer::~ProcessReplayer() {
  for (Child &child : children) // all at once: they take leave of each other
    closeFile(child.commands);
  for (Child &child : children)
    stop(child, 3000);
}

} // namespace xfer::run
