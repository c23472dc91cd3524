//===- Workers.cpp - Judging in processes of their own --------------------===//
//
// A few children share the mutants, each judging every n-th. A child that ends
// before its work, or hangs, is replaced by one that goes on after the mutant that
// it was at.
//===----------------------------------------------------------------------===//
#include "Workers.h"
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <list>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace xfer::mutation {
namespace {

/// No mutant takes a fraction of this.
constexpr int kDeadlineMilliseconds = 60'000;

class Worker {
public:
  Worker(const Judge &judge, const std::vector<Mutant> &mutants, size_t first, size_t step)
      : judge(judge), mutants(mutants), next(first), step(step) {}
  bool isDone() const { return next >= mutants.size(); }
  /// Starts a child for what is left.
  void start();
  int readable() const { return in; }
  /// Takes one judgement from the child, or its end.
  void take(std::vector<Judgement> &judgements);
  /// Ends a child that says nothing.
  void giveUp(std::vector<Judgement> &judgements);

private:
  [[noreturn]] void judgeIn(int out) const;
  bool readAll(void *to, size_t size) const;
  /// The child has ended; whatever it was at has survived.
  void replace(std::vector<Judgement> &judgements, const char *ending);

  const Judge &judge;
  const std::vector<Mutant> &mutants;
  size_t next, step;
  pid_t child = 0; ///< 0: none
  int in = -1;
};

void writeAll(int out, const void *from, size_t size) {
  for (size_t written = 0; written < size;) {
    const ssize_t count = write(out, static_cast<const char *>(from) + written, size - written);
    if (count <= 0)
      _exit(1);
    written += static_cast<size_t>(count);
  }
}

void Worker::judgeIn(int out) const {
  for (size_t i = next; i < mutants.size(); i += step) {
    const Judgement judgement = judge.judge(mutants[i]);
    const size_t header[] = {static_cast<size_t>(judgement.verdict), judgement.text.size()};
    writeAll(out, header, sizeof(header));
    writeAll(out, judgement.text.data(), judgement.text.size());
  }
  _exit(0);
}

void Worker::start() {
  int ends[2];
  if (pipe(ends) != 0 || (child = fork()) < 0) {
    std::perror("cannot start a process");
    std::exit(2);
  }
  if (child == 0)
    judgeIn(ends[1]);
  close(ends[1]);
  in = ends[0];
}

bool Worker::readAll(void *to, size_t size) const {
  for (size_t got = 0; got < size;) {
    const ssize_t count = read(in, static_cast<char *>(to) + got, size - got);
    if (count <= 0)
      return false;
    got += static_cast<size_t>(count);
  }
  return true;
}

void Worker::take(std::vector<Judgement> &judgements) {
  size_t header[2];
  std::string text;
  const bool isWhole = readAll(header, sizeof(header)) &&
                       (text.resize(header[1]), readAll(text.data(), text.size()));
  if (!isWhole)
    return replace(judgements, "a crash");
  judgements[next] = {static_cast<Verdict>(header[0]), std::move(text)};
  next += step;
  if (isDone())
    replace(judgements, "");
}

void Worker::giveUp(std::vector<Judgement> &judgements) {
  kill(child, SIGKILL);
  replace(judgements, "a hang");
}

void Worker::replace(std::vector<Judgement> &judgements, const char *ending) {
  close(in);
  waitpid(child, nullptr, 0);
  child = 0;
  if (isDone())
    return;
  judgements[next] = {Verdict::Survivor, ending};
  next += step;
  if (!isDone())
    start();
}

} // namespace

std::vector<Judgement> judgeAll(const Judge &judge, const std::vector<Mutant> &mutants) {
  std::vector<Judgement> judgements(mutants.size());
  const size_t numWorkers = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  std::list<Worker> workers;
  for (size_t first = 0; first < std::min(numWorkers, mutants.size()); ++first)
    workers.emplace_back(judge, mutants, first, numWorkers).start();
  while (true) {
    std::erase_if(workers, [](const Worker &worker) { return worker.isDone(); });
    if (workers.empty())
      return judgements;
    std::vector<pollfd> ready;
    for (const Worker &worker : workers)
      ready.push_back({worker.readable(), POLLIN, 0});
    const bool anySpeaks = poll(ready.data(), ready.size(), kDeadlineMilliseconds) > 0;
    for (auto [worker, i] = std::pair(workers.begin(), size_t{0}); i < ready.size(); ++worker, ++i)
      if (!anySpeaks)
        worker->giveUp(judgements);
      else if (ready[i].revents != 0)
        worker->take(judgements);
  }
}

} // namespace xfer::mutation
