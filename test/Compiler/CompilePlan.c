/* compile-plan [--rank N] [--pipeline TEXT] OUT IN...: what xfer-opt --emit=plan does, by the C
 * API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xfer/compiler.h>

enum { kMaxTexts = 16 };

/* The whole file, or NULL. */
static char *readFile(const char *name, size_t *out_bytes) {
  FILE *file = fopen(name, "rb");
  long size;
  char *data;
  if (!file)
    return NULL;
  fseek(file, 0, SEEK_END);
  size = ftell(file);
  rewind(file);
  data = malloc((size_t)size + 1);
  *out_bytes = data ? fread(data, 1, (size_t)size, file) : 0;
  fclose(file);
  return data;
}

int main(int argc, char **argv) {
  xfer_compile_options_t options = {0};
  xfer_text_t texts[kMaxTexts];
  xfer_compilation_t *compilation = NULL;
  xfer_compiler_status_t status;
  size_t count = 0, size = 0;
  const void *plan;
  FILE *out;
  options.size = sizeof(options);
  ++argv, --argc;
  for (; argc > 1 && strncmp(argv[0], "--", 2) == 0; argv += 2, argc -= 2) {
    if (strcmp(argv[0], "--rank") == 0) {
      options.one_rank = 1;
      options.rank = atoll(argv[1]);
    } else {
      options.pipeline = argv[1];
    }
  }
  if (argc < 2 || argc - 1 > kMaxTexts)
    return 2;
  for (int i = 1; i < argc; ++i, ++count) {
    texts[count].name = argv[i];
    texts[count].data = readFile(argv[i], &texts[count].bytes);
    if (!texts[count].data)
      return 2;
  }
  status = xfer_compile(texts, count, &options, &compilation);
  fputs(xfer_compilation_diagnostics(compilation), stderr);
  plan = xfer_compilation_plan(compilation, &size);
  out = status == XFER_COMPILER_OK ? fopen(argv[0], "wb") : NULL;
  if (out) {
    fwrite(plan, 1, size, out);
    fclose(out);
  }
  xfer_compilation_destroy(compilation);
  for (size_t i = 0; i < count; ++i)
    free((char *)texts[i].data);
  return !out;
}
