"""Random modules: layouts of every kind on meshes of every kind, and their data.

Entry points: random_module(random, size options), messy_text (the same module
spelled in a less tidy way). Everything is drawn from the Random passed in.
"""
from math import prod

from layout import AxisRef, Mesh, Split, owned_indices
from elements import DTYPES, FLOATS, REDUCTIONS, byte_width, can_cast, can_reduce
from model import Module, Side, Tensor

AXIS_NAMES = ["dp", "tp", "ep", "a", "b_1", "x", "pp", "_c"]
NAME_PIECES = ["w", "layers.0", "q_proj", "0", "a$b", "k-v", "weight", "Norm", "_", "7.up"]


def random_mesh(random, name, max_ranks, world):
    """`world`: the ranks there are."""
    axes, total = [], 1
    for axis in random.sample(AXIS_NAMES, random.choice([1, 1, 2, 2, 2, 3, 3, 4])):
        choices = [size for size in (1, 2, 2, 2, 3, 4, 4, 5, 6, 7, 8) if total * size <= max_ranks]
        size = random.choice(choices)
        axes.append((axis, size))
        total *= size
    if random.random() < 0.3:
        ranks = world[:total]
    elif random.random() < 0.4:
        first = random.randrange(len(world) - total + 1)
        ranks = world[first:first + total]
    else:
        ranks = random.sample(world, total)
    return Mesh(name, axes, ranks)


def random_meshes(random, count, sizes, world):
    """`sizes`: how many ranks each has at most, one of them."""
    meshes = []
    for i in range(count):
        mesh = random_mesh(random, f"m{i}", random.choice(sizes), world)
        if meshes and random.random() < 0.35:  # the ranks of another, in another order
            other = random.choice(meshes)
            mesh = Mesh(f"m{i}", other.axes, random.sample(other.ranks, len(other.ranks)))
        meshes.append(mesh)
    return meshes


def random_shape(random, max_elements):
    count = random.choice([0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4])
    shape = []
    for _ in range(count):
        budget = max_elements
        for extent in shape:
            budget //= max(extent, 1)
        budget = max(1, budget)
        if random.random() < 0.04:
            shape.append(0)
        else:
            shape.append(random.randint(1, min(budget, random.choice([2, 4, 8, 16, 40]))))
    return shape


def axis_pieces(random, name, size):
    """The axis whole, or cut into disjoint sub-axes in a random order."""
    if random.random() < 0.7:
        whole = [AxisRef(name)]
        return whole if random.random() < 0.8 else [AxisRef(name, 1, size)]
    pieces, before = [], 1
    while before < size:
        rest = size // before
        factors = [f for f in range(2, rest + 1) if rest % f == 0]
        factor = random.choice(factors)
        pieces.append(AxisRef(name, before, factor))
        before *= factor
    if random.random() < 0.1:
        pieces.append(AxisRef(name, 1, 1))
    random.shuffle(pieces)
    return pieces


def random_splits(random, mesh, shape, blocked_axes):
    """Cuts of each dimension. Unused axes and sub-axes replicate."""
    dims = [[] for _ in shape]
    if not shape:
        return dims
    pieces = [piece for name, size in mesh.axes if name not in blocked_axes
              for piece in axis_pieces(random, name, size)]
    random.shuffle(pieces)
    keep = random.choice([1.0, 0.9, 0.6])
    pieces = [piece for piece in pieces if random.random() < keep]
    favourite = random.randrange(len(shape))
    while pieces:
        count = min(len(pieces), random.choice([1, 1, 1, 2, 3]))
        axes, pieces = pieces[:count], pieces[count:]
        dim = favourite if random.random() < 0.4 else random.randrange(len(shape))
        extents = sorted({len(owned_indices(mesh, dims, shape, rank)[dim]) for rank in mesh.ranks})
        dims[dim].append(random_split(random, mesh, axes, extents))
    return dims


def random_split(random, mesh, axes, extents):
    rule = random.choice(["chunk"] * 4 + ["exact", "exact", "balanced", "strided", "cyclic",
                                          "sizes", "sizes"])
    split = Split("chunk", axes)
    pieces = split.pieces(mesh)
    if rule == "exact" and all(extent % pieces == 0 for extent in extents):
        split.rule = rule
    elif rule == "sizes" and len(extents) == 1:
        cuts = sorted(random.randint(0, extents[0]) for _ in range(pieces - 1))
        split.rule = rule
        split.sizes = [b - a for a, b in zip([0] + cuts, cuts + [extents[0]])]
    elif rule == "balanced":
        split.rule = rule
    elif rule in ("strided", "cyclic"):
        split.rule = rule
        split.factor = random.choice([1, 2, 2, 3, 3, 4, 5, 7, 100, (1 << 63) - 1]
                                     if random.random() < 0.3 else [1, 2, 3, 4])
    return split


def random_placements(random, mesh, shape, reduction):
    """(spelling, dims, partial axes): one placement per mesh axis, cutting in mesh order."""
    dims, entries, partial_axes = [[] for _ in shape], [], []
    for name, _ in mesh.axes:
        choice = random.random()
        if reduction and choice < 0.4:
            entries.append(f"partial({reduction})")
            partial_axes.append(name)
        elif not shape or choice < 0.55:
            entries.append("replicate")
        elif choice < 0.85:
            dim = random.randrange(len(shape))
            entries.append(f"shard({dim})")
            dims[dim].append(Split("chunk", [AxisRef(name)]))
        else:
            dim, factor = random.randrange(len(shape)), random.randint(1, 5)
            entries.append(f"strided_shard({dim}, {factor})")
            dims[dim].append(Split("strided", [AxisRef(name)], factor))
    return f"[{', '.join(entries)}]", dims, partial_axes


def random_side(random, mesh, shape, dtype, may_reduce):
    reduction = None
    if may_reduce and random.random() < 0.3:
        reduction = random.choice([op for op in REDUCTIONS if can_reduce(op, dtype)])
    if random.random() < 0.2:
        spelling, dims, partial_axes = random_placements(random, mesh, shape, reduction)
        return Side(dtype, mesh, dims, reduction if partial_axes else None, partial_axes, spelling)
    partial_axes = []
    if reduction:
        names = [name for name, _ in mesh.axes]
        partial_axes = [n for n in names if random.random() < 0.5] or [random.choice(names)]
        random.shuffle(partial_axes)
    return Side(dtype, mesh, random_splits(random, mesh, shape, partial_axes), reduction,
                partial_axes)


def random_targets(random, meshes, shape, dtype):
    """One or more targets that share no rank."""
    candidates = random.sample(meshes, len(meshes))
    targets, used = [], set()
    wanted = random.choice([1, 1, 1, 2, 3])
    for mesh in candidates:
        if len(targets) < wanted and not used & set(mesh.ranks):
            used |= set(mesh.ranks)
            stored = dtype
            if random.random() < 0.4:
                stored = random.choice([d for d in DTYPES if can_cast(dtype, d)])
            targets.append(random_side(random, mesh, shape, stored, may_reduce=False))
    return targets


def random_bits(random, dtype):
    if dtype == "i1":
        return random.getrandbits(1)
    return random.getrandbits(8 * byte_width(dtype))


def random_element(random, dtype, tame, rounded_to):
    """Any bits; or, if `tame`, mostly values on which arithmetic is interesting."""
    if dtype not in FLOATS or not tame:
        return random_bits(random, dtype)
    form = FLOATS[dtype]
    kind = random.random()
    if kind < 0.05:
        return random_bits(random, dtype)
    if kind < 0.1:
        return random.choice([0, form.sign_bit, form.largest, 1, form.sign_bit | 3])
    if kind < 0.5:
        numerator = random.randint(-64, 64)
        return form.encode("finite", numerator < 0, abs(numerator), random.choice([1, 1, 3, 16]))
    if kind < 0.8 and rounded_to in FLOATS:
        return near_tie(random, form, FLOATS[rounded_to])
    power = random.randint(-6, 6)
    numerator = random.getrandbits(form.mantissa_bits + 1) << (power + 6)
    return form.encode("finite", random.getrandbits(1), numerator,
                       1 << (form.mantissa_bits + 6))


def near_tie(random, form, rounded):
    """A value at, or one step beside, the middle of two neighbours of the type it rounds to."""
    low = random.randrange(rounded.largest)
    _, _, mantissa, power = rounded.decode(low)
    doubled, power = 2 * mantissa + 1, power - 1
    numerator, denominator = (doubled << power, 1) if power >= 0 else (doubled, 1 << -power)
    bits = form.encode("finite", random.getrandbits(1), numerator, denominator)
    step = random.choice([-1, 0, 0, 1])
    magnitude = bits & (form.sign_bit - 1)
    return bits + step if 0 <= magnitude + step <= form.largest else bits


def random_values(random, tensor, target_dtypes):
    source = tensor.source
    moved_only = source.contributions() == 1 and all(
        source.dtype == tensor.dtype == dtype for dtype in target_dtypes)
    tame = not moved_only and random.random() < 0.85
    rounded_to = tensor.dtype if tensor.dtype != source.dtype else target_dtypes[0]
    return [[random_element(random, source.dtype, tame, rounded_to)
             for _ in range(prod(tensor.shape))]
            for _ in range(source.contributions())]


def random_tensor(random, name, meshes, max_elements):
    shape = random_shape(random, max_elements)
    source_dtype = random.choice(DTYPES)
    dtype = source_dtype
    if random.random() < 0.4:
        dtype = random.choice([d for d in DTYPES if can_cast(source_dtype, d)])
    source = random_side(random, random.choice(meshes), shape, source_dtype, may_reduce=True)
    tensor = Tensor(name, dtype, shape, source, random_targets(random, meshes, shape, dtype))
    tensor.values = random_values(random, tensor, [side.dtype for side in tensor.targets])
    return tensor


def random_module(random, num_tensors=30, max_ranks=8, world=12, max_elements=160):
    world = list(range(world))
    if random.random() < 0.1:  # rank numbers may be anything
        world = sorted(random.sample(range(10000), len(world) - 1)) + [(1 << 63) - 1]
    meshes = random_meshes(random, random.randint(2, 9), [2, 4, 6, max_ranks, max_ranks], world)
    tensors = []
    for i in range(num_tensors):
        name = f"{random.choice(NAME_PIECES)}.{i}{random.choice(['', '_', '.w', '$'])}"
        tensors.append(random_tensor(random, name, meshes, max_elements))
    return Module(meshes, tensors)


def messy_text(random, module):
    """The statements in any order, some said twice, with comments and line breaks anywhere."""
    statements = module.statements()
    repeatable = [line for line in statements if line.startswith(("mesh", "tensor"))]
    statements += random.sample(repeatable, min(2, len(repeatable)))
    random.shuffle(statements)
    newline = random.choice(["\n", "\r\n"])
    lines = []
    for statement in statements:
        if random.random() < 0.3:
            words = statement.split(" ")
            at = random.randrange(1, len(words))
            comment = random.choice(["", " // split on the way: [{,} @", "\t"])
            statement = " ".join(words[:at]) + comment + newline + " ".join(words[at:])
        lines.append(statement)
    return random.choice(["", "\ufeff", "// caf\u00e9" + newline]) + newline.join(lines) + newline
