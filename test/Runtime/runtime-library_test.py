# RUN: %python %s %build
"""What the runtime's shared libraries export and need; prints their sizes.

Only `xfer_` symbols are visible. Without Gloo nothing but the C++ standard library is needed.
"""
import os
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(library):
    lines = run("nm", "--dynamic", "--defined-only", library).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def needed(library):
    lines = run("readelf", "--dynamic", library).splitlines()
    return {line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line}


build = sys.argv[1]
with_all = os.path.join(build, "runtime", "libxfer_runtime.so")
bare = os.path.join(build, "test", "Runtime", "libxfer_runtime_bare.so")
for library in (with_all, bare):
    names = exported(library)
    strangers = sorted(name for name in names if not name.startswith("xfer_"))
    assert not strangers, (library, strangers)
    assert "xfer_session_replay" in names, library
    print(f"{os.path.basename(library)}: {os.path.getsize(library)} bytes, needs {sorted(needed(library))}")

standard = {"libstdc++.so.6", "libgcc_s.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1", "libpthread.so.0", "libdl.so.2"}
strangers = {name for name in needed(bare) - standard if "san.so" not in name}  # of sanitizers
assert not strangers, strangers
