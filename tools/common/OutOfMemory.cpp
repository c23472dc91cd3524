//===- OutOfMemory.cpp - An error instead of a crash ----------------------===//
//
// Covers operator new and LLVM's own malloc.
//===----------------------------------------------------------------------===//
#include "common/OutOfMemory.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include <new>
#include <unistd.h>

namespace xfer {

[[noreturn]] static void outOfMemory() {
  constexpr char text[] = "error: out of memory\n";
  // Nothing here may allocate.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

void exitWhenOutOfMemory() {
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
}

} // namespace xfer
