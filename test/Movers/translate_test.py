# RUN: %python %s --xfer-translate %xfer-translate --xfer-run %xfer-run
"""Texts that xfer-translate makes from a model's and a job's description, against the movers.

For each model and job: the text names every parameter of both sides, by the frameworks' own
names; by the oracle it means what the movers hold; and xfer-run turns the trainer's files into
the server's, byte for byte.
"""
import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Oracle"))
import tool
from cases import GENERATED
from declarations import parse
from transfer import Transfer


def translated(xfer_translate, case):
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config.json"
        config.write_text(json.dumps(case.config))
        return tool.run([xfer_translate, "--model", config, *case.arguments()]).decode()


def check(arguments, case):
    try:
        text = translated(arguments.xfer_translate, case)
        module = parse(text)
    except (tool.ToolFailure, ValueError) as failure:
        return [str(failure)]
    transfer = Transfer(case.config, case.train, case.serve, case.masters)
    problems = [problem for problem in transfer.unnamed(module)
                if not any(f"'{name}'" in problem for name in case.unread)]
    problems += [f"the oracle: {problem}" for problem in transfer.oracle_problems(text)]
    return problems + transfer.run_problems(arguments.xfer_run, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-translate", required=True)
    parser.add_argument("--xfer-run", required=True)
    arguments = parser.parse_args()
    failed = 0
    for case in GENERATED:
        problems = check(arguments, case)
        failed += bool(problems)
        for problem in problems[:10]:
            print(f"{case.name()}: {problem}")
    print(f"{len(GENERATED)} transfers, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
