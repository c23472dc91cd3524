"""Both sides of a transfer as the movers know them, and the comparison with a text's outcome.

Entry point: Transfer, with oracle_problems (what the oracle makes of the text) and run_problems
(what xfer-run makes of it).
"""
import tempfile
from pathlib import Path

import fsdp
import megatron
import safetensors_io
import tool
import vllm
from checkpoint import Checkpoint
from declarations import parse
from model import expected_tensors, source_tensors

FRAMEWORKS = {"megatron": megatron.parameters, "vllm": vllm.parameters, "fsdp": fsdp.parameters}
UNREAD = 0x7fc1  # in the padding of sources: not a number, so that reading it is seen


class Transfer:
    def __init__(self, config, train, serve, masters=None):
        """`masters`: the type in which the trainer keeps what the server has as bf16."""
        self.checkpoint = Checkpoint(config, "bf16", masters)
        self.held = Checkpoint(config, masters or "bf16", padding=UNREAD)
        sources = FRAMEWORKS[train[0]](self.held, train[1])
        targets = FRAMEWORKS[serve[0]](self.checkpoint, serve[1])
        self.sources = rank_tensors(sources, 0)
        self.targets = rank_tensors(targets, len(sources))

    def of_text(self, module):
        """Sources and targets, those alone that the module names."""
        return [{rank: {name: tensor for name, tensor in held.items() if name in names[rank]}
                 for rank, held in side.items() if rank in names}
                for side, names in ((self.sources, declared_names(module, "source")),
                                    (self.targets, declared_names(module, "target")))]

    def unnamed(self, module):
        """Parameters that the module should have, and has not."""
        found = []
        for side, role in ((self.sources, "source"), (self.targets, "target")):
            names = declared_names(module, role)
            found += [f"{role} '{name}' of rank {rank} is not in the text"
                      for rank, held in side.items() for name in held
                      if name not in names.get(rank, ())]
        return found

    def oracle_problems(self, text):
        """Where the text's meaning, by the oracle, is not what the movers hold."""
        module = parse(text)
        for tensor in module.tensors:
            tensor.values = [self.held[tensor.name].data]
        sources, targets = self.of_text(module)
        declared = {rank: {name: (*entry, None) for name, entry in held.items()}
                    for rank, held in source_tensors(module).items()}
        extents = module.extents()
        for storage in module.storages:
            for rank in storage.mesh.ranks if storage.role == "source" else []:
                slots = storage.slots(rank, extents)
                declared[rank][storage.name] = (*declared[rank][storage.name][:3], slots)
        return (differences(sources, declared)
                + differences(targets, {rank: {name: (*entry[:3], None)
                                               for name, entry in held.items()}
                                        for rank, held in expected_tensors(module).items()}))

    def run_problems(self, xfer_run, text, options=()):
        """Where xfer-run's outputs are not what the movers hold."""
        module = parse(text)
        sources, targets = self.of_text(module)
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            for folder in ("in", "out"):
                (directory / folder).mkdir()
            (directory / "module.xfer").write_text(text)
            for rank, tensors in sources.items():
                safetensors_io.write(directory / "in" / f"rank{rank}.safetensors", tensors)
            try:
                tool.run([xfer_run, directory / "module.xfer", "--inputs", directory / "in",
                          "--outputs", directory / "out", *options])
            except tool.ToolFailure as failure:
                return [str(failure)]
            written = {int(path.stem[4:]): safetensors_io.read(path)
                       for path in (directory / "out").glob("rank*.safetensors")}
        return differences(targets, {rank: {name: (*entry, None) for name, entry in held.items()}
                                     for rank, held in written.items()})


def rank_tensors(sides, first):
    """rank -> name -> (dtype, shape, elements)."""
    return {first + number: {name: (array.dtype, array.shape, array.data)
                             for name, array in parameters.items()}
            for number, parameters in enumerate(sides)}


def declared_names(module, role):
    """rank -> the names of what it holds in this role."""
    names = {}
    for tensor in module.tensors:
        sides = tensor.targets if role == "target" else [tensor.source]
        for side in sides:
            if side is not None and side not in module.storages:
                for rank in side.mesh.ranks:
                    names.setdefault(rank, set()).add(side.alias or tensor.name)
    for storage in module.storages:
        for rank in storage.mesh.ranks if storage.role == role else []:
            names.setdefault(rank, set()).add(storage.name)
    return names


def differences(movers, others):
    """The first differences of each tensor; where there are slots, padding is not compared."""
    found = []
    for rank in sorted(set(movers) | set(others)):
        mine, theirs = movers.get(rank, {}), others.get(rank, {})
        for name in sorted(set(mine) ^ set(theirs)):
            owner = "movers" if name in mine else "text"
            found.append(f"'{name}' of rank {rank} is known to the {owner} alone")
        for name in sorted(set(mine) & set(theirs)):
            dtype, shape, elements, slots = theirs[name]
            if mine[name][:2] != (dtype, shape):
                found.append(f"'{name}' of rank {rank}: expected {mine[name][0]}{mine[name][1]}, "
                             f"got {dtype}{shape}")
                continue
            wrong = [i for i, (a, b) in enumerate(zip(mine[name][2], elements))
                     if a != b and not (slots and isinstance(slots[i], str))]
            if wrong:
                i = wrong[0]
                found.append(f"'{name}' of rank {rank}: {len(wrong)} of {len(elements)} elements "
                             f"differ, first number {i}: expected 0x{mine[name][2][i]:x}, "
                             f"got 0x{elements[i]:x}")
    return found
