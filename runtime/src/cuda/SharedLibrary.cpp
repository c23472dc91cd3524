//===- SharedLibrary.cpp - Libraries found at run time --------------------===//
#include "SharedLibrary.h"
#include <dlfcn.h>

namespace xfer::runtime {
namespace {

/// The reason of the last dlopen or dlsym that failed on this thread.
std::string lastReason() {
  const char *reason = dlerror();
  return reason ? reason : "no reason given";
}

} // namespace

Status SharedLibrary::open(const char *symbol, std::initializer_list<const char *> names,
                           SharedLibrary &library) {
  if (dlsym(RTLD_DEFAULT, symbol)) {
    library.handle = RTLD_DEFAULT;
    library.name = "this process";
    return {};
  }
  std::string reason;
  for (const int flags : {RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD, RTLD_NOW | RTLD_LOCAL})
    for (const char *name : names) {
      if (void *handle = dlopen(name, flags)) {
        library.handle = handle;
        library.name = name;
        return {};
      }
      const std::string why = lastReason();
      if (!(flags & RTLD_NOLOAD) && reason.empty())
        reason = why;
    }
  return failure(XFER_UNSUPPORTED, "cannot load '", *names.begin(), "': ", reason);
}

Status SharedLibrary::openBeside(const char *name, SharedLibrary &library) {
  library.name = name;
  library.handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  std::string reason = library.handle ? "" : lastReason();
  Dl_info self = {};
  if (!library.handle && dladdr(reinterpret_cast<const void *>(&lastReason), &self)) {
    const std::string file = self.dli_fname;
    const size_t slash = file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash);
    for (const char *place : {"/", "/../lib/"})
      if (!library.handle)
        library.handle = dlopen((folder + place + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  return library.handle ? Status()
                        : failure(XFER_UNSUPPORTED, "cannot load '", name, "': ", reason);
}

Status SharedLibrary::find(const char *symbol, void *&address) const {
  address = dlsym(handle, symbol);
  return address
             ? Status()
             : failure(XFER_UNSUPPORTED, "'", symbol, "' is missing in ", name, ": ", lastReason());
}

} // namespace xfer::runtime
