"""What each rank of an FSDP trainer holds of a checkpoint.

FSDP2 cuts every parameter by itself along its first dimension, in pieces of the size rounded up;
the last ranks may hold less, or nothing. FSDP1 flattens the parameters of a module one after the
other, each start aligned to 16 bytes, pads to a multiple of the ranks and cuts equal pieces.
Entry point: parameters.
"""
from arrays import Array
from elements import byte_width


def parameters(checkpoint, job):
    """For each rank: name -> array."""
    ranks = [{} for _ in range(job["fsdp"])]
    if job["flat"]:
        add_flat(ranks, checkpoint)
        return ranks
    for name in checkpoint.shapes:
        array = checkpoint[name]
        size = -(-array.shape[0] // len(ranks))
        for rank, held in enumerate(ranks):
            held[name] = array.narrow(0, rank * size, (rank + 1) * size)
    return ranks


def add_flat(ranks, checkpoint):
    """To each rank a flat parameter of every module."""
    align = 16 // byte_width(checkpoint.dtype)
    for module, names in modules(checkpoint).items():
        flat = []
        for name in names:
            flat += [checkpoint.padding] * (-len(flat) % align)
            flat += checkpoint[name].data
        flat += [checkpoint.padding] * (-len(flat) % len(ranks))
        whole = Array(checkpoint.dtype, [len(flat)], flat)
        for rank, held in enumerate(ranks):
            held[f"{module}_flat_param"] = whole.piece(0, rank, len(ranks))


def modules(checkpoint):
    """Each decoder layer is wrapped, and the rest is the root's. Keys are prefixes of names."""
    result = {}
    for name in checkpoint.shapes:
        pieces = name.split(".")
        module = ".".join(pieces[:3]) + "." if pieces[1] == "layers" else ""
        result.setdefault(module, []).append(name)
    return result
