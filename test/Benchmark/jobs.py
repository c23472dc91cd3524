"""Writes whole transfer jobs as text. Run it to get one: jobs.py NAME > job.xfer

llama         Llama-3-8B, FSDP over 64 trainer ranks to TP8 x DP8 on 64 server ranks
deepseek-ep   DeepSeek-V3, 128 to 128 ranks: experts in 16 groups with FSDP over 8 ranks each,
              the rest FSDP over 128; served by two experts a rank, the rest TP8 x DP16
deepseek-hsdp the same, but the trainer's expert groups replicate over 2 and shard over 4
deepseek-fsdp DeepSeek-V3, every tensor FSDP over 128 ranks to TP8 x DP16: the worst case
"""
import sys

from models import deepseek_v3, llama3_8b


def declare(parameter, source, target):
    shape = ", ".join(map(str, parameter.shape))
    return (f"tensor @{parameter.name} : {parameter.dtype}[{shape}]\n"
            f"source @{parameter.name} on {source}\n"
            f"target @{parameter.name} on {target}\n")


def split_first(axis, parameter):
    return "split [" + ", ".join(["{" + axis + "}"] + ["{}"] * (len(parameter.shape) - 1)) + "]"


def tensor_parallel(axis, parameter):
    if parameter.role == "replicated":
        return ""
    if parameter.role == "column":
        return split_first(axis, parameter)
    return "split [{}, {" + axis + "}]"


def dense(parameter):
    return declare(parameter, f"@trainer {split_first('fsdp', parameter)}",
                   f"@server {tensor_parallel('tp', parameter)}".rstrip())


def llama():
    yield "mesh @trainer = [fsdp=64]\nmesh @server = [dp=8, tp=8] ranks [64:128]\n"
    yield from map(dense, llama3_8b())


def deepseek_fsdp():
    yield "mesh @trainer = [fsdp=128]\nmesh @server = [dp=16, tp=8] ranks [128:256]\n"
    yield from map(dense, deepseek_v3())


def deepseek_experts(expert_axes, cut_axis):
    """Trainer rank r is in expert group r mod 16; server rank 128 + e/2 holds expert e."""
    yield "mesh @trainer = [fsdp=128]\nmesh @server = [dp=16, tp=8] ranks [128:256]\n"
    for group in range(16):
        ranks = ", ".join(str(rank) for rank in range(group, 128, 16))
        yield f"mesh @trainer-experts-{group} = [{expert_axes}] ranks [{ranks}]\n"
    for pair in range(128):
        yield f"mesh @server-experts-{pair} = [one=1] ranks [{128 + pair}]\n"
    for parameter in deepseek_v3():
        if parameter.expert is None:
            yield dense(parameter)
            continue
        yield declare(parameter,
                      f"@trainer-experts-{parameter.expert // 16} {split_first(cut_axis, parameter)}",
                      f"@server-experts-{parameter.expert // 2}")


JOBS = {
    "llama": llama,
    "deepseek-ep": lambda: deepseek_experts("edp=8", "edp"),
    "deepseek-hsdp": lambda: deepseek_experts("replica=2, edp=4", "edp"),
    "deepseek-fsdp": deepseek_fsdp,
}


def text(name):
    return "".join(JOBS[name]())


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in JOBS:
        sys.exit(__doc__)
    sys.stdout.write(text(sys.argv[1]))
