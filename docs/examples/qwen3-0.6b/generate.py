#!/usr/bin/env python3
"""Writes one side of the Qwen3-0.6B transfer: generate.py trainer|server.

The trainer shards every parameter over 4 ranks by its first dimension (FSDP) and stores f32; the
server runs two replicas of tensor parallelism over 2 ranks and stores bf16. Names and shapes are
those of the public checkpoint; the output projection is tied to the embedding.
"""
import sys

LAYERS = 28
HIDDEN = 1024
HEADS, KV_HEADS, HEAD_SIZE = 16, 8, 128
INTERMEDIATE = 3072
VOCABULARY = 151936

HEADER = {
    "trainer": """\
// Qwen3-0.6B, the trainer's side: FSDP over 4 ranks, stored as f32, bf16 on the wire.
// Written by generate.py.

mesh @trainer = [fsdp=4] ranks [0:4]
""",
    "server": """\
// Qwen3-0.6B, the server's side: 2 replicas of tensor parallelism over 2 ranks, stored as bf16.
// Written by generate.py.

mesh @server = [dp=2, tp=2] ranks [4:8]
""",
}

# How the server cuts a parameter.
ROWS = ["{tp}", "{}"]      # column-parallel: output features over tp
COLUMNS = ["{}", "{tp}"]   # row-parallel: input features over tp
REPLICATED = ["{}"]


def parameters():
    """Yields (name, shape, the server's split) in checkpoint order."""
    yield "model.embed_tokens.weight", [VOCABULARY, HIDDEN], ROWS
    for layer in range(LAYERS):
        def named(name):
            return f"model.layers.{layer}.{name}.weight"
        yield named("input_layernorm"), [HIDDEN], REPLICATED
        yield named("self_attn.q_proj"), [HEADS * HEAD_SIZE, HIDDEN], ROWS
        yield named("self_attn.k_proj"), [KV_HEADS * HEAD_SIZE, HIDDEN], ROWS
        yield named("self_attn.v_proj"), [KV_HEADS * HEAD_SIZE, HIDDEN], ROWS
        yield named("self_attn.q_norm"), [HEAD_SIZE], REPLICATED
        yield named("self_attn.k_norm"), [HEAD_SIZE], REPLICATED
        yield named("self_attn.o_proj"), [HIDDEN, HEADS * HEAD_SIZE], COLUMNS
        yield named("post_attention_layernorm"), [HIDDEN], REPLICATED
        yield named("mlp.gate_proj"), [INTERMEDIATE, HIDDEN], ROWS
        yield named("mlp.up_proj"), [INTERMEDIATE, HIDDEN], ROWS
        yield named("mlp.down_proj"), [HIDDEN, INTERMEDIATE], COLUMNS
    yield "model.norm.weight", [HIDDEN], REPLICATED


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in HEADER:
        sys.exit("usage: generate.py trainer|server")
    side = sys.argv[1]
    lines = [HEADER[side], "\n"]
    for name, shape, split in parameters():
        lines.append(f"tensor @{name} : bf16[{', '.join(map(str, shape))}]\n")
        if side == "trainer":
            cuts = ["{fsdp}"] + ["{}"] * (len(shape) - 1)
            lines.append(f"source @{name} : f32 on @trainer split [{', '.join(cuts)}]\n")
        elif split == REPLICATED:
            lines.append(f"target @{name} on @server\n")
        else:
            lines.append(f"target @{name} on @server split [{', '.join(split)}]\n")
    sys.stdout.write("".join(lines))


if __name__ == "__main__":
    main()
