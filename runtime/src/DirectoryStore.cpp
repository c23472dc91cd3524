//===- DirectoryStore.cpp - A store of files ------------------------------===//
//
// A key is a file in a directory that all ranks share. Values are renamed into
// place, so that a reader sees all of one or nothing; waiting is looking again.
//===----------------------------------------------------------------------===//
#include "Status.h"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <thread>
#include <unistd.h>

namespace xfer::runtime {
namespace {

struct DirectoryStore {
  xfer_store_t callbacks = {};
  std::string path;
  std::atomic<uint64_t> numWritten = 0;

  std::string fileOf(const char *key) const {
    std::string name = key;
    for (char &letter : name)
      if (letter == '/')
        letter = '%';
    return path + "/" + name;
  }
};

struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

xfer_status_t setFile(void *user, const char *key, const void *value, size_t bytes) {
  auto &store = *static_cast<DirectoryStore *>(user);
  // Unique among the writers of all machines that may share the directory.
  char host[64] = {};
  (void)::gethostname(host, sizeof(host) - 1);
  const std::string final = store.fileOf(key);
  const std::string temporary =
      concat(final, ".", host, ".", ::getpid(), ".", store.numWritten++, ".new");
  {
    const File file(std::fopen(temporary.c_str(), "wb"));
    if (!file || std::fwrite(value, 1, bytes, file.get()) != bytes || std::fflush(file.get()) != 0)
      return XFER_PEER_FAILED;
  }
  return std::rename(temporary.c_str(), final.c_str()) == 0 ? XFER_OK : XFER_PEER_FAILED;
}

xfer_status_t getFile(void *user, const char *key, void *value, size_t capacity,
                      size_t *out_bytes) {
  const File file(std::fopen(static_cast<DirectoryStore *>(user)->fileOf(key).c_str(), "rb"));
  if (!file)
    return XFER_PEER_FAILED;
  // What was renamed into place does not change any more.
  const long size = std::fseek(file.get(), 0, SEEK_END) == 0 ? std::ftell(file.get()) : -1;
  if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0)
    return XFER_PEER_FAILED;
  *out_bytes = static_cast<size_t>(size);
  const size_t wanted = std::min(*out_bytes, capacity);
  return std::fread(value, 1, wanted, file.get()) == wanted ? XFER_OK : XFER_PEER_FAILED;
}

xfer_status_t waitForFile(void *user, const char *key, int64_t timeout_ms) {
  using namespace std::chrono;
  const std::string path = static_cast<DirectoryStore *>(user)->fileOf(key);
  const auto end = steady_clock::now() + milliseconds(timeout_ms);
  for (auto pause = milliseconds(1);; pause = std::min(2 * pause, milliseconds(20))) {
    if (::access(path.c_str(), R_OK) == 0)
      return XFER_OK;
    const auto left = duration_cast<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0)
      return XFER_TIMEOUT;
    std::this_thread::sleep_for(std::min(pause, left));
  }
}

} // namespace
} // namespace xfer::runtime

xfer_status_t xfer_store_create_directory(const char *path, xfer_store_t **out_store) {
  using namespace xfer::runtime;
  if (!path || !out_store)
    return reportStatus(
        failure(XFER_INVALID_ARGUMENT, "'", path ? "out_store" : "path", "' is NULL"));
  try {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error || !std::filesystem::is_directory(path, error))
      return reportStatus(failure(XFER_INVALID_ARGUMENT, "cannot make the directory '", path,
                                  "': ", error ? error.message() : "it is a file"));
    auto store = std::make_unique<DirectoryStore>();
    store->path = path;
    store->callbacks = {sizeof(xfer_store_t), store.get(), setFile, getFile, waitForFile};
    *out_store = &store.release()->callbacks;
    return XFER_OK;
  } catch (const std::bad_alloc &) {
    return reportStatus(failure(XFER_OUT_OF_BUDGET, "out of memory"));
  }
}

void xfer_store_destroy(xfer_store_t *store) {
  if (store)
    delete static_cast<xfer::runtime::DirectoryStore *>(store->user);
}
