# REQUIRES: gloo
# RUN: %python %s %xfer-run --times 5 --slack 20
"""Ends one of four gloo ranks at a random moment, again and again.

The ranks are processes of their own that replay and verify without end. One of them is killed,
stopped, or started with another plan. Every other must then end by itself with an error that names
the cause, within the deadline and a second, and none may have seen wrong data.

    gloo-kill_test.py XFER-RUN --times 200        # by hand, on a quiet machine

`--slack` is the second, for machines that are busy.
"""
import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TEXT = """mesh @all = [x=4]
tensor @w : bf16[{rows}, 1024]
source @w : f32 on @all split [{{x}}, {{}}]
target @w on @all split [{{}}, {{x}}]
tensor @g : f32[{rows}]
source @g on @all partial<sum>{{x}}
target @g on @all
"""
RANKS = 4


class Run:
    """Four ranks that meet in a directory."""

    def __init__(self, options, directory, odd_one=None):
        self.options = options
        self.files = [open(os.path.join(directory, f"errors.{rank}"), "w+") for rank in range(RANKS)]
        self.started = time.monotonic()
        self.ended = [None] * RANKS
        self.processes = []
        for rank in range(RANKS):
            text = os.path.join(directory, "odd.xfer" if rank == odd_one else "job.xfer")
            environment = dict(os.environ, RANK=str(rank), WORLD_SIZE=str(RANKS))
            self.processes.append(subprocess.Popen(
                [options.xfer_run, text, "--backend=gloo", "--verify", "--repeat=1000000",
                 f"--deadline={options.deadline}", f"--store={directory}/store"],
                env=environment, stdout=subprocess.DEVNULL, stderr=self.files[rank]))

    def poll(self):
        for rank, process in enumerate(self.processes):
            if self.ended[rank] is None and process.poll() is not None:
                self.ended[rank] = time.monotonic()

    def wait(self, ranks, until):
        while any(self.ended[rank] is None for rank in ranks) and time.monotonic() < until:
            time.sleep(0.005)
            self.poll()

    def errors(self, rank):
        self.files[rank].seek(0)
        return self.files[rank].read().strip()

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for file in self.files:
            file.close()


def check(run, ways, victim, limit):
    """What is wrong with how the survivors ended; they had until `limit`."""
    named = False
    for rank in range(RANKS):
        if rank == victim and ways != "another plan":
            continue
        errors, code = run.errors(rank), run.processes[rank].poll()
        if run.ended[rank] is None:
            return f"rank {rank} still runs"
        if run.ended[rank] > limit:
            return f"rank {rank} ended {run.ended[rank] - limit:.2f} s late"
        if code != 1 or not errors.startswith("error: "):
            return f"rank {rank} ended with {code}: {errors}"
        if "wrong" in errors:
            return f"rank {rank} saw wrong data: {errors}"
        if ways == "another plan":
            if len(set(re.findall("0x[0-9a-f]{16}", errors))) != 2:
                return f"rank {rank} does not name both digests: {errors}"
        elif names(errors, victim):
            named = True
        elif not re.search(r"rank \d did not (send|take|connect) ", errors):
            return f"rank {rank} does not name rank {victim}: {errors}"
    # Who waited for one that waited for the victim may lose patience first, and names that one.
    return None if named or ways == "another plan" else f"nobody names rank {victim}"


def names(errors, rank):
    return re.search(rf"\branks? ([0-9, ]*, )?{rank}\b", errors)


def once(options, directory, ways, victim, moment, seen):
    run = Run(options, directory, victim if ways == "another plan" else None)
    try:
        hit = run.started + options.startup
        if ways != "another plan":
            run.wait(range(RANKS), run.started + moment)
            if any(run.ended):
                return f"a rank ended by itself: {[run.errors(rank) for rank in range(RANKS)]}"
            os.kill(run.processes[victim].pid,
                    signal.SIGKILL if ways == "killed" else signal.SIGSTOP)
            hit = max(hit, time.monotonic())
        # Ranks may still be on their way to meet, which is where their deadline begins.
        limit = hit + options.deadline + options.slack
        others = [rank for rank in range(RANKS) if rank != victim or ways == "another plan"]
        run.wait(others, limit + 5)
        for rank in others:
            text = re.sub(r"0x[0-9a-f]+|\d+", "#", run.errors(rank))
            seen[re.sub(r"(#, )+#", "#", text)[:150]] += 1
        run.slowest = max((run.ended[rank] or limit) - hit for rank in others)
        options.slowest[ways] = max(options.slowest[ways], run.slowest)
        return check(run, ways, victim, limit)
    finally:
        run.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("xfer_run")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--deadline", type=int, default=2, help="seconds that ranks wait for another")
    parser.add_argument("--slack", type=float, default=1, help="seconds more that they may take")
    parser.add_argument("--span", type=float, default=2.5, help="the latest moment, in seconds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.slowest = collections.Counter()
    random.seed(options.seed)
    seen, done, failures = collections.Counter(), collections.Counter(), 0

    # How long a rank takes until it meets others: one that waits in vain, less its deadline.
    directory = tempfile.mkdtemp()
    with open(os.path.join(directory, "job.xfer"), "w") as file:
        file.write(TEXT.format(rows=4096))
    begin = time.monotonic()
    subprocess.run([options.xfer_run, f"{directory}/job.xfer", "--backend=gloo", "--deadline=1",
                    f"--store={directory}/store"], env=dict(os.environ, RANK="0", WORLD_SIZE="4"),
                   stderr=subprocess.DEVNULL)
    options.startup = RANKS * (time.monotonic() - begin - 1)
    shutil.rmtree(directory)

    for number in range(options.times):
        directory = tempfile.mkdtemp()
        for name, rows in (("job", 4096), ("odd", 4000)):
            with open(os.path.join(directory, f"{name}.xfer"), "w") as file:
                file.write(TEXT.format(rows=rows))
        ways = ("killed", "stopped", "another plan")[number % 3]
        victim, moment = random.randrange(RANKS), random.uniform(0, options.span)
        problem = once(options, directory, ways, victim, moment, seen)
        done[ways] += 1
        if problem:
            failures += 1
            print(f"{number}: rank {victim} {ways} at {moment:.3f} s: {problem}")
        shutil.rmtree(directory)

    for text, count in seen.most_common():
        print(f"{count:5}  {text}")
    print("longest seconds from the blow, or from the start, to the last end:",
          {ways: round(seconds, 2) for ways, seconds in options.slowest.items()})
    print(f"{dict(done)}; {failures} of {options.times} went wrong")
    sys.exit(failures > 0)


main()
