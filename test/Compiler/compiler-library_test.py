# RUN: %python %s %build
"""What the shared compiler library exports and needs; prints its size."""
import os
import subprocess
import sys

library = os.path.join(sys.argv[1], "lib", "Compiler", "libxfer_compiler.so")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


names = {line.split()[-1].split("@")[0] for line in run("nm", "--dynamic", "--defined-only", library)}
assert names == {"xfer_compile", "xfer_compilation_plan", "xfer_compilation_diagnostics",
                 "xfer_compilation_destroy", "xfer_compiler_status_name",
                 "xfer_compiler_version"}, sorted(names)

needed = {line.split("[")[1].rstrip("]") for line in run("readelf", "--dynamic", library)
          if "(NEEDED)" in line}
print(f"libxfer_compiler.so: {os.path.getsize(library)} bytes, needs {sorted(needed)}")
foreign = {name for name in needed if not name.startswith(
    ("libstdc++.", "libgcc_s.", "libc.", "libm.", "ld-linux", "libpthread.", "libdl.", "librt."))
    and "san.so" not in name}  # of sanitizers
assert not foreign, foreign
