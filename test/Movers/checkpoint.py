"""The tensors of a checkpoint: HuggingFace's names and shapes, every element a hash of its place.

Entry point: Checkpoint(config), with the fields of a HuggingFace config.json.
"""
from math import prod
from zlib import crc32

from arrays import Array
from elements import byte_width, cast


def element(name, index, dtype):
    """Finite, and different nearly everywhere."""
    bits = (crc32(name.encode()) * 0x9e3779b1 + index * 0x85ebca6b) & 0xffffffff
    bits = (bits ^ bits >> 15) * 0xc2b2ae35 & 0xbfffffff
    return bits >> 32 - 8 * byte_width(dtype)


class Checkpoint:
    """With `master`, the elements are of that type and have been cast to `dtype`. `padding` is
    what trainers' padding holds."""

    def __init__(self, config, dtype="bf16", master=None, padding=0):
        self.config, self.dtype, self.master, self.padding = config, dtype, master, padding
        self.shapes = dict(tensors_of(config))
        if self.is_quantized():
            self.shapes.update(list(scales_of(config, self.shapes)))

    def is_quantized(self):
        return "quantization_config" in self.config

    def dtype_of(self, name):
        if name.endswith(("e_score_correction_bias", "_scale_inv")):
            return "f32"
        return "f8e4m3fn" if f"{name}_scale_inv" in self.shapes else self.dtype

    def __getitem__(self, name):
        shape, dtype = self.shapes[name], self.dtype_of(name)
        master = self.master or dtype
        return Array(dtype, shape, [cast(master, dtype, element(name, i, master))
                                    for i in range(prod(shape))])

    def layer(self, number, name, kind="weight"):
        """`kind` is weight, or weight_scale_inv."""
        return self[f"model.layers.{number}.{name}.{kind}"]

    def has(self, name):
        return name in self.shapes


def is_moe(config, layer):
    if "n_routed_experts" in config:
        return layer >= config["first_k_dense_replace"]
    return "num_experts" in config


def num_experts(config):
    return config.get("n_routed_experts", config.get("num_experts"))


def tensors_of(config):
    """In the order in which the model registers its parameters."""
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    yield "model.embed_tokens.weight", [vocab, hidden]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        attention = latent_attention if "kv_lora_rank" in config else grouped_attention
        for name, shape in attention(config):
            yield f"{prefix}self_attn.{name}.weight", shape
        for name, shape in mixture(config) if is_moe(config, layer) else \
                feed_forward(hidden, config["intermediate_size"]):
            yield f"{prefix}mlp.{name}", shape
        yield prefix + "input_layernorm.weight", [hidden]
        yield prefix + "post_attention_layernorm.weight", [hidden]
    yield "model.norm.weight", [hidden]
    if not config.get("tie_word_embeddings"):
        yield "lm_head.weight", [vocab, hidden]


def scales_of(config, shapes):
    """One scale for each block of every projection's weight."""
    block = config["quantization_config"]["weight_block_size"]
    for name, shape in shapes.items():
        if "_proj" in name:
            yield f"{name}_scale_inv", [-(-extent // size) for extent, size in zip(shape, block)]


def grouped_attention(config):
    hidden, head = config["hidden_size"], config["head_dim"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    yield "q_proj", [heads * head, hidden]
    yield "k_proj", [kv_heads * head, hidden]
    yield "v_proj", [kv_heads * head, hidden]
    yield "o_proj", [hidden, heads * head]
    if config["model_type"].startswith("qwen3"):
        yield "q_norm", [head]
        yield "k_norm", [head]


def latent_attention(config):
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    query, latent = config["q_lora_rank"], config["kv_lora_rank"]
    nope, rope = config["qk_nope_head_dim"], config["qk_rope_head_dim"]
    value = config["v_head_dim"]
    yield "q_a_proj", [query, hidden]
    yield "q_a_layernorm", [query]
    yield "q_b_proj", [heads * (nope + rope), query]
    yield "kv_a_proj_with_mqa", [latent + rope, hidden]
    yield "kv_a_layernorm", [latent]
    yield "kv_b_proj", [heads * (nope + value), latent]
    yield "o_proj", [hidden, heads * value]


def feed_forward(hidden, intermediate):
    yield "gate_proj.weight", [intermediate, hidden]
    yield "up_proj.weight", [intermediate, hidden]
    yield "down_proj.weight", [hidden, intermediate]


def mixture(config):
    hidden, intermediate = config["hidden_size"], config["moe_intermediate_size"]
    experts = num_experts(config)
    yield "gate.weight", [experts, hidden]
    if "n_routed_experts" in config:
        yield "gate.e_score_correction_bias", [experts]
        for name, shape in feed_forward(hidden, intermediate * config["n_shared_experts"]):
            yield f"shared_experts.{name}", shape
    for expert in range(experts):
        for name, shape in feed_forward(hidden, intermediate):
            yield f"experts.{expert}.{name}", shape
