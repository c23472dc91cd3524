//===- NcclApi.cpp - NCCL, found at run time ------------------------------===//
#include "NcclApi.h"
#include "../cuda/SharedLibrary.h"

namespace xfer::runtime {
namespace {

std::string versionText(int code) {
  const int major = code >= 10000 ? code / 10000 : code / 1000;
  const int minor = code >= 10000 ? code / 100 % 100 : code / 100 % 10;
  return concat(major, ".", minor, ".", code % 100);
}

Status load(NcclApi &api) {
  SharedLibrary library;
  if (Status status = SharedLibrary::open("ncclGetVersion", {"libnccl.so.2"}, library);
      !status.isOk())
    return status;
  // Versions below the minimum lack symbols; the version says it better.
  if (Status status = library.resolve("ncclGetVersion", api.GetVersion); !status.isOk())
    return status;
  if (api.GetVersion(&api.version) != kNcclSuccess || api.version < kMinNcclVersion)
    return failure(XFER_UNSUPPORTED, "NCCL has version ", versionText(api.version), ", expected ",
                   versionText(kMinNcclVersion), " or later");
#define XFER_NCCL_RESOLVE(NAME, PARAMETERS)                                                        \
  if (Status status = library.resolve("nccl" #NAME, api.NAME); !status.isOk())                     \
    return status;
  XFER_NCCL_FUNCTIONS(XFER_NCCL_RESOLVE)
#undef XFER_NCCL_RESOLVE
  if (Status status = library.resolve("ncclGetErrorString", api.GetErrorString); !status.isOk())
    return status;
  return library.resolve("ncclGetLastError", api.GetLastError);
}

} // namespace

Status NcclApi::get(const NcclApi *&api) {
  struct Loaded {
    NcclApi api;
    Status status = load(api);
  };
  static const Loaded loaded;
  api = &loaded.api;
  return loaded.status;
}

} // namespace xfer::runtime
