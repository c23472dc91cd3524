//===- NcclApi.h - NCCL, found at run time ----------------------*- C++ -*-===//
//
// What the runtime declares of NCCL, so that building needs none of its headers,
// and the table of functions of the copy that the process uses.
// test/Runtime/ApiTest.cpp compares the declarations with NVIDIA's.
//===----------------------------------------------------------------------===//
#ifndef XFER_RUNTIME_NCCL_NCCLAPI_H
#define XFER_RUNTIME_NCCL_NCCLAPI_H

#include "../cuda/CudaApi.h"
#include <climits>

namespace xfer::runtime {

struct NcclCommTag;
using NcclComm = NcclCommTag *;
using NcclResult = int;

inline constexpr NcclResult kNcclSuccess = 0;
inline constexpr NcclResult kNcclRemoteError = 6;
inline constexpr NcclResult kNcclInProgress = 7;
inline constexpr int kNcclUint8 = 1;
inline constexpr int kNcclSplitNoColor = -1;

struct NcclUniqueId {
  char bytes[128];
};

/// ncclConfig_t as it was in 2.18, the first that has what we set. NCCL reads the size and the
/// version, and takes defaults for what came later.
struct NcclConfig {
  size_t size = sizeof(NcclConfig);
  unsigned magic = 0xcafebeef;
  unsigned version = 21800;
  int blocking = INT_MIN; // INT_MIN: the default
  int cgaClusterSize = INT_MIN;
  int minCTAs = INT_MIN;
  int maxCTAs = INT_MIN;
  const char *netName = nullptr;
  int splitShare = INT_MIN;
  int later = INT_MIN;
};

/// The first version with everything below.
inline constexpr int kMinNcclVersion = 21801;

/// One row per function: name without "nccl", parameters. All return NcclResult but the last ones.
#define XFER_NCCL_FUNCTIONS(FUNCTION)                                                              \
  FUNCTION(GetVersion, (int *version))                                                             \
  FUNCTION(GetUniqueId, (NcclUniqueId * id))                                                       \
  FUNCTION(CommInitRankConfig,                                                                     \
           (NcclComm * comm, int numRanks, NcclUniqueId id, int rank, NcclConfig *config))         \
  FUNCTION(CommSplit, (NcclComm comm, int color, int key, NcclComm *newComm, NcclConfig *config))  \
  FUNCTION(CommFinalize, (NcclComm comm))                                                          \
  FUNCTION(CommDestroy, (NcclComm comm))                                                           \
  FUNCTION(CommAbort, (NcclComm comm))                                                             \
  FUNCTION(CommGetAsyncError, (NcclComm comm, NcclResult * error))                                 \
  FUNCTION(CommCount, (NcclComm comm, int *count))                                                 \
  FUNCTION(CommUserRank, (NcclComm comm, int *rank))                                               \
  FUNCTION(CommCuDevice, (NcclComm comm, int *device))                                             \
  FUNCTION(GroupStart, ())                                                                         \
  FUNCTION(GroupEnd, ())                                                                           \
  FUNCTION(Send, (const void *data, size_t count, int dtype, int peer, NcclComm comm,              \
                  CudaStream stream))                                                              \
  FUNCTION(Recv,                                                                                   \
           (void *data, size_t count, int dtype, int peer, NcclComm comm, CudaStream stream))      \
  FUNCTION(Broadcast, (const void *from, void *to, size_t count, int dtype, int root,              \
                       NcclComm comm, CudaStream stream))                                          \
  FUNCTION(AllGather, (const void *from, void *to, size_t count, int dtype, NcclComm comm,         \
                       CudaStream stream))

/// The functions of one copy of NCCL.
struct NcclApi {
#define XFER_NCCL_MEMBER(NAME, PARAMETERS) NcclResult(*NAME) PARAMETERS = nullptr;
  XFER_NCCL_FUNCTIONS(XFER_NCCL_MEMBER)
#undef XFER_NCCL_MEMBER
  const char *(*GetErrorString)(NcclResult result) = nullptr;
  const char *(*GetLastError)(NcclComm comm) = nullptr;
  int version = 0; ///< 22809 for 2.28.9

  /// Finds NCCL; the same answer at every call.
  static Status get(const NcclApi *&api);
};

} // namespace xfer::runtime

#endif
