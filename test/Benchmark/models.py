"""The parameters of two published models: name, shape, element type and role of each.

Roles say how a server would cut the tensor: `column` by rows, `row` by
columns, `replicated`, or an expert's number with `column` or `row`.
"""
from dataclasses import dataclass
from typing import List, Optional


@dataclass
class Parameter:
    name: str
    shape: List[int]
    role: str  # column row replicated
    dtype: str = "bf16"
    expert: Optional[int] = None


def llama3_8b():
    hidden, heads_rows, kv_rows, intermediate, vocabulary = 4096, 4096, 1024, 14336, 128256
    yield Parameter("model.embed_tokens.weight", [vocabulary, hidden], "column")
    for layer in range(32):
        prefix = f"model.layers.{layer}."
        yield Parameter(prefix + "input_layernorm.weight", [hidden], "replicated")
        for name, rows in (("q", heads_rows), ("k", kv_rows), ("v", kv_rows)):
            yield Parameter(f"{prefix}self_attn.{name}_proj.weight", [rows, hidden], "column")
        yield Parameter(prefix + "self_attn.o_proj.weight", [hidden, heads_rows], "row")
        yield Parameter(prefix + "post_attention_layernorm.weight", [hidden], "replicated")
        for name in ("gate", "up"):
            yield Parameter(f"{prefix}mlp.{name}_proj.weight", [intermediate, hidden], "column")
        yield Parameter(prefix + "mlp.down_proj.weight", [hidden, intermediate], "row")
    yield Parameter("model.norm.weight", [hidden], "replicated")
    yield Parameter("lm_head.weight", [vocabulary, hidden], "column")


def feed_forward(prefix, hidden, intermediate, expert=None):
    for name in ("gate", "up"):
        yield Parameter(f"{prefix}.{name}_proj.weight", [intermediate, hidden], "column",
                        expert=expert)
    yield Parameter(f"{prefix}.down_proj.weight", [hidden, intermediate], "row", expert=expert)


def deepseek_v3(experts=256):
    hidden, vocabulary = 7168, 129280
    yield Parameter("model.embed_tokens.weight", [vocabulary, hidden], "column")
    for layer in range(61):
        prefix = f"model.layers.{layer}."
        attention = prefix + "self_attn."
        yield Parameter(prefix + "input_layernorm.weight", [hidden], "replicated")
        yield Parameter(attention + "q_a_proj.weight", [1536, hidden], "replicated")
        yield Parameter(attention + "q_a_layernorm.weight", [1536], "replicated")
        yield Parameter(attention + "q_b_proj.weight", [24576, 1536], "column")
        yield Parameter(attention + "kv_a_proj_with_mqa.weight", [576, hidden], "replicated")
        yield Parameter(attention + "kv_a_layernorm.weight", [512], "replicated")
        yield Parameter(attention + "kv_b_proj.weight", [32768, 512], "column")
        yield Parameter(attention + "o_proj.weight", [hidden, 16384], "row")
        yield Parameter(prefix + "post_attention_layernorm.weight", [hidden], "replicated")
        if layer < 3:
            yield from feed_forward(prefix + "mlp", hidden, 18432)
            continue
        yield Parameter(prefix + "mlp.gate.weight", [experts, hidden], "replicated")
        yield Parameter(prefix + "mlp.gate.e_score_correction_bias", [experts], "replicated", "f32")
        for expert in range(experts):
            yield from feed_forward(f"{prefix}mlp.experts.{expert}", hidden, 2048, expert)
        yield from feed_forward(prefix + "mlp.shared_experts", hidden, 2048)
    yield Parameter("model.norm.weight", [hidden], "replicated")
    yield Parameter("lm_head.weight", [vocabulary, hidden], "column")
