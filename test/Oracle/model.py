"""A module in memory, its text, and what its targets must hold.

Entry points: Module.text, source_tensors (what each rank's file holds),
expected_tensors (what each rank must end with).
"""
from dataclasses import dataclass, field, replace
from math import prod
from typing import Dict, List, Optional, Tuple, Union
from zlib import crc32

import elements
from layout import Contributor, Mesh, Split, owned_elements, owned_indices
from storage import PADS, Storage


@dataclass
class Side(Contributor):
    dtype: str
    mesh: Mesh
    dims: List[List[Split]]
    reduction: Optional[str] = None
    partial_axes: List[str] = field(default_factory=list)
    placements: Optional[str] = None  # the spelling to print in place of `split`
    alias: Optional[str] = None       # by which the side names its tensor

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
    source: Optional[Union[Side, Storage]]
    targets: List[Side]  # those that are not views of a storage
    # One list per contribution, of the elements in row-major global order, in the source's dtype.
    values: List[List[int]] = field(default_factory=list)
    factors: Optional[List[List[int]]] = None  # of each dimension, where one has several
    scales: Optional[Tuple[str, List[int]]] = None

    def extents(self):
        """Those of the indices d0, d1, ..."""
        return [extent for dim in self.factors for extent in dim] if self.factors else self.shape

    def logical_values(self):
        """The elements as they cross the wire, and whether arithmetic may have changed them."""
        source = self.source
        if len(self.values) > 1:
            reduced = [elements.reduce_elements(source.reduction, source.dtype, contributions)
                       for contributions in zip(*self.values)]
        else:
            reduced = self.values[0]
        return [elements.cast(source.dtype, self.dtype, element) for element in reduced]

    def is_computed(self, dtype):
        """Whether arithmetic makes what a target of `dtype` holds."""
        return len(self.values) > 1 or not self.source.dtype == self.dtype == dtype

    def statements(self):
        def dtype_text(side):
            return f" : {side.dtype}" if side.dtype != self.dtype else ""
        shape = ", ".join("*".join(map(str, dim))
                          for dim in self.factors or [[extent] for extent in self.shape])
        scales = f" scales @{self.scales[0]} block {self.scales[1]}" if self.scales else ""
        yield f"tensor @{self.name} : {self.dtype}[{shape}]{scales}"
        sides = [("source", self.source)] if isinstance(self.source, Side) else []
        for keyword, side in sides + [("target", target) for target in self.targets]:
            yield (f"{keyword} @{side.alias or self.name}{dtype_text(side)} on @{side.mesh.name}"
                   f"{side.layout_text()}")


@dataclass
class Module:
    meshes: List[Mesh]
    tensors: List[Tensor]
    storages: List[Storage] = field(default_factory=list)
    aliases: Dict[str, str] = field(default_factory=dict)

    def mesh_statement(self, mesh):
        axes = ", ".join(f"{name}={size}" for name, size in mesh.axes)
        default = mesh.ranks == list(range(len(mesh.ranks)))
        ranks = "" if default else f" ranks [{', '.join(map(str, mesh.ranks))}]"
        return f"mesh @{mesh.name} = [{axes}]{ranks}"

    def statements(self):
        return ([self.mesh_statement(mesh) for mesh in self.meshes]
                + [line for tensor in self.tensors for line in tensor.statements()]
                + [f"alias @{alias} = @{name}" for alias, name in self.aliases.items()]
                + [storage.statement() for storage in self.storages])

    def text(self):
        return "\n".join(self.statements()) + "\n"

    def sides(self):
        """Everything that holds something on the ranks of a mesh."""
        for tensor in self.tensors:
            yield from ([tensor.source] if isinstance(tensor.source, Side) else [])
            yield from tensor.targets
        yield from self.storages

    def ranks(self):
        return sorted({rank for side in self.sides() for rank in side.mesh.ranks})

    def extents(self):
        return {tensor.name: tensor.extents() for tensor in self.tensors}

    def target_names(self):
        names = [side.alias or tensor.name for tensor in self.tensors for side in tensor.targets]
        names += [storage.name for storage in self.storages if storage.role == "target"]
        return list(dict.fromkeys(names))

    def only(self, name):
        """The part of the module that the target named `name` needs: a tensor, alias or storage."""
        storages = [storage for storage in self.storages
                    if storage.role == "target" and storage.name == name]
        wanted = {view.tensor for storage in storages for view in storage.views}
        wanted.add(self.aliases.get(name, name))
        tensors = [tensor for tensor in self.tensors if tensor.name in wanted]
        sources = {}
        for storage in self.storages:
            views = [view for view in storage.views if view.tensor in wanted]
            if storage.role == "source" and views:
                sources[id(storage)] = replace(storage, views=views)
        kept = []
        for tensor in tensors:
            targets = [target for target in tensor.targets
                       if name in (target.alias or tensor.name, tensor.name)]
            kept.append(replace(tensor, targets=targets, scales=None,
                                source=sources.get(id(tensor.source), tensor.source)))
        aliases = {alias: tensor for alias, tensor in self.aliases.items() if tensor in wanted}
        smaller = Module([], kept, [*sources.values(), *storages], aliases)
        used = {side.mesh.name for side in smaller.sides()}
        smaller.meshes = [mesh for mesh in self.meshes if mesh.name in used]
        return smaller


def unread(name, rank, position, dtype):
    """What lies in a source's pads and holes: never read, and different everywhere."""
    bits = crc32(f"{name} {rank} {position}".encode()) * 0x9e3779b97f4a7c15
    return bits % (2 if dtype == "i1" else 1 << (8 * elements.byte_width(dtype)))


def source_tensors(module):
    """rank -> name -> (dtype, local shape, elements)."""
    result: Dict[int, dict] = {}
    for tensor in module.tensors:
        side = tensor.source
        if isinstance(side, Side):
            for rank in side.mesh.ranks:
                values = tensor.values[side.contribution(rank)]
                local = [values[i] for i in side.owned(tensor.shape, rank)]
                entry = (side.dtype, side.local_shape(tensor.shape, rank), local)
                result.setdefault(rank, {})[side.alias or tensor.name] = entry
    values, extents = {tensor.name: tensor.values for tensor in module.tensors}, module.extents()
    for storage in module.storages:
        for rank in storage.mesh.ranks if storage.role == "source" else []:
            number = storage.contribution(rank)
            local = [unread(storage.name, rank, position, storage.dtype) if isinstance(slot, str)
                     else values[slot[0]][number][slot[1]]
                     for position, slot in enumerate(storage.slots(rank, extents))]
            entry = (storage.dtype, storage.local_shape(rank), local)
            result.setdefault(rank, {})[storage.name] = entry
    return result


def expected_tensors(module):
    """rank -> name -> (dtype, local shape, elements, where each comes from, which are computed)."""
    result: Dict[int, dict] = {}
    tensors = {tensor.name: tensor for tensor in module.tensors}
    logical = {name: tensor.logical_values() for name, tensor in tensors.items()}

    def stored(tensor, dtype, index):
        return elements.cast(tensor.dtype, dtype, logical[tensor.name][index])

    for name, tensor in tensors.items():
        for side in tensor.targets:
            for rank in side.mesh.ranks:
                owned = side.owned(tensor.shape, rank)
                result.setdefault(rank, {})[side.alias or name] = (
                    side.dtype, side.local_shape(tensor.shape, rank),
                    [stored(tensor, side.dtype, i) for i in owned], owned,
                    [tensor.is_computed(side.dtype)] * len(owned))
    extents = module.extents()
    for storage in module.storages:
        for rank in storage.mesh.ranks if storage.role == "target" else []:
            slots = storage.slots(rank, extents)
            values = [0 if slot in PADS else stored(tensors[slot[0]], storage.dtype, slot[1])
                      for slot in slots]
            computed = [slot not in PADS and tensors[slot[0]].is_computed(storage.dtype)
                        for slot in slots]
            result.setdefault(rank, {})[storage.name] = (
                storage.dtype, storage.local_shape(rank), values, slots, computed)
    return result
