"""A module in memory, its text, and what its targets must hold.

Entry points: Module.text, source_tensors (what each rank's file holds),
expected_tensors (what each rank must end with).
"""
from dataclasses import dataclass, field
from typing import Dict, List, Optional

import elements
from layout import Mesh, Split, owned_elements, owned_indices


@dataclass
class Side:
    dtype: str
    mesh: Mesh
    dims: List[List[Split]]
    reduction: Optional[str] = None
    partial_axes: List[str] = field(default_factory=list)
    placements: Optional[str] = None  # the spelling to print in place of `split`

    def contribution(self, rank):
        """Which of the contributions to a reduction `rank` holds, in mesh order."""
        coordinates = self.mesh.coordinates(rank)
        result = 0
        for name, size in self.mesh.axes:
            if name in self.partial_axes:
                result = result * size + coordinates[name]
        return result

    def contributions(self):
        result = 1
        for name, size in self.mesh.axes:
            result *= size if name in self.partial_axes else 1
        return result

    def owned(self, shape, rank):
        return owned_elements(self.mesh, self.dims, shape, rank)

    def local_shape(self, shape, rank):
        return [len(indices) for indices in owned_indices(self.mesh, self.dims, shape, rank)]

    def layout_text(self):
        if self.placements is not None:
            return f" placements {self.placements}"
        text = ""
        if any(self.dims):
            dims = ["{" + ", ".join(split.text() for split in dim) + "}" for dim in self.dims]
            text = f" split [{', '.join(dims)}]"
        if self.reduction:
            text += f" partial<{self.reduction}>{{{', '.join(self.partial_axes)}}}"
        return text


@dataclass
class Tensor:
    name: str
    dtype: str
    shape: List[int]
    source: Side
    targets: List[Side]
    # One list per contribution, of the elements in row-major global order, in the source's dtype.
    values: List[List[int]] = field(default_factory=list)

    def logical_values(self):
        """The elements as they cross the wire, and whether arithmetic may have changed them."""
        source = self.source
        if len(self.values) > 1:
            reduced = [elements.reduce_elements(source.reduction, source.dtype, contributions)
                       for contributions in zip(*self.values)]
        else:
            reduced = self.values[0]
        return [elements.cast(source.dtype, self.dtype, element) for element in reduced]

    def is_computed(self, target):
        return len(self.values) > 1 or not self.source.dtype == self.dtype == target.dtype

    def statements(self):
        def dtype_text(side):
            return f" : {side.dtype}" if side.dtype != self.dtype else ""
        yield f"tensor @{self.name} : {self.dtype}[{', '.join(map(str, self.shape))}]"
        for keyword, side in [("source", self.source)] + [("target", t) for t in self.targets]:
            yield (f"{keyword} @{self.name}{dtype_text(side)} on @{side.mesh.name}"
                   f"{side.layout_text()}")


@dataclass
class Module:
    meshes: List[Mesh]
    tensors: List[Tensor]

    def mesh_statement(self, mesh):
        axes = ", ".join(f"{name}={size}" for name, size in mesh.axes)
        default = mesh.ranks == list(range(len(mesh.ranks)))
        ranks = "" if default else f" ranks [{', '.join(map(str, mesh.ranks))}]"
        return f"mesh @{mesh.name} = [{axes}]{ranks}"

    def statements(self):
        return ([self.mesh_statement(mesh) for mesh in self.meshes]
                + [line for tensor in self.tensors for line in tensor.statements()])

    def text(self):
        return "\n".join(self.statements()) + "\n"

    def ranks(self):
        return sorted({rank for tensor in self.tensors
                       for side in [tensor.source] + tensor.targets for rank in side.mesh.ranks})

    def only(self, tensor):
        used = [side.mesh.name for side in [tensor.source] + tensor.targets]
        return Module([mesh for mesh in self.meshes if mesh.name in used], [tensor])


def source_tensors(module):
    """rank -> name -> (dtype, local shape, elements)."""
    result: Dict[int, dict] = {}
    for tensor in module.tensors:
        side = tensor.source
        for rank in side.mesh.ranks:
            values = tensor.values[side.contribution(rank)]
            local = [values[i] for i in side.owned(tensor.shape, rank)]
            entry = (side.dtype, side.local_shape(tensor.shape, rank), local)
            result.setdefault(rank, {})[tensor.name] = entry
    return result


def expected_tensors(module):
    """rank -> name -> (dtype, local shape, elements, global indices, computed)."""
    result: Dict[int, dict] = {}
    for tensor in module.tensors:
        logical = tensor.logical_values()
        for side in tensor.targets:
            stored = [elements.cast(tensor.dtype, side.dtype, element) for element in logical]
            computed = tensor.is_computed(side)
            for rank in side.mesh.ranks:
                owned = side.owned(tensor.shape, rank)
                result.setdefault(rank, {})[tensor.name] = (
                    side.dtype, side.local_shape(tensor.shape, rank),
                    [stored[i] for i in owned], owned, computed)
    return result
