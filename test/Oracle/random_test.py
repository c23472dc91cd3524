# RUN: %python %s --xfer-run %xfer-run --xfer-opt %xfer-opt --count 5000
# RUN: %python %s --xfer-run %xfer-run --xfer-opt %xfer-opt --count 600 --storages
"""Random modules through xfer-run, compared bit by bit with the oracle.

Each module of some thirty tensors, or with --storages of some fused, padded and permuted
storages, runs several times: as it is, with tiny chunks,
buckets and windows, in very little staging, from an emitted plan and from text
that was lowered part of the way. On a failure the module is shrunk (shrink.py)
and printed with its seed, the place, and the expected and actual bits. By hand, for as long as
wanted: --count 1000000 --seed N.
"""
import argparse
import multiprocessing
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import elements
import safetensors_io
import tool
from generate import messy_text, random_module
from model import expected_tensors, source_tensors
from shrink import shrink
from storage_generate import random_storage_module

TENSORS_PER_MODULE = 32
LEAST_LAYOUTS = {False: 2 * TENSORS_PER_MODULE, True: 18}  # of a module, without and with storages
SHOWN_FAILURES = 5
# Of one rank: four buffers, each of one element with eight contributions and the result.
LEAST_STAGING = 4 * 9 * 8


def random_pipeline(random):
    """The default pipeline by name, with chunks, buckets and windows so small that all are cut."""
    chunk = random.choice([8, 16, 40, 200])
    bucket = random.choice([8, 32, 100, 1000])
    return (f"build-routes,select-sources,type-routes,cut-chunks{{max-bytes={chunk}}},"
            f"assign-transport{{broadcast-min-destinations={random.choice([0, 1, 2, 3])} "
            "broadcast-min-bytes=1},split-roles,legalize-self-copy,"
            f"form-buckets{{max-bytes={bucket}}},"
            f"schedule-windows{{peers={random.choice([1, 2, 5])}}},verify-plan")


def preparations(random):
    """Options of xfer-opt whose output xfer-run must take like the text itself."""
    passes = random_pipeline(random).split(",")
    return [["--emit=plan"], ["--pass-pipeline", ",".join(passes[:random.randint(1, len(passes))])]]


def variants(random, module):
    """Options of xfer-run that must all give the same bytes."""
    staging = random.randint(LEAST_STAGING, 4000) * len(module.ranks())
    return [["--verify"], ["--pass-pipeline", random_pipeline(random)],
            ["--staging-bytes", str(staging)]]


def differences(expected, directory):
    """What in the output files is not what the oracle says, as text; at most a few."""
    found = []
    written = {int(path.stem[4:]) for path in directory.glob("rank*.safetensors")}
    for rank in sorted(set(expected) | written):
        path = directory / f"rank{rank}.safetensors"
        got = safetensors_io.read(path) if rank in written else {}
        for name in sorted(set(got) - set(expected.get(rank, {}))):
            found.append((name, f"rank {rank} wrote tensor '{name}', which it must not have"))
        for name, wanted in expected.get(rank, {}).items():
            if name not in got:
                found.append((name, f"rank {rank} did not write tensor '{name}'"))
            else:
                found += [(name, text) for text in tensor_differences(rank, name, wanted, got[name])]
    return found


def tensor_differences(rank, name, wanted, got):
    dtype, shape, values, owned, computed = wanted
    where = f"tensor '{name}' on rank {rank}"
    if (dtype, shape) != (got[0], got[1]):
        return [f"{where}: expected {dtype}{shape}, got {got[0]}{got[1]}"]
    digits = 2 * elements.byte_width(dtype)
    return [f"{where}: local element {i}, global {owned[i]}: expected 0x{value:0{digits}x}, "
            f"got 0x{actual:0{digits}x} ({dtype})"
            for i, (value, actual) in enumerate(zip(values, got[2]))
            if not elements.same_element(dtype, value, actual, computed[i])]


class Check:
    """One way to run a module; failures() runs it. `prepare` is a command that comes first."""

    def __init__(self, xfer_run, options, text_seed=None, prepare=None):
        self.xfer_run, self.options, self.text_seed = xfer_run, options, text_seed
        self.prepare = prepare

    def text(self, module):
        if self.text_seed is None:
            return module.text()
        return messy_text(Random(self.text_seed), module)

    def failures(self, module):
        """(tensor name or None, text) for each thing that is wrong."""
        with tempfile.TemporaryDirectory(prefix="xfer-oracle-") as name:
            directory = Path(name)
            (directory / "in").mkdir()
            (directory / "out").mkdir()
            path = directory / "module.xfer"
            path.write_bytes(self.text(module).encode())
            for rank, tensors in source_tensors(module).items():
                safetensors_io.write(directory / "in" / f"rank{rank}.safetensors", tensors)
            try:
                if self.prepare:
                    tool.run([*self.prepare, path, "-o", directory / "prepared"])
                    path = directory / "prepared"
                tool.run([self.xfer_run, path, "--inputs", directory / "in", "--outputs",
                          directory / "out", *self.options], timeout=60)
            except tool.ToolFailure as failure:
                return [(None, str(failure))]
            return differences(expected_tensors(module), directory / "out")

    def shrink(self, module, failures):
        """The smallest module found that still fails in the same way, and how it fails."""
        tidy = Check(self.xfer_run, self.options, None, self.prepare)
        if self.text_seed is not None and tidy.failures(module):
            self.text_seed = None

        def fails(smaller):
            found = self.failures(smaller)
            return bool(found) and signature(found) == signature(failures)
        smaller = shrink(module, fails)
        return smaller, self.failures(smaller) or failures


def signature(failures):
    """Wrong elements, or the tool's first error without what differs between modules."""
    name, text = failures[0]
    if name is not None:
        return "wrong elements"
    error = next((line for line in text.splitlines() if "error: " in line), text.splitlines()[0])
    return re.sub(r"'[^']*'|@\S+|\d+", "", error[error.find("error: "):])


def describe(seed, check, module, failures):
    module, failures = check.shrink(module, failures)
    prepared = f" after {check.prepare}" if check.prepare else ""
    lines = [f"FAILED: seed {seed}, options {check.options}{prepared}", check.text(module).rstrip()]
    lines += [text for _, text in failures[:10]]
    if len(failures) > 10:
        lines.append(f"and {len(failures) - 10} more")
    return "\n".join(lines)


def run_seed(job):
    """(layouts tested, elements compared, description of a failure or None)"""
    xfer_run, xfer_opt, max_ranks, storages, seed = job
    random = Random(seed)
    if storages:
        module = random_storage_module(random, max_ranks=max_ranks, world=max_ranks * 3 // 2)
    else:
        module = random_module(random, TENSORS_PER_MODULE, max_ranks, max_ranks * 3 // 2)
    layouts = sum(1 for _ in module.sides())
    compared = 0
    checks = [Check(xfer_run, options, seed if options else None)
              for options in variants(random, module)]
    if xfer_opt:
        checks += [Check(xfer_run, [], None, [xfer_opt, *options])
                   for options in preparations(random)]
    for check in checks:
        failures = check.failures(module)
        if failures:
            return layouts, compared, describe(seed, check, module, failures)
        compared += sum(len(entry[2]) for tensors in expected_tensors(module).values()
                        for entry in tensors.values())
    return layouts, compared, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-run", required=True)
    parser.add_argument("--xfer-opt", help="also run emitted plans and lowered text")
    parser.add_argument("--count", type=int, default=2000, help="layouts to test, at least")
    parser.add_argument("--seed", type=int, default=1, help="of the first module")
    parser.add_argument("--max-ranks", type=int, default=8, help="of a mesh")
    parser.add_argument("--storages", action="store_true", help="fused and permuted tensors")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    arguments = parser.parse_args()
    started, layouts, compared, modules, problems = time.monotonic(), 0, 0, 0, 0
    limit = arguments.count // LEAST_LAYOUTS[arguments.storages] + 1
    with multiprocessing.Pool(arguments.jobs) as pool:
        jobs = ((arguments.xfer_run, arguments.xfer_opt, arguments.max_ranks, arguments.storages,
                 arguments.seed + i) for i in range(limit))
        for tested, elements_compared, failure in pool.imap(run_seed, jobs):
            layouts, compared, modules = layouts + tested, compared + elements_compared, modules + 1
            if failure:
                problems += 1
                print(failure, flush=True)
            if problems == SHOWN_FAILURES or layouts >= arguments.count:
                break
    print(f"{modules} modules, {layouts} layouts, {compared} elements compared, {problems} failed, "
          f"{time.monotonic() - started:.1f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
