# RUN: %python %s %build %t
"""The C code of docs/Runtime.md compiles, as C99 and without a warning."""
import os
import re
import subprocess
import sys

build, scratch = sys.argv[1:]
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
with open(os.path.join(build, "CMakeCache.txt")) as cache:
    compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache.read(), re.M)[1]
with open(os.path.join(root, "docs", "Runtime.md")) as page:
    blocks = re.findall(r"^```c\n(.*?)^```$", page.read(), re.M | re.S)
assert len(blocks) == 2, len(blocks)

# What the code around a block would have declared.
PARAMETERS = ("const void *bytes, size_t size, int64_t rank, uint64_t epoch, "
              "const xfer_binding_t *bindings, size_t count, const char *trainer, "
              "size_t trainer_bytes, const char *server, size_t server_bytes, xfer_plan_t *plan, "
              "xfer_store_t *store, xfer_group_t *group, xfer_session_t *session")
source = scratch + ".c"
with open(source, "w") as file:
    print("#include <stdio.h>\n#include <xfer/compiler.h>\n#include <xfer/runtime.h>", file=file)
    for number, block in enumerate(blocks):
        print(f"void block{number}({PARAMETERS});\nvoid block{number}({PARAMETERS}) {{\n{block}}}",
              file=file)
done = subprocess.run(
    (compiler, "-std=c99", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
     "-Wno-missing-field-initializers", "-Wno-unused-but-set-parameter",
     "-I", os.path.join(root, "include"), "-I", os.path.join(root, "runtime", "include"), source),
    capture_output=True, text=True)
assert done.returncode == 0, done.stderr
