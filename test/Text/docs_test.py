# RUN: %python %s --xfer-opt %xfer-opt --xfer-run %xfer-run --blocks 17 %S/../../docs/LangRef.md
# RUN: %python %s --xfer-opt %xfer-opt --xfer-run %xfer-run --blocks 11 --jobs 11 %S/../../docs/Layouts.md
"""Every `xfer` block of a page parses and verifies; those that are whole jobs move what they say."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(text):
    """Yields the line and the text of each block marked as xfer."""
    for match in re.finditer(r"^```xfer\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, match.group(1)


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--xfer-run", required=True)
    parser.add_argument("--blocks", type=int, required=True, help="expected at least")
    parser.add_argument("--jobs", type=int, default=5, help="expected at least")
    parser.add_argument("page", type=pathlib.Path)
    arguments = parser.parse_args()
    failures, jobs = 0, 0
    found = list(blocks(arguments.page.read_text(encoding="utf-8")))
    for line, block in found:
        results = [run(arguments.xfer_opt, text=block)]
        is_job = run(arguments.xfer_opt, "--build-routes", text=block).returncode == 0
        if is_job and not re.search("^(route|chunk|program) ", block, re.MULTILINE):
            jobs += 1
            with tempfile.NamedTemporaryFile("w", suffix=".xfer") as file:
                file.write(block)
                file.flush()
                results.append(run(arguments.xfer_run, file.name, "--verify"))
        for result in results:
            if result.returncode:
                failures += 1
                print(f"{arguments.page}:{line}: {result.stderr}", file=sys.stderr)
    print(f"{len(found)} blocks, {jobs} jobs, {failures} failures")
    return failures != 0 or len(found) < arguments.blocks or jobs < arguments.jobs


sys.exit(main())
