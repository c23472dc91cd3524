# RUN: %python %s --xfer-run %xfer-run
"""Every cast and reduction of narrow types exhaustively, of wide types on hard values.

Each tensor goes from rank 0 to ranks 0 and 2, so that local copies and messages
are both seen; contributions to a reduction come from ranks 0 and 1.
"""
import argparse
import sys
from random import Random

from elements import DTYPES, FLOATS, REDUCTIONS, byte_width, can_cast, can_reduce
from generate import near_tie, random_bits
from layout import Mesh
from model import Module, Side, Tensor
from random_test import Check

WIDE_VALUES = 4000


def special_values(dtype):
    """Powers of two, their neighbours, and the ends of the range."""
    bits = 8 * byte_width(dtype)
    values = {0, 1, (1 << bits) - 1}
    for shift in range(bits):
        values |= {(1 << shift) + step for step in (-1, 0, 1)}
        values |= {((1 << bits) - (1 << shift)) + step for step in (-1, 0, 1)}
    if dtype in FLOATS:
        form = FLOATS[dtype]
        values |= {form.nan, form.largest, form.largest + 1, form.nan | form.sign_bit}
    return sorted(value for value in values if 0 <= value < 1 << bits)


def integer_near_tie(random, dtype, rounded):
    """An integer at or beside the middle of two neighbours of the type it rounds to."""
    bits = 8 * byte_width(dtype)
    precision = rounded.mantissa_bits + 2
    value = (random.getrandbits(precision) | 1) << max(0, random.randrange(bits) - precision)
    return (value + random.choice([-1, 0, 0, 1])) * random.choice([-1, 1]) % (1 << bits)


def cast_values(random, source, target):
    bits = 8 * byte_width(source)
    if bits <= 16:
        return list(range(1 << bits))
    values = special_values(source)
    for _ in range(WIDE_VALUES):
        if source in FLOATS:
            values.append(near_tie(random, FLOATS[source], FLOATS[target]))
        else:
            values.append(integer_near_tie(random, source, FLOATS[target]))
        values.append(random_bits(random, source))
    return values


def pair_values(random, dtype):
    """Two contributions: every pair of eight-bit patterns, hard pairs of the rest."""
    bits = 8 * byte_width(dtype)
    if dtype == "i1":
        return [0, 0, 1, 1], [0, 1, 0, 1]
    if bits == 8:
        return [a for a in range(256) for _ in range(256)], list(range(256)) * 256
    special = special_values(dtype)[::4]
    left = [a for a in special for _ in special]
    right = special * len(special)
    for _ in range(WIDE_VALUES):
        a = random_bits(random, dtype)
        left.append(a)
        # A close exponent makes sums round and cancel.
        right.append(random.choice([random_bits(random, dtype), a ^ (1 << (bits - 1)),
                                    a ^ random.getrandbits(max(1, bits // 2))]))
    return left, right


def modules(random):
    source, targets = Mesh("source", [("a", 1)], [0]), Mesh("targets", [("a", 2)], [0, 2])
    contributors = Mesh("contributors", [("a", 2)], [0, 1])
    casts, reductions = [], []
    for stored in DTYPES:
        for wire in DTYPES:
            if stored != wire and can_cast(stored, wire):
                values = cast_values(random, stored, wire)
                casts.append(Tensor(f"{stored}-to-{wire}", wire, [len(values)],
                                    Side(stored, source, [[]]), [Side(wire, targets, [[]])],
                                    [values]))
        for operation in REDUCTIONS:
            if can_reduce(operation, stored):
                left, right = pair_values(random, stored)
                reductions.append(Tensor(f"{operation}-{stored}", stored, [len(left)],
                                         Side(stored, contributors, [[]], operation, ["a"]),
                                         [Side(stored, targets, [[]])], [left, right]))
    return {"casts": Module([source, targets], casts),
            "reductions": Module([contributors, targets], reductions)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-run", required=True)
    arguments = parser.parse_args()
    failed = 0
    for name, module in modules(Random(1)).items():
        found = Check(arguments.xfer_run, []).failures(module)
        elements = sum(tensor.shape[0] for tensor in module.tensors)
        print(f"{name}: {len(module.tensors)} tensors, {elements} elements, {len(found)} wrong")
        seen = set()
        for tensor, text in found:
            if tensor not in seen:  # one line for each tensor says enough
                seen.add(tensor)
                print(text)
        failed += len(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
