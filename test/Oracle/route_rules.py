"""Which routes a module must have: one for each pair of a distinct source
region and a distinct target region that have elements in common.

Entry points: expected_routes, route_problems.
"""
from functools import lru_cache

from layout import owned_indices


class Regions:
    """The distinct non-empty regions of one side and the ranks that hold each, in mesh order."""

    def __init__(self, side, shape):
        self.holders = {}
        for rank in side.mesh.ranks:
            region = tuple(frozenset(own) for own in owned_indices(side.mesh, side.dims, shape, rank))
            if all(region):
                self.holders.setdefault(region, []).append(rank)

    def groups(self, side, region):
        """The holders, those that differ only in partial coordinates together."""
        groups = {}
        for rank in self.holders[region]:
            coordinates = side.mesh.coordinates(rank)
            key = tuple(c for name, c in coordinates.items() if name not in side.partial_axes)
            groups.setdefault(key, []).append(rank)
        return list(groups.values())


@lru_cache(maxsize=None)
def common(left, right):
    return tuple(sorted(left & right))


def expected_routes(tensor, regions=Regions):
    """(region, destinations) -> (candidate groups, reduction)."""
    result = {}
    source = regions(tensor.source, tensor.shape)
    groups = {region: source.groups(tensor.source, region) for region in source.holders}
    for target in tensor.targets:
        for wanted, destinations in regions(target, tensor.shape).holders.items():
            for held in source.holders:
                shared = tuple(common(a, b) for a, b in zip(held, wanted))
                if all(shared):
                    reduction = tensor.source.reduction if len(groups[held][0]) > 1 else None
                    result[shared, tuple(sorted(destinations))] = (groups[held], reduction)
    return result


def route_problems(tensor, routes):
    """What is wrong with the routes of one tensor, as text."""
    expected = expected_routes(tensor)
    problems = []
    for route in routes:
        key = (route.region, tuple(route.destinations))
        if key not in expected:
            problems.append(f"unexpected or repeated route {route}")
        elif expected.pop(key) != (route.groups, route.reduction):
            problems.append(f"wrong candidates in {route}")
    problems += [f"missing route {region} -> {destinations} from {candidates}"
                 for (region, destinations), candidates in expected.items()]
    return problems
