/*===- compiler.h - Compile a transfer plan in the process --------*- C -*-===*/
/*
 * Text in, plan out: what `xfer-opt --emit=plan` does, for processes that know
 * their layouts only when they run.
 *
 *   xfer_compilation_t *compilation = NULL;
 *   xfer_compiler_status_t status = xfer_compile(texts, 2, NULL, &compilation);
 *   if (status == XFER_COMPILER_OK)
 *     plan = xfer_compilation_plan(compilation, &size);   -> xfer_plan_load
 *   else
 *     puts(xfer_compilation_diagnostics(compilation));
 *   xfer_compilation_destroy(compilation);
 *
 * C99. Independent of the runtime's library and header. There is no global
 * state: any thread may compile at any time. A compilation is immutable once
 * made; several threads may read it, one destroys it. Equal texts and options
 * give equal bytes, on every machine: ranks that each compile from the same
 * texts agree. Nothing is written to standard output or standard error.
 */
#ifndef XFER_COMPILER_H
#define XFER_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define XFER_COMPILER_API
#else
#define XFER_COMPILER_API __attribute__((visibility("default")))
#endif

/* Numbers are fixed. */
typedef enum xfer_compiler_status_t {
  XFER_COMPILER_OK = 0,
  XFER_COMPILER_INVALID_ARGUMENT = 1, /* the call is wrong: a NULL, a size, a negative number */
  XFER_COMPILER_REJECTED = 2, /* the texts, the pipeline or the rank; diagnostics say where */
  XFER_COMPILER_OUT_OF_MEMORY = 3
} xfer_compiler_status_t;

/* `INVALID_ARGUMENT` and so on; never NULL, static. */
XFER_COMPILER_API const char *xfer_compiler_status_name(xfer_compiler_status_t status);

/* Names the compiler in every plan: ranks whose compilers differ do not agree on a plan. Static. */
XFER_COMPILER_API const char *xfer_compiler_version(void);

/* A text buffer. Read during the call only. */
typedef struct xfer_text_t {
  const char *name; /* what diagnostics call it, a file name say; NULL: "<text>" */
  const char *data; /* UTF-8; need not end in NUL; NULL if `bytes` is 0 */
  size_t bytes;
} xfer_text_t;

/* Zero everywhere but `size` is the default. */
typedef struct xfer_compile_options_t {
  size_t size;           /* sizeof(xfer_compile_options_t) */
  int32_t one_rank;      /* not 0: compile the program of `rank` alone; 0: of all ranks */
  int64_t rank;          /* which, with one_rank; the ranks' plans agree with each other */
  const char *pipeline;  /* passes to run first, as `xfer-opt --pass-pipeline` takes them; what is
                            left of the default pipeline follows. NULL: that alone */
  int64_t staging_bytes; /* staging memory of one rank; 0: 128 MiB */
  int64_t bucket_bytes;  /* no bucket grows beyond; 0: 4 MiB */
  int32_t no_verify_plan; /* not 0: do not prove the plan; the same bytes come out, sooner */
} xfer_compile_options_t;

/* What came out of a call of xfer_compile. */
typedef struct xfer_compilation xfer_compilation_t;

/* Compiles `count` texts, which are read as one: a trainer and a server may each write their own
 * side. `options` may be NULL. With XFER_COMPILER_OK and XFER_COMPILER_REJECTED *out_compilation is
 * written, and the caller destroys it; otherwise it is left alone. */
XFER_COMPILER_API xfer_compiler_status_t xfer_compile(const xfer_text_t *texts, size_t count,
                                                      const xfer_compile_options_t *options,
                                                      xfer_compilation_t **out_compilation);

/* The plan file's bytes, aligned to eight; NULL, and 0 in *out_bytes, if it was rejected. Valid
 * until the compilation is destroyed. */
XFER_COMPILER_API const void *xfer_compilation_plan(const xfer_compilation_t *compilation,
                                                    size_t *out_bytes);

/* Every error, warning and note as `name:line:column: error: text`, the line and a caret; "" if
 * there are none. NUL-terminated; valid until the compilation is destroyed. */
XFER_COMPILER_API const char *xfer_compilation_diagnostics(const xfer_compilation_t *compilation);

/* NULL is allowed. */
XFER_COMPILER_API void xfer_compilation_destroy(xfer_compilation_t *compilation);

#ifdef __cplusplus
}
#endif
#endif
