"""What a plan must satisfy, checked from the printed programs alone, element by element.

Shares nothing with verify-plan: ownership comes from the oracle's layouts.
Entry point: plan_problems.
"""
from collections import Counter
from itertools import product
from math import prod

import elements
from lowered_text import LARGEST, read_programs
from storage import Storage


class Memory:
    """What one rank holds of a side under one name; `owned` says of a tensor which element lies
    where, with None where there is something else."""

    def __init__(self, name, side):
        self.name, self.side = name, side

    def owned(self, tensor, rank, extents):
        if not isinstance(self.side, Storage):
            return self.side.owned(tensor.shape, rank)
        return [slot[1] if slot[0] == tensor.name else None
                for slot in self.side.slots(rank, extents)]


class ViewMemory(Memory):
    """One view of a storage; of a table that repeats, the slots that repeat so often."""

    def __init__(self, name, side, view, occurrence):
        super().__init__(name, side)
        self.owner = (view, occurrence)

    def owned(self, tensor, rank, extents):
        slots, owners = self.side.find(rank, extents)
        return [slot[1] if owner == self.owner else None for slot, owner in zip(slots, owners)]


def target_memories(module, tensor):
    """In the order of declaration."""
    memories = [Memory(side.alias or tensor.name, side) for side in tensor.targets]
    for storage in module.storages:
        for number, view in enumerate(storage.views if storage.role == "target" else []):
            if view.tensor == tensor.name:
                repeats = max((max(Counter(entry.table).values()) for entry in view.entries
                               if entry.table), default=1)
                memories += [ViewMemory(storage.name, storage, number, occurrence)
                             for occurrence in range(repeats)]
    return memories


class Plan:
    def __init__(self, module, text, staging):
        self.staging = staging
        self.extents = module.extents()
        self.storages = [storage for storage in module.storages if storage.role == "target"]
        self.sources = {tensor.name: Memory(tensor.name, tensor.source)
                        for tensor in module.tensors}
        self.targets = {tensor.name: target_memories(module, tensor) for tensor in module.tensors}
        self.tensors = {tensor.name: tensor for tensor in module.tensors}
        self.programs = read_programs(text)
        self.problems = []
        self.owned = {}
        self.written = Counter()  # (name of the memory, rank, local element) -> times

    def expect(self, condition, text):
        if not condition:
            self.problems.append(text)
        return condition

    def owned_by(self, tensor, memory, rank):
        key = (tensor.name, id(memory), rank)
        if key not in self.owned:
            self.owned[key] = memory.owned(tensor, rank, self.extents)
        return self.owned[key]

    def target(self, chunk, ends):
        """Target number `copy` of the tensor's, of those that the first destination holds."""
        held = [memory for memory in self.targets[chunk.tensor]
                if ends.destinations[0] in memory.side.mesh.ranks]
        return held[chunk.copy] if chunk.copy < len(held) else None

    def check(self):
        # Identity of a bucket (ends, whether it is a collective, ordinal) -> rank -> (window, bucket).
        participants = {}
        for rank, windows in self.programs.items():
            for index, buckets in windows.items():
                for bucket in buckets:
                    where = f"rank {rank} window {index} bucket {bucket.ordinal} {bucket.ends.key()}"
                    self.check_bucket(rank, bucket, where)
                    identity = (bucket.ends.key(), bucket.transport == "broadcast", bucket.ordinal)
                    found = participants.setdefault(identity, {})
                    self.expect(rank not in found, f"{where}: twice on this rank")
                    found[rank] = (index, bucket)
        for (_, _, ordinal), found in participants.items():
            self.check_participants(ordinal, found)
        self.check_windows(participants)
        self.check_staging()
        self.check_written()
        return self.problems

    def check_bucket(self, rank, bucket, where):
        ends = bucket.ends
        contributes, receives = rank in ends.contributors, rank in ends.destinations
        self.expect(contributes or receives, f"{where}: this rank takes no part")
        self.expect(ends.sender in ends.contributors, f"{where}: the sender does not contribute")
        self.expect(("source" in bucket.roles) == contributes, f"{where}: source role")
        self.expect(("target" in bucket.roles) == receives, f"{where}: target role")
        if bucket.transport == "local":
            self.expect(ends.destinations == [ends.sender], f"{where}: local, but not to itself")
        elif bucket.transport in ("p2p", "broadcast"):
            self.expect(ends.sender not in ends.destinations, f"{where}: sends to itself")
        if bucket.transport == "none":
            self.expect(rank != ends.sender and contributes, f"{where}: transport none")
        end = 0
        for chunk in sorted(bucket.chunks, key=lambda chunk: chunk.offset):
            self.expect(chunk.offset >= end, f"{where}: chunks overlap at byte {chunk.offset}")
            width = elements.byte_width(self.tensors[chunk.tensor].dtype)
            end = chunk.offset + width * prod(len(dim) for dim in chunk.region)
            self.expect(chunk.offset % width == 0, f"{where}: chunk is not aligned")
            self.check_chunk(rank, ends, chunk, f"{where} chunk @{chunk.tensor} at {chunk.offset}")
        self.expect(end <= bucket.size, f"{where}: chunks end at {end} of {bucket.size} bytes")
        self.expect(bucket.chunks, f"{where}: no chunks")

    def check_chunk(self, rank, ends, chunk, where):
        tensor = self.tensors[chunk.tensor]
        self.expect((chunk.source is not None) == (rank in ends.contributors),
                    f"{where}: source role")
        self.expect((chunk.target is not None) == (rank in ends.destinations),
                    f"{where}: target role")
        wanted = self.flat(tensor, chunk.region)
        if chunk.source is not None:
            self.check_contributors(tensor, ends, where)
            if self.expect(rank in tensor.source.mesh.ranks, f"{where}: not on the source"):
                self.check_local(tensor, self.sources[tensor.name], rank, chunk.source, wanted,
                                 where)
        if chunk.target is not None:
            memory = self.target(chunk, ends)
            if self.expect(memory is not None and rank in memory.side.mesh.ranks,
                           f"{where}: not on a target"):
                self.check_local(tensor, memory, rank, chunk.target, wanted, where)
                for element in chunk.target:
                    self.written[memory.name, rank, element] += 1

    def check_contributors(self, tensor, ends, where):
        source = tensor.source
        self.expect(len(ends.contributors) == source.contributions(),
                    f"{where}: {len(ends.contributors)} contributors")
        if len(ends.contributors) == 1:
            return
        self.expect(ends.reduction == source.reduction, f"{where}: reduction {ends.reduction}")
        if all(rank in source.mesh.ranks for rank in ends.contributors):
            order = [source.contribution(rank) for rank in ends.contributors]
            self.expect(order == list(range(len(order))), f"{where}: contributions {order}")

    @staticmethod
    def flat(tensor, region):
        if prod(len(dim) for dim in region) > LARGEST:
            raise ValueError("region too large")
        result = []
        for index in product(*region):
            flat = 0
            for extent, i in zip(tensor.extents(), index):
                flat = flat * extent + i
            result.append(flat)
        return result

    def check_local(self, tensor, memory, rank, local, wanted, where):
        owned = self.owned_by(tensor, memory, rank)
        got = [owned[element] if element < len(owned) else None for element in local]
        self.expect(got == wanted, f"{where}: local elements are {got}, expected {wanted}")

    def check_participants(self, ordinal, found):
        rank, (window, first) = sorted(found.items())[0]
        ends = first.ends
        where = f"bucket {ordinal} {ends.key()}"
        self.expect(set(found) == set(ends.contributors) | set(ends.destinations),
                    f"{where}: on ranks {sorted(found)}")
        shape = [(c.tensor, c.region, c.copy, c.offset) for c in first.chunks]
        transports = set()
        for other, (index, bucket) in found.items():
            self.expect(index == window, f"{where}: in windows {window} and {index}")
            self.expect(bucket.size == first.size, f"{where}: {first.size} and {bucket.size} bytes")
            self.expect([(c.tensor, c.region, c.copy, c.offset) for c in bucket.chunks] == shape,
                        f"{where}: chunks differ between ranks {rank} and {other}")
            if bucket.transport != "none":
                transports.add(bucket.transport)
        self.expect(len(transports) == 1, f"{where}: transports {sorted(transports)}")

    def check_windows(self, participants):
        """At most one message of a kind for an ordered pair of ranks; reduce windows unmixed."""
        messages, kinds = Counter(), {}
        for _, found in participants.items():
            window, bucket = next(iter(found.values()))
            ends = bucket.ends
            kinds.setdefault(window, set()).add(len(ends.contributors) > 1)
            for rank in ends.contributors:
                if rank != ends.sender:
                    messages[window, "gather", rank, ends.sender] += 1
            for rank in ends.destinations:
                if rank != ends.sender:
                    messages[window, "ship", ends.sender, rank] += 1
        for message, count in messages.items():
            self.expect(count == 1, f"{count} messages in window, step, pair {message}")
        for window, found in kinds.items():
            self.expect(len(found) == 1, f"window {window} mixes reductions with other buckets")

    def check_staging(self):
        """No two windows in a row need more than the budget."""
        for rank, windows in self.programs.items():
            before = 0
            for index in sorted(windows):
                staged = sum(self.staged_bytes(rank, bucket) for bucket in windows[index])
                self.expect(self.staging is None or before + staged <= self.staging,
                            f"rank {rank} window {index}: {before} + {staged} bytes of staging")
                before = staged

    def staged_bytes(self, rank, bucket):
        """A lone contiguous chunk without a cast stays in the tensor's own memory."""
        ends = bucket.ends
        if len(ends.contributors) > 1:
            contribution = sum(
                len(chunk.source) * elements.byte_width(self.tensors[chunk.tensor].source.dtype)
                for chunk in bucket.chunks if chunk.source)
            if rank == ends.sender:
                return contribution * len(ends.contributors) + bucket.size
            return contribution + (bucket.size if "target" in bucket.roles else 0)
        staged = 0
        first = bucket.chunks[0]
        for role, memory in (("source", self.sources[first.tensor]),
                             ("target", self.target(first, ends))):
            local = getattr(first, role)
            if local is None or (role == "target" and rank == ends.sender):
                continue  # a local copy has one buffer
            tensor = self.tensors[first.tensor]
            contiguous = local == list(range(local[0], local[0] + len(local)))
            if len(bucket.chunks) > 1 or not contiguous or memory.side.dtype != tensor.dtype:
                staged += bucket.size
        return staged

    def check_written(self):
        held = [(side.alias or tensor.name, side, lambda rank, tensor=tensor, side=side:
                 range(len(side.owned(tensor.shape, rank))))
                for tensor in self.tensors.values() for side in tensor.targets]
        held += [(storage.name, storage, lambda rank, storage=storage:
                  [i for i, slot in enumerate(storage.slots(rank, self.extents))
                   if not isinstance(slot, str)]) for storage in self.storages]
        for name, side, elements_on in held:
            for rank in side.mesh.ranks:
                for element in elements_on(rank):
                    times = self.written.pop((name, rank, element), 0)
                    self.expect(times == 1, f"@{name} on rank {rank}: local element {element} is "
                                f"written {times} times")
        self.expect(not self.written, f"written outside targets: {list(self.written)[:3]}")


def plan_problems(module, text, staging=None):
    """`staging`: the most bytes that a rank may need for two windows in a row."""
    return Plan(module, text, staging).check()
