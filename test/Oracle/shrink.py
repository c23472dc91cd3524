"""Makes a failing module small. Entry point: shrink.

Tries one simplification after the other and keeps each with which the module still fails, until
none does: fewer tensors and targets, no reduction, fewer cuts, plainer rules, shorter meshes,
smaller dimensions. What a simplification makes invalid does not count as a failure: that is for
the caller's `fails` to say.
"""
from copy import deepcopy
from math import prod

MAX_TRIES = 2000


def simplifications(module):
    """Functions that each change a copy of the module."""
    for name in module.target_names():
        if len(module.target_names()) > 1:
            yield lambda copy, name=name: copy.only(name)
    for t, tensor in enumerate(module.tensors):
        for i in range(len(tensor.targets)):
            if len(tensor.targets) > 1:
                yield lambda copy, t=t, i=i: copy.tensors[t].targets.pop(i)
        if tensor.factors is None and tensor.scales is None:
            for d, extent in enumerate(tensor.shape):
                for smaller in sorted({1, extent // 2, extent - 1}):
                    if 0 < smaller < extent:
                        yield lambda copy, t=t, d=d, n=smaller: resize(copy.tensors[t], d, n)
        if is_plain(tensor.source) and tensor.source.reduction:
            yield lambda copy, t=t: drop_reduction(copy.tensors[t])
        for i, target in enumerate(tensor.targets):
            if target.dtype != tensor.dtype:
                yield lambda copy, t=t, i=i: setattr(copy.tensors[t].targets[i], "dtype",
                                                     copy.tensors[t].dtype)
    for s, side in enumerate(plain_sides(module)):
        for d, dim in enumerate(side.dims):
            for i, split in enumerate(dim):
                yield lambda copy, s=s, d=d, i=i: drop_split(plain_sides(copy)[s], d, i)
                if split.rule != "chunk":
                    yield lambda copy, s=s, d=d, i=i: make_plain(plain_sides(copy)[s], d, i)
    for m, mesh in enumerate(module.meshes):
        for a, (_, size) in enumerate(mesh.axes):
            if size > 1:
                yield lambda copy, m=m, a=a: shorten(copy, m, a)


def is_plain(side):
    """A side of a tensor's own, not a storage."""
    return hasattr(side, "placements")


def plain_sides(module):
    return [side for tensor in module.tensors for side in [tensor.source, *tensor.targets]
            if is_plain(side)]


def resize(tensor, dim, extent):
    tensor.shape[dim] = extent
    tensor.values = [values[:prod(tensor.shape)] for values in tensor.values]


def drop_reduction(tensor):
    tensor.source.reduction, tensor.source.partial_axes = None, []
    tensor.source.placements = None
    tensor.values = tensor.values[:1]


def drop_split(side, dim, index):
    side.placements = None
    side.dims[dim].pop(index)


def make_plain(side, dim, index):
    side.placements = None
    side.dims[dim][index].rule = "chunk"


def shorten(module, mesh, axis):
    mesh = module.meshes[mesh]
    name, size = mesh.axes[axis]
    mesh.axes[axis] = (name, size // 2)
    del mesh.ranks[prod(size for _, size in mesh.axes):]
    for tensor in module.tensors:
        tensor.values = tensor.values[:tensor.source.contributions()]


def changed(module, simplify):
    copy = deepcopy(module)
    result = simplify(copy)
    return result if isinstance(result, type(module)) else copy


def shrink(module, fails):
    """The smallest module found for which `fails(module)` is true; it is for the given one."""
    tries, progress = 0, True
    while progress:
        progress = False
        for simplify in list(simplifications(module)):
            try:
                smaller = changed(module, simplify)
                tries += 1
                accepted = smaller.text() != module.text() and fails(smaller)
            except (AssertionError, IndexError, KeyError, ValueError):
                continue  # an earlier step has taken away what this one was about
            if accepted:
                module, progress = smaller, True
                break
            if tries >= MAX_TRIES:
                return module
    return module
