# RUN: %python %s --xfer-translate %xfer-translate --xfer-opt %xfer-opt --models %S/../Frontend/models
"""Five published models, with their trainers and servers: their parameters are as many as
published, each server's memory is covered exactly, and programs of both sides compile.

The text's own declarations are counted here; that no element is covered twice is the compiler's
proof.
"""
import argparse
import re
import sys
import tempfile
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Oracle"))
import tool
from declarations import parse
from storage import PADS

# Model, tensors and parameters as published, trainer, server, ranks whose programs compile.
JOBS = [
    ("llama-3-8b", 291, 8030261248, "fsdp:fsdp=64", "vllm:tp=8,dp=8", (0, 127)),
    ("qwen3-32b", 707, 32762123264, "megatron:tp=8,pp=4,dp=2", "vllm:tp=8,dp=4", (63, 64)),
    ("qwen3-30b-a3b", 18867, 30532122624, "megatron:tp=2,pp=2,ep=8,dp=4",
     "vllm:tp=4,dp=4,ep=16", (5, 20)),
    ("deepseek-v3", 45395, 671026419200, "megatron:tp=2,pp=4,ep=16,dp=16",
     "vllm:tp=8,dp=16,ep=128", (100, 200)),
    ("kimi-k2", 69975, 1026408232448, "megatron:tp=1,pp=16,ep=16,dp=16",
     "vllm:tp=8,dp=16,ep=128", (130, 300)),
]
TENSOR = re.compile(r"^tensor @\S+ : \w+\[([\d*, ]*)\]", re.MULTILINE)
LAYER = re.compile(r"\.layers\.(\d+)\.")


def parameters(text):
    sizes = [prod(int(number) for number in re.findall(r"\d+", shape))
             for shape in TENSOR.findall(text)]
    return len(sizes), sum(sizes)


def of_some_layers(text, last):
    """What the server holds of the first layer, of the last, and outside of layers."""
    kept = []
    for statement in re.split(r"\n(?=[a-z/])", text):  # what continues one is indented or a brace
        layer = LAYER.search(statement)
        if statement.startswith("source"):
            continue
        if layer is None or layer.group(1) in ("0", last):
            kept.append(statement)
    return "\n".join(kept)


def uncovered(storage, extents):
    """The elements of the whole storage less those of views and padding; 0 if covered once."""
    held = [sum(part.run_extent(run) for part in parts for run in part.runs
                if run.name not in PADS) for parts in storage.dims]
    views = sum(prod(1 if entry.fixed is not None else entry.count(extents[view.tensor])
                     for entry in view.entries) for view in storage.views)
    return prod(held) - views


def check(arguments, job):
    model, tensors, elements, train, generation, ranks = job
    problems = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "job.xfer"
        tool.run([arguments.xfer_translate, Path(arguments.models) / model, f"--train={train}",
                  f"--generation={generation}", "-o", path])
        text = path.read_text()
        if parameters(text) != (tensors, elements):
            problems.append(f"{parameters(text)} tensors and parameters, expected "
                            f"{(tensors, elements)}")
        last = max(LAYER.findall(text), key=int)
        module = parse(of_some_layers(text, last))
        targets = [storage for storage in module.storages if storage.role == "target"]
        problems += [] if targets else ["no storages"]
        problems += [f"@{storage.name}: {uncovered(storage, module.extents())} elements are left"
                     for storage in targets if uncovered(storage, module.extents())]
        for rank in ranks:
            plan = Path(name) / "plan"
            tool.run([arguments.xfer_opt, path, "--default-pipeline", f"--rank={rank}",
                      "--emit=plan", "-o", plan])
            problems += [] if plan.stat().st_size else [f"no plan of rank {rank}"]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-translate", required=True)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--models", required=True, help="folder of config.json files")
    arguments = parser.parse_args()
    failed = 0
    for job in JOBS:
        try:
            problems = check(arguments, job)
        except tool.ToolFailure as failure:
            problems = [str(failure)]
        failed += bool(problems)
        for problem in problems[:5]:
            print(f"{job[0]}: {problem}")
    print(f"{len(JOBS)} models, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
