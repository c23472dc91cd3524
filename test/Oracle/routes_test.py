# RUN: %python %s --xfer-opt %xfer-opt --count 60
"""Compares `--build-routes` with routes found by intersecting index sets.

First random modules, then Llama-3-8B from FSDP over 64 ranks to TP8 x DP8: the
number of routes must be the number of distinct pairs of intersecting boxes.
"""
import argparse
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Benchmark"))
import jobs
import models
import tool
from generate import random_module
from layout import AxisRef, Mesh, Split
from lowered_text import read_routes
from model import Side, Tensor
from route_rules import Regions, expected_routes, route_problems


def check_random(xfer_opt, seed):
    module = random_module(Random(seed), num_tensors=20)
    text = tool.run([xfer_opt, "-", "--build-routes"], module.text().encode()).decode()
    by_tensor = {tensor.name: [] for tensor in module.tensors}
    for route in read_routes(text):
        by_tensor[route.tensor].append(route)
    for tensor in module.tensors:
        problems = route_problems(tensor, by_tensor[tensor.name])
        if problems:
            return [f"FAILED: seed {seed}", module.only(tensor.name).text()] + problems[:5]
    return []


def llama_tensors():
    trainer = Mesh("trainer", [("fsdp", 64)], list(range(64)))
    server = Mesh("server", [("dp", 8), ("tp", 8)], list(range(64, 128)))
    for parameter in models.llama3_8b():
        uncut = [[] for _ in parameter.shape]
        source, target = list(uncut), list(uncut)
        source[0] = [Split("chunk", [AxisRef("fsdp")])]
        if parameter.role != "replicated":
            target[0 if parameter.role == "column" else 1] = [Split("chunk", [AxisRef("tp")])]
        yield Tensor(parameter.name, "bf16", parameter.shape, Side("bf16", trainer, source),
                     [Side("bf16", server, target)])


def check_llama(xfer_opt):
    remembered = {}

    def regions(side, shape):
        key = (side.mesh.name, str(side.dims), tuple(shape))
        if key not in remembered:
            remembered[key] = Regions(side, shape)
        return remembered[key]

    counted = {}
    routes, deliveries = 0, 0
    for tensor in llama_tensors():
        key = (tuple(tensor.shape), str(tensor.targets[0].dims))
        if key not in counted:
            expected = expected_routes(tensor, regions)
            counted[key] = (len(expected), sum(len(ranks) for _, ranks in expected))
        routes, deliveries = routes + counted[key][0], deliveries + counted[key][1]
    text = tool.run([xfer_opt, "-", "--build-routes"], jobs.text("llama").encode()).decode()
    lines = [line for line in text.splitlines() if line.startswith("route ")]
    got = sum(len(route.destinations) for route in map(destinations_only, lines))
    print(f"llama: expected {routes} routes and {deliveries} deliveries, got {len(lines)} and {got}")
    return [] if (routes, deliveries) == (len(lines), got) else ["FAILED: llama"]


def destinations_only(line):
    destinations = line.rsplit("->", 1)[1]
    return read_routes(f"route @t [] 0 ->{destinations}")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--count", type=int, default=60, help="random modules")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    problems = []
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        problems += check_random(arguments.xfer_opt, seed)
    problems += check_llama(arguments.xfer_opt)
    print("\n".join(problems) if problems else f"{arguments.count} random modules agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
