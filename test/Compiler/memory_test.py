# RUN: %python %s %build %t
"""With too little memory a compilation is an error of the call: the process goes on."""
import os
import resource
import subprocess
import sys

build, scratch = sys.argv[1:]
with open(os.path.join(build, "CMakeCache.txt")) as cache:
    if "-fsanitize" in cache.read():
        print("not tested: a sanitizer needs more address space than the limit")
        sys.exit(0)

os.makedirs(scratch, exist_ok=True)
job = os.path.join(scratch, "large.xfer")
with open(job, "w") as file:
    print("mesh @a = [x=64]\nmesh @b = [x=48] ranks [64:112]", file=file)
    for i in range(8000):
        print(f"tensor @t{i} : f32[{1000 + i % 7}, 16]\nsource @t{i} on @a split [{{x}}, {{}}]\n"
              f"target @t{i} on @b split [{{x}}, {{}}]", file=file)

refused = 0
for mebibytes in (48, 64, 96, 128, 160):
    limit = mebibytes << 20
    done = subprocess.run(
        (os.path.join(build, "test", "bin", "compile-plan"), os.path.join(scratch, "plan"), job),
        capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert (done.returncode, done.stderr) in ((0, ""), (1, "OUT_OF_MEMORY\n")), (mebibytes, done)
    refused += done.returncode
assert refused > 0
