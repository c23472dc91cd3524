"""What a rank's storage holds, element by element.

A storage is a grid whose dimensions are concatenations of parts. Every local element is found the
long way round: local position -> part and its global index -> run and the index in the run -> the
factors of one dimension of the tensor. Nothing is computed with strides or regions.
Entry point: Storage.slots.
"""
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Dict, List, Optional, Tuple, Union

from layout import Contributor, Mesh, Split, owned_indices

PADS = ("pad", "zero")
HOLE = "hole"


@dataclass
class Run:
    name: Optional[str]
    size: int

    def text(self):
        return f"{self.name}:{self.size}" if self.name else str(self.size)


@dataclass
class Part:
    """One index space that is cut as a whole: `repeat` times the runs, one after the other."""
    runs: List[Run]
    repeat: Optional[int] = None  # None without parentheses' multiplier
    bare: bool = False            # a lone run without parentheses

    def extent(self):
        return (self.repeat or 1) * sum(run.size for run in self.runs)

    def locate(self, index):
        """The run that holds `index` and the index in that run's own space."""
        group, offset = divmod(index, sum(run.size for run in self.runs))
        for run in self.runs:
            if offset < run.size:
                return run, group * run.size + offset
            offset -= run.size
        raise ValueError(f"index {index} lies outside the part")

    def run_extent(self, run):
        return (self.repeat or 1) * run.size

    def text(self):
        if self.bare:
            return self.runs[0].text()
        runs = f"({' | '.join(run.text() for run in self.runs)})"
        return runs if self.repeat is None else f"{self.repeat} x {runs}"


@dataclass
class Factor:
    """Index `dim` of the tensor, or the slice [begin, end) of it."""
    dim: int
    begin: Optional[int] = None
    end: Optional[int] = None

    def text(self):
        return f"d{self.dim}" if self.begin is None else f"d{self.dim}[{self.begin}:{self.end}]"

    def span(self, extents):
        return (0, extents[self.dim]) if self.begin is None else (self.begin, self.end)


@dataclass
class Entry:
    """What one dimension of the storage is to a view: a fixed index, or a run that holds factors."""
    fixed: Optional[int] = None
    run: Optional[str] = None
    factors: List[Factor] = field(default_factory=list)
    table: Optional[List[int]] = None

    def text(self):
        if self.fixed is not None:
            return str(self.fixed)
        index = "*".join(factor.text() for factor in self.factors)
        if self.table is not None:
            index += f" table [{', '.join(map(str, self.table))}]"
        return f"{self.run}: {index}" if self.run else index

    def count(self, extents):
        if self.table is not None:
            return len(self.table)
        spans = [factor.span(extents) for factor in self.factors]
        return prod(end - begin for begin, end in spans)

    def occurrence(self, position):
        """How often the table has named the index of the slot before."""
        return self.table[:position].count(self.table[position]) if self.table else 0

    def indices(self, extents, position):
        """{tensor dimension: index} of the run's `position`."""
        if self.table is not None:
            begin, _ = self.factors[0].span(extents)
            return {self.factors[0].dim: begin + self.table[position]}
        result = {}
        for factor in reversed(self.factors):
            begin, end = factor.span(extents)
            position, rest = divmod(position, end - begin)
            result[factor.dim] = begin + rest
        return result


@dataclass
class View:
    tensor: str     # the tensor itself
    spelling: str   # how the text names it: the tensor or an alias
    entries: List[Entry]

    def text(self):
        return f"view @{self.spelling} [{', '.join(entry.text() for entry in self.entries)}]"


Slot = Union[str, Tuple[str, int]]  # a pad's name, HOLE, or (tensor, row-major index)


@dataclass
class Storage(Contributor):
    role: str
    name: str
    dtype: str
    mesh: Mesh
    dims: List[List[Part]]
    cuts: List[List[List[Split]]]  # of each dimension, of each part
    views: List[View]
    reduction: Optional[str] = None
    partial_axes: List[str] = field(default_factory=list)
    known: Dict[int, tuple] = field(default_factory=dict, init=False, repr=False)

    def positions(self, rank):
        """For each dimension, for each local position: (part, global index in the part)."""
        result = []
        for parts, cuts in zip(self.dims, self.cuts):
            own = []
            for part, splits in zip(parts, cuts):
                indices = owned_indices(self.mesh, [splits], [part.extent()], rank)[0]
                own += [(part, index) for index in indices]
            result.append(own)
        return result

    def local_shape(self, rank):
        return [len(own) for own in self.positions(rank)]

    def slots(self, rank, extents: Dict[str, List[int]]) -> List[Slot]:
        """What each element of the local tensor holds, row-major. `extents`: the factored
        extents of each tensor. An element that two views claim is a ValueError."""
        return self.find(rank, extents)[0]

    def owners(self, rank, extents):
        """For each element of the local tensor (number of the view, how often the view's table
        has named the same index before), or None."""
        return self.find(rank, extents)[1]

    def find(self, rank, extents):
        if rank not in self.known:
            positions = self.positions(rank)
            found = {}
            for number, view in enumerate(self.views):
                self.find_view(positions, number, extents[view.tensor], found)
            places = list(product(*(range(len(own)) for own in positions)))
            slots = [found[place][0] if place in found else padding(positions, place)
                     for place in places]
            self.known[rank] = slots, [found.get(place, (None, None))[1] for place in places]
        return self.known[rank]

    def find_view(self, positions, number, extents, found):
        view = self.views[number]
        own = [matches(parts, held, entry, extents)
               for parts, held, entry in zip(self.dims, positions, view.entries)]
        for choice in product(*own):
            place = tuple(position for position, _, _ in choice)
            indices = {dim: i for _, part, _ in choice for dim, i in part.items()}
            flat = 0
            for dim, extent in enumerate(extents):
                assert 0 <= indices[dim] < extent
                flat = flat * extent + indices[dim]
            if place in found:
                raise ValueError(f"views of @{self.name} overlap at {place}")
            occurrence = sum(repeat for _, _, repeat in choice)
            found[place] = (view.tensor, flat), (number, occurrence)

    def statement(self):
        dims = ", ".join(" | ".join(part.text() for part in parts) for parts in self.dims)
        text = f"{self.role} storage @{self.name} : {self.dtype}[{dims}] on @{self.mesh.name}"
        if any(splits for cuts in self.cuts for splits in cuts):
            text += " split [" + ", ".join(
                " | ".join("{" + ", ".join(split.text() for split in splits) + "}"
                           for splits in cuts) for cuts in self.cuts) + "]"
        if self.reduction:
            text += f" partial<{self.reduction}>{{{', '.join(self.partial_axes)}}}"
        return text + " {\n" + "".join(f"  {view.text()}\n" for view in self.views) + "}"


def named_runs(parts):
    return [run for part in parts for run in part.runs if run.name not in PADS]


def matches(parts, held, entry, extents):
    """What the entry's view has: (local position, {tensor dimension: index}, occurrence)."""
    if entry.fixed is not None:
        first, starts = 0, {}
        for part in parts:
            starts[id(part)] = first
            first += part.extent()
        return [(position, {}, 0) for position, (part, index) in enumerate(held)
                if starts[id(part)] + index == entry.fixed]
    wanted = [run for run in named_runs(parts) if entry.run in (None, run.name)]
    if len(wanted) != 1:
        raise ValueError(f"entry '{entry.text()}' names {len(wanted)} runs")
    result = []
    for position, (part, index) in enumerate(held):
        run, inner = part.locate(index)
        if run is wanted[0]:
            if part.run_extent(run) != entry.count(extents):
                raise ValueError(f"entry '{entry.text()}' has {entry.count(extents)} indices, "
                                 f"its run {part.run_extent(run)}")
            result.append((position, entry.indices(extents, inner), entry.occurrence(inner)))
    return result


def padding(positions, place):
    names = {part.locate(index)[0].name for (part, index) in
             (own[i] for own, i in zip(positions, place))}
    return next((name for name in ("zero", "pad") if name in names), HOLE)
