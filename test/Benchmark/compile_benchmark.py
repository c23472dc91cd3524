"""Times whole-job and single-rank compilation of large jobs. Not a test: asserts no time.

    compile_benchmark.py --xfer-opt build/bin/xfer-opt [JOB...]

Every line is the fastest of a few runs: seconds from start to exit, parsing
included, with the output thrown away, and the processor's share of that; seconds
with the output in a file; peak memory of the process; bytes written, and how
long a plain copy of the same bytes takes. Jobs are kept in the system's temporary directory.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jobs

SINGLE_RANKS = [0, 77, 128, 200]


def measure(command, repeat):
    """(seconds, processor seconds, peak bytes) of the fastest of `repeat` runs."""
    best = None
    for _ in range(repeat):
        started = time.perf_counter()
        with subprocess.Popen(command) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            sys.exit(f"exit status {process.returncode}: {' '.join(command)}")
        if best is None or seconds < best[0]:
            best = (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    return best


def copy_seconds(path, repeat):
    """How long it takes to write the same bytes once more."""
    best = None
    for _ in range(repeat):
        started = time.perf_counter()
        shutil.copyfile(path, path.with_suffix(".copy"))
        best = min(time.perf_counter() - started, best or 1e9)
        path.with_suffix(".copy").unlink()
    return best


def report(label, command, directory, repeat):
    output = directory / "output"
    seconds, _, _ = measure(command + ["-o", str(output)], repeat)
    quiet_seconds, processor, peak = measure(command + ["-o", os.devnull], repeat)
    size = output.stat().st_size
    floor = copy_seconds(output, repeat)
    print(f"{label:24} {quiet_seconds:8.3f} {processor:8.3f} {seconds:9.3f} {peak / 2**20:9.1f} "
          f"{size / 1e6:9.1f} {floor:8.3f} {seconds / floor:7.1f}", flush=True)


def commands(xfer_opt, name, path):
    default = [xfer_opt, str(path), "--default-pipeline"]
    plan = [xfer_opt, str(path), "--emit=plan"]
    yield "parse and print", [xfer_opt, str(path)]
    yield "build-routes", [xfer_opt, str(path), "--build-routes"]
    if name == "llama":
        yield "whole job, ir", default
        yield "whole job, plan", plan
    ranks = SINGLE_RANKS if name != "llama" else [0, 63, 64, 127]
    for rank in ranks:
        yield f"rank {rank}, plan", plan + ["--rank", str(rank)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(jobs.JOBS)}")
    arguments = parser.parse_args()
    cache = Path(tempfile.gettempdir()) / f"xfer-benchmark-{os.getuid()}"
    cache.mkdir(exist_ok=True)
    print(f"{'':24} {'seconds':>8} {'cpu':>8} {'with file':>9} {'peak MiB':>9} {'MB out':>9} "
          f"{'copy s':>8} {'ratio':>7}")
    for name in arguments.jobs or list(jobs.JOBS):
        path = cache / f"{name}.xfer"
        path.write_text(jobs.text(name))
        print(f"{name}: {path.stat().st_size / 1e6:.1f} MB of text")
        for label, command in commands(arguments.xfer_opt, name, path):
            report("  " + label, command, cache, arguments.repeat)
    (cache / "output").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
