# REQUIRES: gloo
# RUN: %python %s %xfer-run %examples
"""The processes that xfer-run --backend=gloo starts: none survives it, each one's end is told."""
import os
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

process, children = started()
os.kill(children[1], signal.SIGKILL)
_, errors = process.communicate(timeout=120)
assert process.returncode == 1, process.returncode
lines = errors.splitlines()
# Ranks that had finished the replay before, and exchange nothing with the dead one, have not failed.
assert 1 <= len(lines) <= RANKS, errors
assert sum("its process was killed by signal 9" in line for line in lines) == 1, errors
assert all(line.startswith("error: rank ") for line in lines), errors
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
