//===- SharedLibrary.h - Libraries found at run time ------------*- C++ -*-===//
//
// NVIDIA's libraries are not linked: a process that already has them, PyTorch's
// say, must go on with its own copies, and one without a GPU needs none.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_CUDA_SHAREDLIBRARY_H
#define XFER_RUNTIME_CUDA_SHAREDLIBRARY_H

#include "../Status.h"
#include <initializer_list>

namespace xfer::runtime {

/// An open library; never closed, since device code may be running from it.
class SharedLibrary {
public:
  /// Takes the library whose `symbol` the process already sees, else the first of `names` that is
  /// already loaded, else the first that can be loaded.
  static Status open(const char *symbol, std::initializer_list<const char *> names,
                     SharedLibrary &library);
  /// Loads `name` by the library path, else from the folder of this program or library, or from
  /// `lib` beside that folder.
  static Status openBeside(const char *name, SharedLibrary &library);

  /// Sets `function` to the symbol; fails, naming it, if there is none.
  template <typename FUNCTION> Status resolve(const char *symbol, FUNCTION *&function) const {
    void *address = nullptr;
    Status status = find(symbol, address);
    function = reinterpret_cast<FUNCTION *>(address);
    return status;
  }

private:
  Status find(const char *symbol, void *&address) const;

  void *handle = nullptr;
  std::string name; ///< for messages
};

} // namespace xfer::runtime

#endif
