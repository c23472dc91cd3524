"""Random storages: fused, grouped, padded, stacked, permuted, flattened, sliced and repeated.

A family is a set of tensors that can lie side by side: their `stack` indices may differ in number,
their `common` indices agree, and there may be one of them for each expert or one index over all
experts. Every storage arranges a family anew. Entry point: random_storage_module.
"""
from dataclasses import dataclass
from math import gcd, prod
from typing import Dict, List, Optional

from elements import DTYPES, can_cast, can_reduce, REDUCTIONS
from generate import (axis_pieces, random_meshes, random_side, random_split, random_tensor,
                      random_values)
from layout import owned_indices
from model import Module, Tensor
from storage import Entry, Factor, Part, Run, Storage, View

EXPERT = "expert"


@dataclass
class Member:
    """A tensor of a family: for each role the indices that make it up."""
    tensor: Tensor
    roles: Dict[str, List[int]]


@dataclass
class Family:
    runs: List[List[Optional[Member]]]  # of each run: one member for each expert, or a lone one
    commons: List[str]                  # the roles that all members have
    experts: int                        # 0 if there are none

    def members(self):
        return [member for run in self.runs for member in run]


def factorize(random, number, most):
    """Some factors whose product is `number`."""
    if number == 0:
        return [0]
    factors = []
    while len(factors) < most - 1 and random.random() < 0.35:
        factor = random.choice([f for f in range(1, number + 1) if number % f == 0])
        factors.append(factor)
        number //= factor
    factors.append(number)
    random.shuffle(factors)
    return factors


def random_member(random, name, role_factors, source_dtype):
    indices = [(role, extent) for role, factors in role_factors.items() for extent in factors]
    random.shuffle(indices)
    roles = {role: [] for role in role_factors}
    for number, (role, _) in enumerate(indices):
        roles[role].append(number)
    factors = []
    for _, extent in indices:  # neighbours may be factors of one dimension
        if factors and random.random() < 0.25:
            factors[-1].append(extent)
        else:
            factors.append([extent])
    dtype = source_dtype
    if random.random() < 0.25:
        dtype = random.choice([d for d in DTYPES if can_cast(source_dtype, d)])
    tensor = Tensor(name, dtype, [prod(dim) for dim in factors], None, [])
    if any(len(dim) > 1 for dim in factors):
        tensor.factors = factors
    return Member(tensor, roles)


def random_family(random, name, source_dtype):
    unit = random.choice([1, 1, 2, 2, 3, 4])
    experts = random.choice([0, 0, 0, 1, 2, 3, 4])
    commons = {f"common{i}": factorize(random, random.randint(1, 4), 2)
               for i in range(random.choice([0, 1, 1, 1, 2]))}
    runs = []
    for number in range(random.choice([1, 2, 2, 3, 3])):
        size = 0 if random.random() < 0.04 else unit * random.randint(1, 4)
        factors = {"stack": factorize(random, size, 3), **commons}
        if experts and random.random() < 0.3:
            factors[EXPERT] = [experts]
        count = experts if experts and EXPERT not in factors else 1
        runs.append([random_member(random, f"{name}.{number}.{i}", factors, source_dtype)
                     for i in range(count)])
    return Family(runs, list(commons), experts)


class Arrangement:
    """Builds one storage of a family. A target may slice, repeat and leave out; a source may not."""

    def __init__(self, random, family, role):
        self.random, self.family, self.is_target = random, family, role == "target"
        self.pads = random.choice([["pad"], ["zero"], ["pad", "zero"]])

    def build(self):
        """(dimensions, views); the dimensions and the entries of the views in one random order."""
        random, family = self.random, self.family
        stack = list(range(len(family.runs)))
        random.shuffle(stack)
        if self.is_target and random.random() < 0.5:
            stack = [random.choice(stack) for _ in range(random.randint(1, len(stack) + 1))]
        names = ["stack"] + family.commons + ([EXPERT] if family.experts else [])
        random.shuffle(names)
        self.table_role = random.choice(names)  # a view has one table at most
        # Of each role the pieces that follow each other; a piece selects the same number of
        # indices from every member.
        pieces = {name: [self.piece(name, run) for run in (stack if name == "stack" else [0])]
                  for name in names}
        for name in family.commons:
            if self.is_target and random.random() < 0.25:
                pieces[name].append(self.piece(name, 0))
        dims, labels = {}, {}
        for name in names:
            fixed = name == EXPERT and any(len(run) > 1 or EXPERT not in run[0].roles
                                           for run in family.runs)
            dims[name], labels[name] = self.dimension([p.size for p in pieces[name]], fixed)
        views = []
        for number, run in enumerate(stack):
            self.add_views(views, names, pieces, labels, dims, number, run)
        random.shuffle(views)
        return [dims[name] for name in names], views

    def piece(self, name, run):
        member = self.family.runs[run][0]
        if name == EXPERT:
            size = self.family.experts
            if self.is_target and self.random.random() < 0.5:
                size = self.random.randint(1, size + 2 * (name == self.table_role))
            return Piece("experts", size)
        extents = [member.tensor.extents()[dim] for dim in member.roles[name]]
        kind = self.random.random()
        if 0 in extents:
            return Piece("whole", 0)
        if len(extents) == 1 and kind < 0.35 and name == self.table_role:
            length = self.random.randint(1, 6) if self.is_target else extents[0]
            return Piece("table", length)
        if self.is_target and kind < 0.5:
            at = self.random.randrange(len(extents))
            length = self.random.randint(1, extents[at])
            return Piece("slice", prod(extents) // extents[at] * length, extents[at], length)
        return Piece("whole", prod(extents))

    def dimension(self, sizes, fixed):
        """Parts whose named runs have the sizes, and the runs."""
        random = self.random
        unit = gcd(*sizes) or 1
        repeat = random.choice([f for f in range(1, unit + 1) if unit % f == 0])
        grouped = fixed or random.random() < 0.5
        if not grouped or random.random() < 0.4:
            repeat = 1
        runs = [Run(f"r{i}", size // repeat) for i, size in enumerate(sizes)]
        if len(runs) == 1 and random.random() < 0.5:
            runs[0].name = None
        if grouped:
            items = self.with_extra(runs)
            if len(items) == 1 and repeat == 1 and random.random() < 0.7:
                return [Part(items, bare=True)], runs
            return [Part(items, repeat if repeat > 1 or random.random() < 0.2 else None)], runs
        parts = []
        for run in self.with_extra(runs):
            if parts and not parts[-1].bare and random.random() < 0.5:
                parts[-1].runs.append(run)
            else:
                parts.append(Part([run], bare=random.random() < 0.6))
        return parts, runs

    def with_extra(self, runs):
        """The runs with padding, and on a source holes, between them."""
        random, items = self.random, list(runs)
        while random.random() < 0.3:
            items.insert(random.randint(0, len(items)), Run(random.choice(self.pads), random.randint(1, 4)))
        if not self.is_target and runs[0].name and random.random() < 0.15:
            items.insert(random.randint(0, len(items)), Run("unused", random.randint(1, 3)))
        return items

    def add_views(self, views, names, pieces, labels, dims, number, run):
        random, members = self.random, self.family.runs[run]
        choices = [{}]
        for name in self.family.commons:
            choices = [{**choice, name: i} for choice in choices for i in range(len(pieces[name]))]
        slots, whole = [None], EXPERT in members[0].roles
        if self.family.experts and not whole:
            slots = fixed_indices(dims[EXPERT][0])
        order = list(range(len(members)))
        random.shuffle(order)
        for choice in choices:
            for position, index in enumerate(slots):
                at = position if not self.is_target else random.randrange(len(members))
                member = members[order[at]]
                entries = []
                for name in names:
                    i = number if name == "stack" else choice.get(name, 0)
                    if name == EXPERT and not whole:
                        entries.append(Entry(fixed=index))
                    else:
                        entries.append(self.entry(member, name, pieces[name][i], labels[name], i))
                views.append(View(member.tensor.name, member.tensor.name, entries))

    def entry(self, member, name, piece, runs, number):
        random, dims = self.random, list(member.roles[name])
        extents = member.tensor.extents()
        random.shuffle(dims)
        label = runs[number].name
        if len(runs) == 1 and random.random() < 0.3 and not self.has_unused(runs):
            label = None
        entry = Entry(run=label, factors=[Factor(dim) for dim in dims])
        kind = piece.kind
        if kind == "experts":
            kind = "whole" if piece.size == extents[dims[0]] else "table"
            if piece.size < extents[dims[0]] and (name != self.table_role or random.random() < 0.5):
                kind, piece = "slice", Piece("slice", 0, extents[dims[0]], piece.size)
        if kind == "slice":
            factor = random.choice([f for f in entry.factors if extents[f.dim] == piece.extent])
            factor.begin = random.randint(0, piece.extent - piece.length)
            factor.end = factor.begin + piece.length
        elif kind == "table" and self.is_target:
            entry.table = [random.randrange(extents[dims[0]]) for _ in range(piece.size)]
        elif kind == "table":
            entry.table = random.sample(range(piece.size), piece.size)
        return entry

    def has_unused(self, runs):
        return not self.is_target and runs[0].name is not None


@dataclass
class Piece:
    kind: str        # whole slice table experts
    size: int
    extent: int = 0  # of the index that is sliced
    length: int = 0


def fixed_indices(part):
    """The indices of the part that are not padding, in order."""
    return [i for i in range(part.extent()) if part.locate(i)[0].name not in ("pad", "zero",
                                                                             "unused")]


def flat_arrangement(random, members, is_target):
    """One dimension that holds tensor after tensor, each flattened."""
    items, views = [], []
    for number, member in enumerate(members):
        extents = member.tensor.extents()
        factors = [Factor(dim) for dim in random.sample(range(len(extents)), len(extents))]
        if random.random() < 0.6:
            factors.sort(key=lambda factor: factor.dim)
        if is_target and 0 not in extents and random.random() < 0.3:
            factor = random.choice(factors)
            factor.begin = random.randrange(extents[factor.dim])
            factor.end = random.randint(factor.begin + 1, extents[factor.dim])
        entry = Entry(run=f"p{number}", factors=factors)
        items.append(Run(f"p{number}", entry.count(extents)))
        views.append(View(member.tensor.name, member.tensor.name, [entry]))
        if random.random() < 0.5:
            items.append(Run("pad", random.randint(1, 7)))
    return [[Part(items)]], views


def random_cuts(random, mesh, dims, blocked_axes):
    """An axis, or each part of it, cuts one dimension; there, every part of its own accord."""
    given = [[] for _ in dims]
    for name, size in mesh.axes:
        if name in blocked_axes or random.random() < 0.15:
            continue
        if random.random() < 0.25:
            for piece in axis_pieces(random, name, size):
                random.choice(given).append([piece])
        else:
            random.choice(given).append((name, size))
    return [[part_cuts(random, mesh, part, axes) for part in parts]
            for parts, axes in zip(dims, given)]


def part_cuts(random, mesh, part, given):
    pieces = [piece for axis in given
              for piece in (axis if isinstance(axis, list) else axis_pieces(random, *axis))]
    random.shuffle(pieces)
    keep = random.choice([1.0, 1.0, 0.7])
    pieces = [piece for piece in pieces if random.random() < keep]
    splits = []
    while pieces:
        count = min(len(pieces), random.choice([1, 1, 1, 2]))
        extents = sorted({len(owned_indices(mesh, [splits], [part.extent()], rank)[0])
                          for rank in mesh.ranks})
        splits.append(random_split(random, mesh, pieces[:count], extents))
        pieces = pieces[count:]
    return splits


class ModuleBuilder:
    """Families with a source each and targets, their names unique on every rank."""

    def __init__(self, random, meshes):
        self.random, self.module = random, Module(meshes, [])
        self.taken = {"source": set(), "target": set()}  # (name, rank)
        self.target_dtypes = {}
        self.members = []

    def is_free(self, role, name, mesh):
        return not any((name, rank) in self.taken[role] for rank in mesh.ranks)

    def take(self, role, name, mesh):
        self.taken[role] |= {(name, rank) for rank in mesh.ranks}

    def add_family(self, name):
        random = self.random
        source_dtype = random.choice(DTYPES)
        family = random_family(random, name, source_dtype)
        self.members += family.members()
        for member in family.members():
            self.module.tensors.append(member.tensor)
            self.target_dtypes[member.tensor.name] = []
            if random.random() < 0.15:
                self.module.aliases[f"{member.tensor.name}.tied"] = member.tensor.name
        kind = random.random()
        if kind < 0.8:
            self.add_storage("source", f"{name}.fused", source_dtype, family, kind < 0.2)
        else:
            for member in family.members():
                mesh = random.choice(self.module.meshes)
                member.tensor.source = random_side(random, mesh, member.tensor.shape, source_dtype,
                                                   may_reduce=True)
                member.tensor.source.alias = self.some_name(member.tensor)
        for number in range(random.choice([1, 1, 2, 3])):
            self.add_target_storage(f"{name}.{random.choice(['out', 'w13', 'qkv'])}-{number}",
                                    family, random.random() < 0.2)

    def some_name(self, tensor):
        """None, or an alias of the tensor."""
        names = [alias for alias, name in self.module.aliases.items() if name == tensor.name]
        return self.random.choice(names + [None])

    def add_target_storage(self, name, family, is_flat):
        members = family.members()
        dtypes = [d for d in DTYPES if all(can_cast(m.tensor.dtype, d) for m in members)]
        if dtypes:
            common = {member.tensor.dtype for member in members}
            dtype = common.pop() if len(common) == 1 and self.random.random() < 0.6 else \
                self.random.choice(dtypes)
            self.add_storage("target", name, dtype, family, is_flat)

    def add_storage(self, role, name, dtype, family, is_flat):
        random = self.random
        if is_flat:
            members = family.members()
            random.shuffle(members)
            if role == "target":
                members = random.choices(members, k=random.randint(1, len(members) + 1))
            dims, views = flat_arrangement(random, members, role == "target")
        else:
            dims, views = Arrangement(random, family, role).build()
        mesh = random.choice(self.module.meshes)
        reduction, axes = None, []
        if role == "source" and random.random() < 0.2:
            reduction = random.choice([op for op in REDUCTIONS if can_reduce(op, dtype)])
            axes = [random.choice(mesh.axes)[0]]
        storage = Storage(role, name, dtype, mesh, dims, random_cuts(random, mesh, dims, axes),
                          views, reduction, axes)
        tensors = {member.tensor.name: member.tensor for member in family.members()}
        for view in views:
            view.spelling = self.some_name(tensors[view.tensor]) or view.tensor
            if role == "source":
                tensors[view.tensor].source = storage
            else:
                self.target_dtypes[view.tensor].append(dtype)
        self.module.storages.append(storage)

    def add_plain_targets(self):
        """For tensors that have no target, and some that have."""
        random = self.random
        for member in self.members:
            tensor = member.tensor
            if self.target_dtypes[tensor.name] and random.random() < 0.7:
                continue
            for _ in range(random.choice([1, 1, 2])):
                alias, mesh = self.some_name(tensor), random.choice(self.module.meshes)
                if self.is_free("target", alias or tensor.name, mesh):
                    self.take("target", alias or tensor.name, mesh)
                    dtype = random.choice([d for d in DTYPES if can_cast(tensor.dtype, d)]
                                          + 4 * [tensor.dtype])
                    side = random_side(random, mesh, tensor.shape, dtype, may_reduce=False)
                    side.alias = alias
                    tensor.targets.append(side)
                    self.target_dtypes[tensor.name].append(dtype)

    def add_values(self):
        for tensor in self.module.tensors:
            tensor.values = random_values(self.random, tensor, self.target_dtypes[tensor.name])


def random_storage_module(random, families=6, max_ranks=8, world=12):
    meshes = random_meshes(random, random.randint(2, 5), [2, 4, max_ranks], list(range(world)))
    builder = ModuleBuilder(random, meshes)
    for number in range(families):
        builder.add_family(f"{random.choice(['layers', 'mlp', 'w'])}.{number}")
    if random.random() < 0.5:  # tensors of several families, flattened into one buffer
        mixed = Family([[member] for member in random.choices(builder.members, k=2)], [], 0)
        builder.add_target_storage("mixed", mixed, is_flat=True)
    builder.add_plain_targets()
    builder.add_values()
    plain = [random_tensor(random, f"plain.{i}", meshes, 60) for i in range(3)]
    builder.module.tensors += plain
    return builder.module
