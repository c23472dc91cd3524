# RUN: %python %s --xfer-run %xfer-run
"""Moves every worked layout to and from one rank and compares with the typed-in lists.

Forth: one rank holds the numbers 0, 1, 2, ...; each rank of the layout must
receive the numbers of its list. Back: each holds its list's numbers; the one
rank must receive 0, 1, 2, ... in order.
"""
import argparse
import re
import sys
import tempfile
from itertools import product
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Oracle"))
import safetensors_io
import tool
from layout_cases import CASES, ERRORS, REDUCTIONS

LONE_RANK = 500


def ranks_of(axes):
    listed = re.search(r"ranks \[(.*)\]", axes)
    if listed:
        return [int(rank) for rank in listed.group(1).split(",")]
    return list(range(prod(int(size) for size in re.findall(r"=(\d+)", axes))))


def indices_of(spans):
    """ "0-2,4-6" to [0, 1, 4, 5]. """
    pairs = [span.split("-") for span in spans.split(",") if span.strip()]
    return [index for begin, end in pairs for index in range(int(begin), int(end))]


def local_tensor(shape, spans):
    dims = [] if spans is None else [indices_of(dim) for dim in spans.split(" x ")]
    numbers = []
    for index in product(*dims):
        number = 0
        for extent, i in zip(shape, index):
            number = number * extent + i
        numbers.append(number)
    return ("i32", [len(dim) for dim in dims], numbers)


def files(layout_side):
    """rank -> name -> tensor, of the layouts or of the lone rank."""
    result = {}
    for name, axes, shape, _, lists in CASES:
        if not layout_side:
            whole = ("i32", shape, list(range(prod(shape))))
            result.setdefault(LONE_RANK, {})[name] = whole
            continue
        ranks = ranks_of(axes)
        assert len(ranks) == len(lists), name
        for rank, spans in zip(ranks, lists):
            result.setdefault(rank, {})[name] = local_tensor(shape, spans)
    return result


def module_text(forth):
    lines = [f"mesh @lone = [only=1] ranks [{LONE_RANK}]"]
    for name, axes, shape, layout, _ in CASES:
        sides = [f"on @mesh-{name} {layout}", "on @lone"]
        source, target = reversed(sides) if forth else sides
        lines += [f"mesh @mesh-{name} = {axes}", f"tensor @{name} : i32{shape}",
                  f"source @{name} {source}", f"target @{name} {target}"]
    return "\n".join(lines) + "\n"


def compare(expected, directory, problems):
    written = {int(path.stem[4:]) for path in directory.glob("rank*.safetensors")}
    for rank in sorted(set(expected) | written):
        path = directory / f"rank{rank}.safetensors"
        got = safetensors_io.read(path) if rank in written else {}
        wanted = expected.get(rank, {})
        for name in sorted(set(got) | set(wanted)):
            if got.get(name) != wanted.get(name):
                problems.append(f"{name} on rank {rank}: expected {wanted.get(name)}, "
                                f"got {got.get(name)}")


def move(xfer_run, text, inputs, expected, problems):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "in").mkdir()
        (directory / "out").mkdir()
        (directory / "module.xfer").write_text(text)
        for rank, tensors in inputs.items():
            safetensors_io.write(directory / "in" / f"rank{rank}.safetensors", tensors)
        tool.run([xfer_run, directory / "module.xfer", "--inputs", directory / "in",
                  "--outputs", directory / "out"])
        compare(expected, directory / "out", problems)


def reduce(xfer_run, problems):
    """Contributors are ranks 1 and 0, in that order; rank 0 is also a target, with rank 2."""
    lines = ["mesh @contributors = [c=2] ranks [1, 0]", "mesh @readers = [r=2] ranks [2, 0]"]
    inputs, expected = {0: {}, 1: {}}, {0: {}, 2: {}}
    for name, shape, reduction, (first, second), result in REDUCTIONS:
        lines += [f"tensor @{name} : bf16{shape}",
                  f"source @{name} on @contributors placements [partial({reduction})]",
                  f"target @{name} on @readers"]
        inputs[1][name], inputs[0][name] = ("bf16", shape, first), ("bf16", shape, second)
        expected[0][name] = expected[2][name] = ("bf16", shape, result)
    move(xfer_run, "\n".join(lines) + "\n", inputs, expected, problems)


def check_errors(xfer_run, problems):
    for name, text, expected in ERRORS:
        status, _, errors = tool.attempt([xfer_run, "-", "--verify"], text.encode())
        if status != 1 or b"error: " not in errors or expected not in errors.decode():
            problems.append(f"{name}: expected an error with '{expected}', got exit status "
                            f"{status} and: {errors.decode()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-run", required=True)
    arguments = parser.parse_args()
    problems = []
    for forth in (True, False):
        move(arguments.xfer_run, module_text(forth), files(layout_side=not forth),
             files(layout_side=forth), problems)
    reduce(arguments.xfer_run, problems)
    check_errors(arguments.xfer_run, problems)
    for problem in problems:
        print(problem)
    print(f"{len(CASES)} layouts both ways, {len(REDUCTIONS)} reductions and {len(ERRORS)} errors, "
          f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
