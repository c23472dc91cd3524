# REQUIRES: gloo
# RUN: %python %s %xfer-run %examples
"""The processes that xfer-run --backend=gloo starts: none survives it, each one's end is told."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

XFER_RUN, EXAMPLES = sys.argv[1:]
TEMPORARY = tempfile.mkdtemp()
RANKS = 10  # of the example


def start(repeat):
    process = subprocess.Popen(
        [XFER_RUN, f"{EXAMPLES}/replicas.xfer", "--backend=gloo", f"--repeat={repeat}", "--deadline=20"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=dict(os.environ, TMPDIR=TEMPORARY))
    return process


def children_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        return [int(child) for child in file.read().split()]


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def is_alive(child):
    try:
        with open(f"/proc/{child}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def started():
    """A run that is under way, and its children."""
    process = start(1000000)
    wait_until(lambda: len(children_of(process)) == RANKS or process.poll() is not None, "no children")
    # The place to meet is made before the first of them, and the ranks have met once it is gone.
    wait_until(lambda: not os.listdir(TEMPORARY) or process.poll() is not None, "they do not meet")
    assert process.poll() is None, process.stderr.read()
    return process, children_of(process)


def check_nobody_left(children):
    wait_until(lambda: not any(map(is_alive, children)), f"left: {children}")


process = start(3)
_, errors = process.communicate(timeout=120)
assert process.returncode == 0, errors

VICTIM = 1
process, children = started()
os.kill(children[VICTIM], signal.SIGKILL)
_, errors = process.communicate(timeout=120)
assert process.returncode == 1, process.returncode
lines = [re.fullmatch(r"error: rank (\d+) cannot replay: (.+)", line) for line in errors.splitlines()]
assert all(lines), errors
causes = {int(line[1]): line[2] for line in lines}
assert len(causes) == len(lines) and set(causes) <= set(range(RANKS)), errors  # each rank once
assert causes.pop(VICTIM, None) == "its process was killed by signal 9, Killed", errors
# Others fail if they still wait for something, be it of a rank that failed because of the victim.
for rank, cause in causes.items():
    peers = {int(peer) for peer in re.findall(r"\brank (\d+)\b", cause)} - {rank}
    assert peers, errors
    assert re.search(r"closed its connection|left|failed", cause), errors
check_nobody_left(children)

for sent in (signal.SIGKILL, signal.SIGTERM):
    process, children = started()
    process.send_signal(sent)
    process.communicate(timeout=120)
    assert process.returncode != 0
    check_nobody_left(children)

process, children = started()
os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
process.communicate(timeout=120)
assert process.returncode != 0
check_nobody_left(children)

assert not os.listdir(TEMPORARY), os.listdir(TEMPORARY)
os.rmdir(TEMPORARY)
