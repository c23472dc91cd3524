# RUN: %python %s --xfer-run %xfer-run
"""Megatron's, vLLM's and FSDP's own arithmetic against texts that were written by hand.

The movers build what each rank of the trainer and of the server holds from one checkpoint. The
text, by the oracle and by xfer-run, must turn the one into the other, byte for byte.
"""
import argparse
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "Oracle"))
from cases import WRITTEN
from declarations import parse
from transfer import Transfer


def check(xfer_run, case):
    text = (FOLDER / case.file).read_text()
    for old, new in case.changes:
        if old not in text:
            return [f"'{old}' is not in {case.file}"]
        text = text.replace(old, new)
    transfer = Transfer(case.config, case.train, case.serve)
    problems = transfer.unnamed(parse(text)) if case.complete else []
    problems += [f"the oracle: {problem}" for problem in transfer.oracle_problems(text)]
    if xfer_run:
        problems += transfer.run_problems(xfer_run, text)
        problems += transfer.run_problems(xfer_run, text, ["--staging-bytes", "1048576"])
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-run", help="without it, only the oracle reads the texts")
    arguments = parser.parse_args()
    failed = 0
    for case in WRITTEN:
        problems = check(arguments.xfer_run, case)
        failed += bool(problems)
        for problem in problems[:10]:
            print(f"{case.name}: {problem}")
    print(f"{len(WRITTEN)} transfers, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
