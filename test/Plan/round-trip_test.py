# RUN: %python %s %xfer-opt %examples %t
"""Every example, as a whole job and for each of some ranks: the plan's text is the text it was made
from, and the plan made from that plan is the same file."""
import os
import re
import shutil
import subprocess
import sys

xfer_opt, examples, scratch = sys.argv[1:]
shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)


def run(*arguments):
    return subprocess.run((xfer_opt, *arguments), check=True, capture_output=True).stdout


def jobs():
    """Files that are one job: those of a folder, or one alone."""
    for folder, _, names in sorted(os.walk(examples)):
        paths = [os.path.join(folder, name) for name in sorted(names) if name.endswith(".xfer")]
        if folder == examples:
            yield from ([path] for path in paths)
        elif paths:
            yield paths


count = 0
for paths in jobs():
    whole = run(*paths, "--default-pipeline")
    ranks = [int(rank) for rank in re.findall(rb"^program rank (\d+)", whole, re.M)]
    for rank in [None, ranks[0], ranks[-1]]:
        one = () if rank is None else ("--rank", str(rank))
        plan = os.path.join(scratch, "job.xferplan")
        run(*paths, *one, "--emit=plan", "-o", plan)
        text = whole if rank is None else run(*paths, *one, "--default-pipeline")
        assert run(plan) == text, (paths, rank)
        with open(plan, "rb") as file:
            assert run(plan, "--emit=plan") == file.read(), (paths, rank)
        count += 1
assert count >= 24, count
print(f"{count} plans")
