# REQUIRES: gloo
# RUN: %python %s %build %t %examples/embed
"""docs/examples/embed builds against an installed xfer, and its servers find every element right."""
import os
import shutil
import subprocess
import sys

from installed import Installed

build, scratch, example = sys.argv[1:]
shutil.rmtree(scratch, ignore_errors=True)
project = Installed(build, os.path.join(scratch, "xfer")).build(
    example, os.path.join(scratch, "project"))
done = subprocess.run((os.path.join(example, "run.sh"), project, os.path.join(scratch, "shared")),
                      capture_output=True, text=True, timeout=240)
assert done.returncode == 0, (done.stdout, done.stderr)
lines = sorted(done.stdout.splitlines())
assert lines == ["server 2 checked 10 updates, 351360 elements",
                 "server 3 checked 10 updates, 350720 elements",
                 "trainer 0 sent 10 updates", "trainer 1 sent 10 updates"], lines
