"""What each rank owns, as plain lists of indices.

Written from the language's definition alone: a dimension starts as the list
[0, 1, ..., n-1] and every cut picks positions out of that list, one by one.
Entry points: owned_indices, owned_elements.
"""
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import List, Optional, Tuple


@dataclass
class Mesh:
    name: str
    axes: List[Tuple[str, int]]
    ranks: List[int]

    def axis_size(self, name):
        return dict(self.axes)[name]

    def coordinates(self, rank):
        """Axis name to coordinate; the last axis is the fastest."""
        position = self.ranks.index(rank)
        result = {}
        for name, size in reversed(self.axes):
            result[name] = position % size
            position //= size
        return result


class Contributor:
    """What has a `mesh` and `partial_axes`, over which its contributions are spread."""

    def contribution(self, rank):
        """Which of the contributions to a reduction `rank` holds, in mesh order."""
        coordinates = self.mesh.coordinates(rank)
        result = 0
        for name, size in self.mesh.axes:
            if name in self.partial_axes:
                result = result * size + coordinates[name]
        return result

    def contributions(self):
        return prod(size for name, size in self.mesh.axes if name in self.partial_axes)


@dataclass(frozen=True)
class AxisRef:
    """A whole axis, or the sub-axis of `size` values after `pre_size` values."""
    axis: str
    pre_size: int = 1
    size: Optional[int] = None

    def text(self):
        return self.axis if self.size is None else f"{self.axis}:({self.pre_size}){self.size}"

    def count(self, mesh):
        return mesh.axis_size(self.axis) if self.size is None else self.size

    def coordinate(self, mesh, coordinates):
        whole = coordinates[self.axis]
        if self.size is None:
            return whole
        return whole // (mesh.axis_size(self.axis) // (self.pre_size * self.size)) % self.size


@dataclass
class Split:
    rule: str  # chunk exact balanced strided cyclic sizes
    axes: List[AxisRef]
    factor: int = 0
    sizes: List[int] = field(default_factory=list)

    def text(self):
        axes = "*".join(axis.text() for axis in self.axes)
        if self.rule == "chunk":
            return axes
        if self.rule in ("strided", "cyclic"):
            return f"{self.rule}({axes}, {self.factor})"
        if self.rule == "sizes":
            return f"sizes({axes}, [{', '.join(map(str, self.sizes))}])"
        return f"{self.rule}({axes})"

    def pieces(self, mesh):
        return prod(axis.count(mesh) for axis in self.axes)

    def coordinate(self, mesh, coordinates):
        result = 0
        for axis in self.axes:
            result = result * axis.count(mesh) + axis.coordinate(mesh, coordinates)
        return result

    def holds_for(self, extent, pieces):
        if self.rule == "exact":
            return extent % pieces == 0
        return self.rule != "sizes" or sum(self.sizes) == extent

    def positions(self, extent, pieces, coordinate):
        """The positions, in [0, extent), that `coordinate` of `pieces` gets."""
        if self.rule in ("chunk", "exact"):
            return chunk(extent, pieces, coordinate)
        if self.rule == "balanced":
            sizes = [extent // pieces + (1 if i < extent % pieces else 0) for i in range(pieces)]
            return consecutive(sizes, coordinate)
        if self.rule == "sizes":
            return consecutive(self.sizes, coordinate)
        if self.rule == "cyclic":
            return [i for i in range(extent) if i // self.factor % pieces == coordinate]
        result = []
        for block in range(min(self.factor, max(extent, 1))):
            whole = chunk(extent, self.factor, block)
            result += [whole[i] for i in chunk(len(whole), pieces, coordinate)]
        return result


def chunk(extent, pieces, coordinate):
    """torch.chunk: every piece has the size rounded up, until nothing is left."""
    size = -(-extent // pieces)
    return [i for i in range(coordinate * size, (coordinate + 1) * size) if i < extent]


def consecutive(sizes, coordinate):
    begin = sum(sizes[:coordinate])
    return list(range(begin, begin + sizes[coordinate]))


def owned_indices(mesh, dims, shape, rank):
    """For each dimension the global indices that `rank` holds, in local order."""
    coordinates = mesh.coordinates(rank)
    result = []
    for extent, splits in zip(shape, dims):
        indices = list(range(extent))
        for split in splits:
            pieces = split.pieces(mesh)
            assert split.holds_for(len(indices), pieces)
            own = split.positions(len(indices), pieces, split.coordinate(mesh, coordinates))
            indices = [indices[i] for i in own]
        result.append(indices)
    return result


def owned_elements(mesh, dims, shape, rank):
    """The row-major global index of every element of the local tensor, in local order."""
    result = []
    for index in product(*owned_indices(mesh, dims, shape, rank)):
        flat = 0
        for extent, i in zip(shape, index):
            flat = flat * extent + i
        result.append(flat)
    return result
