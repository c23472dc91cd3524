/* Compiles a plan for one rank, replays it, checks what arrived. C99. */
#include <stdio.h>
#include <string.h>
#include <xfer/compiler.h>
#include <xfer/runtime.h>

static const char text[] = "mesh @m = [x=1]\n"
                           "tensor @w : f32[4]\n"
                           "source @w on @m\n"
                           "target @w on @m\n";

static int check(xfer_status_t status, const char *what) {
  if (status != XFER_OK)
    fprintf(stderr, "%s: %s: %s\n", what, xfer_status_name(status), xfer_last_error());
  return status == XFER_OK;
}

static int replay(const void *bytes, size_t size) {
  static const int64_t shape[] = {4};
  float source[] = {1, 2, 3, 4}, target[4] = {0};
  xfer_binding_t bindings[2] = {{"w", XFER_SOURCE, XFER_F32, 1, shape, NULL, source},
                                {"w", XFER_TARGET, XFER_F32, 1, shape, NULL, target}};
  xfer_session_options_t options = {0};
  xfer_plan_t *plan = NULL;
  xfer_group_t *group = NULL;
  xfer_session_t *session = NULL;
  int isRight = check(xfer_plan_load(bytes, size, &plan), "load") &&
                check(xfer_group_create_threads(&group), "group");
  options.size = sizeof(options);
  options.group = group;
  isRight = isRight && check(xfer_session_create(plan, &options, &session), "session") &&
            check(xfer_session_bind(session, bindings, 2), "bind") &&
            check(xfer_session_replay(session, NULL), "replay") &&
            check(xfer_session_wait(session, 60000), "wait") &&
            memcmp(source, target, sizeof(source)) == 0;
  xfer_session_destroy(session);
  xfer_group_destroy(group);
  xfer_plan_destroy(plan);
  return isRight;
}

int main(void) {
  xfer_text_t texts[1] = {{"consumer.xfer", text, sizeof(text) - 1}};
  xfer_compilation_t *compilation = NULL;
  size_t size = 0;
  int isRight = 0;
  if (xfer_compile(texts, 1, NULL, &compilation) == XFER_COMPILER_OK) {
    const void *bytes = xfer_compilation_plan(compilation, &size);
    isRight = replay(bytes, size);
  } else {
    fputs(xfer_compilation_diagnostics(compilation), stderr);
  }
  xfer_compilation_destroy(compilation);
  puts(isRight ? "replayed" : "failed");
  return !isRight;
}
