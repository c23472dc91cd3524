/*===- runtime.h - Replay a transfer plan -------------------------*- C -*-===*/
/*
 * The embeddable runtime: load a plan, join the other ranks, bind local
 * tensors, replay again and again.
 *
 *   load -> session (agree, connect, allocate) -> bind -> replay* -> wait
 *
 * C99. Handles are opaque. What can fail returns a status; the text of this
 * thread's last failure is xfer_last_error(). `out_` parameters are written
 * only on success. Destroying NULL, and aborting it, does nothing. A plan is
 * immutable and may be used by several threads; a session is used by one
 * thread at a time.
 */
#ifndef XFER_RUNTIME_H
#define XFER_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define XFER_API
#else
#define XFER_API __attribute__((visibility("default")))
#endif

/* Numbers are fixed. 1-9: the call is wrong or the plan does not fit; fix the program.
 * 10-19: the world changed; destroy the session, make a new one and replay again. */
typedef enum xfer_status_t {
  XFER_OK = 0,
  XFER_INVALID_ARGUMENT = 1, /* the call had no effect */
  XFER_INVALID_PLAN = 2,     /* bytes are no plan, or were damaged */
  XFER_INVALID_BINDING = 3,  /* a tensor is missing, extra, or of another shape or type */
  XFER_OUT_OF_BUDGET = 4,    /* the plan needs more staging than allowed; or memory, threads or
                                descriptors ran out */
  XFER_UNSUPPORTED = 5,      /* the backend, or what it needs, is not there */
  XFER_MISMATCH = 10,        /* ranks do not agree, or bytes arrived other than they were sent */
  XFER_TIMEOUT = 11,         /* a deadline passed; the session is dead */
  XFER_PEER_FAILED = 12,     /* another rank failed or left; the session is dead */
  XFER_ABORTED = 13,         /* xfer_session_abort was called */
  XFER_BACKEND_FAILED = 14   /* CUDA or NCCL failed on this rank */
} xfer_status_t;

typedef struct xfer_plan xfer_plan_t;
typedef struct xfer_group xfer_group_t;
typedef struct xfer_session xfer_session_t;

/* Element types, numbered as in the plan file. */
typedef enum xfer_dtype_t {
  XFER_F64, XFER_F32, XFER_F16, XFER_BF16, XFER_F8E4M3FN, XFER_F8E5M2,
  XFER_I64, XFER_I32, XFER_I16, XFER_I8, XFER_U8, XFER_I1
} xfer_dtype_t;

typedef enum xfer_side_t { XFER_SOURCE = 0, XFER_TARGET = 1 } xfer_side_t;

/* The text of the last failure on this thread, never NULL; valid until the next call on it. */
XFER_API const char *xfer_last_error(void);
/* In words, "peer failed" say; "unknown status" for other numbers. Static, never NULL. */
XFER_API const char *xfer_status_name(xfer_status_t status);

/*===- Plan ---------------------------------------------------------------===*/

/* Validates everything and copies `bytes`. The caller owns *out_plan. */
XFER_API xfer_status_t xfer_plan_load(const void *bytes, size_t size, xfer_plan_t **out_plan);
/* No session may be using the plan. NULL is allowed. */
XFER_API void xfer_plan_destroy(xfer_plan_t *plan);

typedef struct xfer_plan_info_t {
  uint64_t digest;         /* what ranks compare */
  size_t num_ranks;        /* of the job */
  const int64_t *ranks;    /* ascending; owned by the plan */
  size_t num_programs;     /* num_ranks, or 1 if compiled for one rank alone */
  const char *declarations; /* canonical text, NUL-terminated; owned by the plan */
  const char *pipeline;     /* the passes that made it; owned by the plan */
} xfer_plan_info_t;
XFER_API xfer_status_t xfer_plan_get_info(const xfer_plan_t *plan, xfer_plan_info_t *out_info);

/* What one rank must bind, and what replaying costs it. Pointers are owned by the plan. */
typedef struct xfer_binding_info_t {
  const char *name; /* without '@' */
  xfer_side_t side;
  xfer_dtype_t dtype;   /* as stored */
  size_t ndim;
  const int64_t *shape; /* local */
  int64_t bytes;
} xfer_binding_info_t;
typedef struct xfer_program_info_t {
  size_t num_bindings;
  int64_t staging_bytes;        /* where ranks share memory (threads) */
  int64_t remote_staging_bytes; /* where messages need memory to arrive in: gloo; nccl aligns them
                                   and takes more, with checksums one more copy of each message */
  int64_t num_windows, num_buckets, num_chunks;
  /* As sender, per replay; contributions to another rank's reduction are messages too. */
  int64_t p2p_messages, broadcasts, reductions, local_copies;
  /* Per replay; a broadcast is sent once. */
  int64_t sent_bytes, received_bytes, local_bytes;
  int64_t received_messages;
} xfer_program_info_t;
XFER_API xfer_status_t xfer_plan_get_program(const xfer_plan_t *plan, int64_t rank,
                                             xfer_program_info_t *out_info);
XFER_API xfer_status_t xfer_plan_get_binding(const xfer_plan_t *plan, int64_t rank, size_t index,
                                             xfer_binding_info_t *out_info);

/*===- Store --------------------------------------------------------------===*/

/* How processes find each other: a key-value store that all of them reach, of the shape of
 * PyTorch's Store. A gloo group calls it from the thread that creates a session, and from one at a
 * time; an nccl group also from whichever thread waits for, binds, aborts or destroys a session, and
 * from several at a time: then callbacks must be safe for that. A call must return within about the
 * time it is given. Any status but XFER_OK and XFER_TIMEOUT says that the store is out of reach, and
 * ends a meeting with XFER_PEER_FAILED. Keys are few and never removed. */
typedef struct xfer_store_t {
  size_t size; /* sizeof(xfer_store_t) */
  void *user;  /* handed to every callback */
  /* Sets or replaces the value of `key`; a reader sees the old value or the new, never a mixture. */
  xfer_status_t (*set)(void *user, const char *key, const void *value, size_t bytes);
  /* Copies up to `capacity` bytes of the value of a key that is set, and says how long it is. */
  xfer_status_t (*get)(void *user, const char *key, void *value, size_t capacity,
                       size_t *out_bytes);
  /* Returns once `key` is set, or XFER_TIMEOUT after `timeout_ms`. */
  xfer_status_t (*wait)(void *user, const char *key, int64_t timeout_ms);
} xfer_store_t;

/* A store of files in a directory that all ranks share; makes the directory. The caller owns
 * *out_store and destroys it after the groups that use it. */
XFER_API xfer_status_t xfer_store_create_directory(const char *path, xfer_store_t **out_store);
XFER_API void xfer_store_destroy(xfer_store_t *store); /* only what xfer_store_create_* made */

/*===- Session ------------------------------------------------------------===*/

/* Joins the ranks of one process (the threads backend). The caller owns it and destroys it after
 * the last session. Used by all sessions at once. */
XFER_API xfer_status_t xfer_group_create_threads(xfer_group_t **out_group);
XFER_API void xfer_group_destroy(xfer_group_t *group);

typedef struct xfer_gloo_options_t {
  size_t size;               /* sizeof(xfer_gloo_options_t) */
  const xfer_store_t *store; /* borrowed until the group is destroyed */
  const char *prefix;        /* of this job's keys in the store; NULL: "xfer" */
  const char *host;          /* name or address that others reach this process by; NULL: this
                                machine's name if it resolves, else the loopback address */
  const char *network;       /* interface to use instead of a host, "eth0" say; NULL: by host */
} xfer_gloo_options_t;
/* Joins ranks of several processes or machines over TCP, with the Gloo library. The ranks of one
 * job use one store and prefix, each rank a group of its own. XFER_UNSUPPORTED if the library was
 * built without. */
XFER_API xfer_status_t xfer_group_create_gloo(const xfer_gloo_options_t *options,
                                              xfer_group_t **out_group);

typedef struct xfer_nccl_options_t {
  size_t size; /* sizeof(xfer_nccl_options_t) */
  /* The ranks meet in a store, as those of Gloo do; each session makes its own communicator. */
  const xfer_store_t *store; /* borrowed until the group is destroyed */
  const char *prefix;        /* of this job's keys in the store; NULL: "xfer" */
  int32_t device;            /* this rank's CUDA device */
  /* Or, without a store: the caller's ncclComm_t, whose ranks are those of the job in ascending
   * order. Borrowed until the group is destroyed, and used only while sessions are created: each
   * splits its own communicator from it, which all ranks do together. Its device is used. */
  void *comm;
  /* Sets of ranks that a broadcast of this rank may have a communicator for, each of which takes
   * device memory; other broadcasts are sent point to point. 0: 8; negative: none. */
  int32_t max_communicators;
} xfer_nccl_options_t;
/* Joins ranks that each have a CUDA device, with NCCL; each rank has a group of its own. Neither NCCL
 * nor the CUDA runtime is linked: the copies that the process already uses are taken, else
 * `libnccl.so.2` (2.18.1 or later) and `libcudart.so.13` or `.so.12` by the library path.
 * XFER_UNSUPPORTED says what is missing, a device for instance. The current device of the calling
 * thread is left as it was. Sessions bind device memory, and their replays run on a cudaStream_t:
 *
 * - xfer_session_replay only enqueues, after what is on the stream, and makes the stream wait for
 *   it. While the stream is captured the replay becomes part of the graph; the graph must be
 *   destroyed before the session, and captured again after binding.
 * - Deadlines are kept by xfer_session_wait. It covers replays, not launches of a graph; those end
 *   by xfer_session_abort alone. After a failure no kernel of the session writes a target any more.
 * - That a peer has failed or left is seen in the store, or where NCCL reports it; else as a window
 *   that does not finish. The store is asked by who waits, and told when a session ends. */
XFER_API xfer_status_t xfer_group_create_nccl(const xfer_nccl_options_t *options,
                                              xfer_group_t **out_group);

typedef struct xfer_session_options_t {
  size_t size;           /* sizeof(xfer_session_options_t) */
  int64_t rank;          /* which program of the plan */
  xfer_group_t *group;   /* borrowed until the session is destroyed */
  int64_t staging_bytes; /* refuse a plan that needs more on this rank; 0: no limit */
  int64_t timeout_ms;    /* deadline of agreement and of each wait inside a replay; 0: 60 s;
                            negative: XFER_INVALID_ARGUMENT */
  uint64_t epoch;        /* ranks must agree on it; count it up when a session replaces another */
  int32_t checksums;     /* not 0: every message is checked before it is unpacked; on all ranks */
} xfer_session_options_t;

/* Agrees with the other ranks (digest, version, ranks of the job, epoch, checksums) and allocates.
 * Blocks until all ranks have called it or the deadline passes. Refers to the plan, which must
 * outlive the session. */
XFER_API xfer_status_t xfer_session_create(const xfer_plan_t *plan,
                                           const xfer_session_options_t *options,
                                           xfer_session_t **out_session);
/* Waits for a replay in flight, or aborts it if the session is dead. NULL is allowed. */
XFER_API void xfer_session_destroy(xfer_session_t *session);

typedef struct xfer_binding_t {
  const char *name;
  xfer_side_t side;
  xfer_dtype_t dtype;
  size_t ndim;
  const int64_t *shape;
  const int64_t *strides; /* in elements; NULL: dense row-major, the only layout accepted */
  void *data;             /* may be NULL if the tensor is empty */
} xfer_binding_t;
/* All bindings at once, in any order; replaces earlier ones. Buffers are borrowed until the session
 * is destroyed or bound again, and must be aligned to their element; a target must not overlap
 * another tensor. Other ranks may read sources and this rank write targets until a wait has said
 * that the replay finished or failed. Nothing changes on failure. */
XFER_API xfer_status_t xfer_session_bind(xfer_session_t *session, const xfer_binding_t *bindings,
                                         size_t count);

/* Enqueues one replay; allocates nothing. `stream` is the cudaStream_t of a device backend, else NULL. */
XFER_API xfer_status_t xfer_session_replay(xfer_session_t *session, void *stream);
/* Waits until every enqueued replay has finished. timeout_ms < 0: no limit. A wait that expires
 * ends the session: do not poll with 0. The error of a failed replay says whether targets were
 * partly written. With nothing in flight it may succeed on a dead session. */
XFER_API xfer_status_t xfer_session_wait(xfer_session_t *session, int64_t timeout_ms);
/* From any thread, but not from a signal handler: it takes locks. The session, and with it every
 * other rank's, ends with an error. */
XFER_API void xfer_session_abort(xfer_session_t *session);

/* After a failed replay: the names of targets that hold some elements of it and lack others. Other
 * targets hold all of it or nothing of it. Names are owned by the plan, the array by the session. */
XFER_API xfer_status_t xfer_session_incomplete(const xfer_session_t *session,
                                               const char *const **out_names, size_t *out_count);

/* Sums over the replays of a session that finished. Times are of the session's thread; on a device,
 * which has none, replay_ns is the device's own and the others are 0. */
typedef struct xfer_counters_t {
  int64_t replays;
  int64_t sent_bytes, received_bytes, local_bytes;
  int64_t sent_messages, received_messages;
  int64_t replay_ns;                   /* from start to end */
  int64_t pack_ns, wait_ns, unpack_ns; /* wait: for peers; unpack: with folds and checksums */
} xfer_counters_t;
/* No replay may be in flight, which only sessions on devices can tell. */
XFER_API xfer_status_t xfer_session_get_counters(const xfer_session_t *session,
                                                 xfer_counters_t *out_counters);
/* Writes when each window of the last replay was packed, on the wire and unpacked, as a Chrome
 * trace (chrome://tracing, Perfetto). Ranks of one machine share a clock. No replay may be in
 * flight. XFER_UNSUPPORTED if the last replay was captured into a graph, XFER_INVALID_ARGUMENT if
 * the file cannot be written; a session lives on. */
XFER_API xfer_status_t xfer_session_write_timeline(const xfer_session_t *session, const char *path);

#ifdef __cplusplus
}
#endif
#endif
