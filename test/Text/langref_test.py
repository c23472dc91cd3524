# RUN: %python %s %xfer-opt %S/../../docs/LangRef.md
"""Every `xfer` block of the language reference parses and verifies."""
import pathlib
import re
import subprocess
import sys


def blocks(text):
    """Yields the line and the text of each block marked as xfer."""
    for match in re.finditer(r"^```xfer\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, match.group(1)


def main():
    tool, path = sys.argv[1:]
    failures = 0
    found = list(blocks(pathlib.Path(path).read_text(encoding="utf-8")))
    for line, block in found:
        result = subprocess.run([tool], input=block, capture_output=True, text=True)
        if result.returncode:
            failures += 1
            print(f"{path}:{line}: {result.stderr}", file=sys.stderr)
    print(f"{len(found)} blocks, {failures} failures")
    return failures != 0 or len(found) < 10


sys.exit(main())
