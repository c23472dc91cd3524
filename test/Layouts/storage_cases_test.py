# RUN: %python %s --xfer-run %xfer-run
"""Moves every worked storage to and from one rank and compares with the typed-in lists.

Forth: one rank holds each tensor as the numbers 0, 1, 2, ...; each rank of the storage must
receive what its list says, with zeros in the padding. Back: the storages hold their lists, with
other numbers in the padding; the one rank must receive 0, 1, 2, ... in order. The oracle must
agree with the lists too.
"""
import argparse
import re
import sys
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Oracle"))
from declarations import parse
from layout_cases import CASES as PLAIN_CASES
from layout_cases import REDUCTIONS
from layout_cases_test import LONE_RANK, move
from storage_cases import CASES, TARGET_CASES


def slots_of(spans):
    """ "q 0-2, pad 1" to [("q", 0), ("q", 1), "pad"]. """
    slots = []
    for name, amount in (span.split() for span in spans.split(",") if span.strip()):
        if name == "pad":
            slots += [name] * int(amount)
        else:
            begin, end = amount.split("-")
            slots += [(name, index) for index in range(int(begin), int(end))]
    return slots


def shapes_of(declarations):
    return {name: [prod(map(int, extent.split("*"))) for extent in shape.split(",") if extent]
            for name, shape in re.findall(r"tensor @(\w+) : i32\[(.*)\]", declarations)}


def case_text(declarations, storage, role):
    other = "target" if role == "source" else "source"
    lines = [declarations + f"mesh @lone = [only=1] ranks [{LONE_RANK}]",
             f"{role} storage @s : {storage}"]
    lines += [f"{other} @{name} on @lone" for name in shapes_of(declarations)]
    return "\n".join(lines) + "\n"


def local_tensor(shape, slots, pad):
    return {"s": ("i32", shape, [pad if isinstance(slot, str) else slot[1] for slot in slots])}


def check(xfer_run, case, role, problems):
    name, declarations, storage, lists = case
    text = case_text(declarations, storage, role)
    module = parse(text)
    declared = module.storages[0]
    slots = [slots_of(spans) for spans in lists]
    for rank, wanted in enumerate(slots):
        got = [slot if isinstance(slot, tuple) else "pad"
               for slot in declared.slots(rank, module.extents())]
        if got != wanted:
            problems.append(f"{name} on rank {rank}: the oracle says {got}")
    shapes = [declared.local_shape(rank) for rank in range(len(lists))]
    lone = {LONE_RANK: {tensor: ("i32", shape, list(range(prod(shape))))
                        for tensor, shape in shapes_of(declarations).items()}}
    held = {rank: local_tensor(shapes[rank], slots[rank], 0 if role == "target" else 1000000 + rank)
            for rank in range(len(lists))}
    inputs, expected = (held, lone) if role == "source" else (lone, held)
    found = []
    move(xfer_run, text, inputs, expected, found)
    problems += [f"{name} as a {role}: {problem}" for problem in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-run", required=True)
    arguments = parser.parse_args()
    problems = []
    for case in CASES:
        check(arguments.xfer_run, case, "source", problems)
    for case in CASES + TARGET_CASES:
        check(arguments.xfer_run, case, "target", problems)
    ids = {case[0].split("-")[0] for case in CASES + PLAIN_CASES + REDUCTIONS}
    problems += [f"T{number} is not tested" for number in range(1, 32) if f"T{number}" not in ids]
    for problem in problems:
        print(problem[:1000])
    print(f"{len(CASES)} storages both ways, {len(TARGET_CASES)} forth, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
