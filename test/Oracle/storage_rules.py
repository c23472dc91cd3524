"""What must hold of storages, checked from outside the compiler on every element of the whole
storage, as if one rank held it. Entry point: problems.
"""
from dataclasses import replace

from layout import Mesh
from storage import HOLE, PADS

ONE_RANK = Mesh("one", [("a", 1)], [0])


def problems(module):
    """The rules that the module's storages break, as text; empty if it is good."""
    found = []
    extents = module.extents()
    sources = {}
    for storage in module.storages:
        found += [f"@{storage.name}: {text}" for text in storage_problems(storage, extents)]
        for view in storage.views if storage.role == "source" else []:
            sources[view.tensor] = sources.get(view.tensor, 0) + 1
    found += [f"tensor '{name}' has {count} sources"
              for name, count in sources.items() if count > 1]
    return found


def storage_problems(storage, extents):
    found = dimension_problems(storage)
    for view in storage.views:
        found += view_problems(storage, view, extents[view.tensor])
    if found:
        return found
    whole = replace(storage, mesh=ONE_RANK, cuts=[[[] for _ in parts] for parts in storage.dims],
                    partial_axes=[])
    try:
        slots = whole.slots(0, extents)
    except ValueError as overlap:
        return [str(overlap)]
    if storage.role == "target" and HOLE in slots:
        return [f"{slots.count(HOLE)} elements are neither a view's nor padding"]
    return []


def dimension_problems(storage):
    found = []
    for number, parts in enumerate(storage.dims):
        names = [run.name for part in parts for run in part.runs if run.name not in PADS]
        named = [name for name in names if name]
        if len(set(named)) < len(named):
            found.append(f"dimension {number} has two runs of one name")
        if any(part.repeat == 0 for part in parts):
            found.append(f"dimension {number} has a part that is repeated 0 times")
    return found


def view_problems(storage, view, extents):
    if len(view.entries) != len(storage.dims):
        return [f"{len(view.entries)} entries for {len(storage.dims)} dimensions"]
    dims = [factor.dim for entry in view.entries for factor in entry.factors]
    if sorted(dims) != list(range(len(extents))):
        return [f"the entries have the indices {sorted(dims)} of {len(extents)}"]
    if sum(entry.table is not None for entry in view.entries) > 1:
        return ["more than one table"]
    found = []
    for parts, entry in zip(storage.dims, view.entries):
        if entry.fixed is not None:
            found += fixed_problems(parts, entry.fixed)
        else:
            found += index_problems(storage, parts, entry, extents)
    return found


def fixed_problems(parts, index):
    for part in parts:
        if index < part.extent():
            run, _ = part.locate(index)
            return [f"index {index} lies in padding"] if run.name in PADS else []
        index -= part.extent()
    return [f"index {index} lies outside"]


def index_problems(storage, parts, entry, extents):
    found = []
    for factor in entry.factors:
        if factor.begin is not None and not factor.begin <= factor.end <= extents[factor.dim]:
            found.append(f"slice {factor.begin}:{factor.end} of {extents[factor.dim]}")
        if storage.role == "source" and factor.span(extents) != (0, extents[factor.dim]):
            found.append("a source has a slice")
    if entry.table is not None:
        extent = extents[entry.factors[0].dim]
        whole = len(entry.factors) == 1 and entry.factors[0].span(extents) == (0, extent)
        if not whole or any(index >= extent for index in entry.table):
            found.append(f"table {entry.table} of {extent}")
        if storage.role == "source" and sorted(entry.table) != list(range(extent)):
            found.append(f"table {entry.table} of a source is no permutation of {extent}")
    runs = [(part, run) for part in parts for run in part.runs if run.name not in PADS]
    wanted = [(part, run) for part, run in runs if entry.run in (None, run.name)]
    if len(wanted) != 1:
        return found + [f"'{entry.text()}' names {len(wanted)} runs"]
    part, run = wanted[0]
    if not found and part.run_extent(run) != entry.count(extents):
        found.append(f"'{entry.text()}' has {entry.count(extents)} indices, its run "
                     f"{part.run_extent(run)}")
    return found
