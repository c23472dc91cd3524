# RUN: %python %s %build %standin %t %examples/hello.xfer
"""The CUDA kernels are installed where they were built, and an installed runtime finds them.

Where it looks is tested on the stand-in for NCCL and CUDA: its kernels take the place of the
installed ones, which need a device, and only the other two libraries are on the library path.
"""
import os
import shutil
import sys

from installed import Installed, run

build, standin, scratch, example = sys.argv[1:]
shutil.rmtree(scratch, ignore_errors=True)
xfer = Installed(build, os.path.join(scratch, "xfer"))
libraries = next(folder for folder, _, names in os.walk(xfer.prefix)
                 if "libxfer_runtime.so" in names)
kernels = os.path.join(libraries, "libxfer_cuda_kernels.so")
assert os.path.exists(kernels) == os.path.exists(
    os.path.join(build, "lib", "libxfer_cuda_kernels.so")), kernels
if os.path.exists(kernels):
    with open(kernels, "rb") as file:
        assert b"xfer_cuda_copy" in file.read()

shutil.copy(os.path.join(standin, "libxfer_cuda_kernels.so"), kernels)
path = os.path.join(scratch, "standin")
os.mkdir(path)
for name in ("libcudart.so.13", "libnccl.so.2"):
    shutil.copy(os.path.join(standin, name), path)
environment = dict(os.environ, LD_LIBRARY_PATH=path)

# From the shared library beside it, in a process that is not ours: no sanitizer's.
probe = """import ctypes, sys
class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("store", ctypes.c_void_p), ("prefix", ctypes.c_char_p),
                ("device", ctypes.c_int32), ("comm", ctypes.c_void_p),
                ("max_communicators", ctypes.c_int32)]
xfer = ctypes.CDLL(sys.argv[1])
xfer.xfer_last_error.restype = ctypes.c_char_p
store, group = ctypes.c_void_p(), ctypes.c_void_p()
assert xfer.xfer_store_create_directory(sys.argv[2].encode(), ctypes.byref(store)) == 0
options = Options(size=ctypes.sizeof(Options), store=store)
created = xfer.xfer_group_create_nccl(ctypes.byref(options), ctypes.byref(group))
assert created == 0, xfer.xfer_last_error()
xfer.xfer_group_destroy(group)
xfer.xfer_store_destroy(store)
"""
if "-fsanitize" not in xfer.cached("CMAKE_CXX_FLAGS"):
    run(sys.executable, "-c", probe, os.path.join(libraries, "libxfer_runtime.so"),
        os.path.join(scratch, "store"), env=environment)

# From a tool in bin, which has the runtime in itself.
if os.path.basename(libraries) == "lib":
    assert "all right" in run(os.path.join(xfer.prefix, "bin", "xfer-run"), example,
                              "--backend=nccl", "--verify", env=environment)
