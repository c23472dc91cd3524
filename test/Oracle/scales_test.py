# RUN: %python %s --xfer-opt %xfer-opt --count 200
"""Block-scaled pairs: `xfer-opt` must accept exactly those whose pieces match on every rank.

Scales are cut at random and the weight's cuts made from theirs, so that about half of the pairs
match. By the oracle a pair matches if every rank holds whole blocks of the weight and the scales
of just these blocks. Plain tensors and halves of a fused storage alike.
"""
import argparse
import sys
from dataclasses import replace
from itertools import product
from random import Random

import tool
from generate import random_mesh, random_splits
from model import Module, Side, Tensor
from storage import Entry, Factor, Part, Run, Storage, View


def weight_split(random, split, block, extent):
    """The cut of the weight that belongs to one of the scales, sometimes another."""
    if random.random() < 0.1:
        block += random.choice([-1, 1])
    factor, sizes = split.factor, []
    if split.rule == "cyclic":
        factor = min(max(1, factor * block), (1 << 63) - 1)
    for size in split.sizes:
        sizes.append(min(size * block, extent - sum(sizes)))
    if sizes:
        sizes[-1] += extent - sum(sizes)
    return replace(split, factor=factor, sizes=sizes)


def weight_splits(random, dims, shape, block):
    return [[weight_split(random, split, size, extent) for split in splits]
            for splits, extent, size in zip(dims, shape, block)]


def holds_blocks(weight, scales, block, shape):
    """True if the elements of the weight are the whole blocks whose scales are held."""
    expected = set()
    for i, j in scales:
        rows = range(i * block[0], min((i + 1) * block[0], shape[0]))
        columns = range(j * block[1], min((j + 1) * block[1], shape[1]))
        expected |= set(product(rows, columns))
    return weight == expected


def owned(side, tensor, rank):
    if isinstance(side, Storage):
        flat = [slot[1] for slot in side.slots(rank, {tensor.name: tensor.shape})
                if slot[0] == tensor.name]
    else:
        flat = side.owned(tensor.shape, rank)
    return {divmod(index, tensor.shape[1]) for index in flat}


def fused(side, tensor, role):
    """A storage whose first rows are the tensor, cut like the side."""
    rows = Part([Run("w", tensor.shape[0])], bare=True)
    columns = Part([Run(None, tensor.shape[1])], bare=True)
    view = View(tensor.name, tensor.name, [Entry(run="w", factors=[Factor(0)]),
                                           Entry(factors=[Factor(1)])])
    return Storage(role, f"{tensor.name}.{role}", side.dtype, side.mesh,
                   [[rows, Part([Run("pad", 3)], bare=True)], [columns]],
                   [[side.dims[0], []], [side.dims[1]]], [view])


def random_pair(random):
    block = [random.randint(1, 4), random.randint(1, 3)]
    shape = [random.randint(1, 14), random.randint(1, 8)]
    scale_shape = [-(-extent // size) for extent, size in zip(shape, block)]
    weight, scales = (Tensor(name, "f32", extents, None, [])
                      for name, extents in (("w", shape), ("w_scale", scale_shape)))
    scales.scales = ("w", block)
    meshes, storages = [], []
    for role in ("source", "target"):
        mesh = random_mesh(random, f"{role}_mesh", 6, list(range(6)))
        meshes.append(mesh)
        while True:
            dims = random_splits(random, mesh, scale_shape, [])
            cuts = weight_splits(random, dims, shape, block)
            side = Side("f32", mesh, cuts)
            try:
                for rank in mesh.ranks:
                    side.owned(shape, rank)
                break
            except AssertionError:  # `exact` or `sizes` does not fit the weight
                continue
        for tensor, layout in ((weight, cuts), (scales, dims)):
            side = Side("f32", mesh, layout)
            if random.random() < 0.4:
                side = fused(side, tensor, role)
                storages.append(side)
            if role == "source":
                tensor.source = side
            else:
                tensor.targets.append(side)
    module = Module(meshes, [weight, scales], storages)
    good = True
    for mine, theirs in ((weight.source, scales.source), (weight.targets[0], scales.targets[0])):
        good &= all(holds_blocks(owned(mine, weight, rank), owned(theirs, scales, rank), block,
                                 shape) for rank in mine.mesh.ranks)
    for tensor in module.tensors:
        tensor.targets = [side for side in tensor.targets if isinstance(side, Side)]
    return module, good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--count", type=int, default=200, help="random pairs")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    accepted, failed = 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        module, good = random_pair(Random(seed))
        status, _, errors = tool.attempt([arguments.xfer_opt, "-", "--build-routes", "-o", "/dev/null"],
                                         module.text().encode())
        accepted += status == 0
        if status != (0 if good else 1) or (status and b"error: " not in errors):
            failed += 1
            print(f"FAILED: seed {seed}: {'good' if good else 'bad'}, but xfer-opt says: "
                  f"{errors.decode()[:500] or 'good'}\n{module.text()}", flush=True)
        if failed == 5:
            break
    print(f"{arguments.count} pairs, {accepted} accepted, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
