# RUN: %python %s %build %t %S/Inputs/consumer
"""What `cmake --install` gives: projects outside build against it and run, wherever it is moved.

The installed tree is made, moved to another prefix, and used by a C and a C++ project, through
find_package and through pkg-config. Nothing in it names a folder of the build or its first prefix.
"""
import os
import shutil
import sys

from installed import Installed, run

build, scratch, consumer = sys.argv[1:]
moved = os.path.join(scratch, "moved")
shutil.rmtree(scratch, ignore_errors=True)
xfer = Installed(build, os.path.join(scratch, "first"))
os.rename(xfer.prefix, moved)
xfer.prefix = moved

installed = [os.path.join(folder, name) for folder, _, names in os.walk(moved) for name in names]
names = {os.path.relpath(path, moved) for path in installed}
libraries = os.path.dirname(next(name for name in names if name.endswith("libxfer_runtime.so")))
for expected in ("include/xfer/runtime.h", "include/xfer/runtime.hpp", "include/xfer/compiler.h",
                 "bin/xfer-opt", "bin/xfer-run", "bin/xfer-translate", "share/xfer/plan.fbs",
                 libraries + "/libxfer_compiler.so", libraries + "/libxfer_runtime.a"):
    assert expected in names, (expected, sorted(names))
for path in installed:
    if path.endswith((".cmake", ".pc", ".h", ".hpp")):
        with open(path) as file:
            text = file.read()
        assert build not in text and scratch not in text, path

# The tools run from where they are.
run(os.path.join(moved, "bin", "xfer-opt"), "--version")

# A project that finds the package.
project = xfer.build(consumer, os.path.join(scratch, "project"))
for program in ("consumer-c", "consumer-cxx", "consumer-static"):
    assert run(os.path.join(project, program)) == "replayed\n", program

# A compiler alone, told by pkg-config.
if not shutil.which("pkg-config"):
    print("not tested: pkg-config is not installed")
    sys.exit(0)
environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(moved, libraries, "pkgconfig"),
                   LD_LIBRARY_PATH=os.path.join(moved, libraries))
words = run("pkg-config", "--cflags", "--libs", "xfer-runtime", "xfer-compiler",
            env=environment).split()
flags = xfer.cached("CMAKE_CXX_FLAGS").split()
for compiler, source in ((xfer.cached("CMAKE_C_COMPILER"), "consumer.c"),
                         (xfer.cached("CMAKE_CXX_COMPILER"), "consumer.cpp")):
    program = os.path.join(scratch, "by-pkg-config")
    run(compiler, *flags, os.path.join(consumer, source), "-o", program, *words)
    assert run(program, env=environment) == "replayed\n", source
