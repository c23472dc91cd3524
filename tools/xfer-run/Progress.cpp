//===- Progress.cpp - A line for who waits --------------------------------===//
#include "Progress.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace xfer::run {

static constexpr std::chrono::milliseconds kFirstPrint(1000), kNextPrint(100);
static constexpr int64_t kBarWidth = 32;

Progress::Progress(const char *step, int64_t total)
    : step(step), total(total), isTerminal(llvm::sys::Process::StandardErrIsDisplayed()),
      nextPrint(Clock::now() + kFirstPrint) {}

void Progress::advance() {
  int64_t now = ++done;
  if (!isTerminal)
    return;
  std::unique_lock<std::mutex> lock(mutex, std::try_to_lock);
  if (!lock || Clock::now() < nextPrint)
    return;
  nextPrint = Clock::now() + kNextPrint;
  printed = true;
  int64_t filled = kBarWidth * now / std::max<int64_t>(1, total);
  llvm::errs() << fmt::format("\r{:<10} [{:<{}}] {:3}%", step, std::string(filled, '='), kBarWidth,
                              100 * now / std::max<int64_t>(1, total));
}

Progress::~Progress() {
  if (printed)
    llvm::errs() << "\r\x1b[K";
}

} // namespace xfer::run
