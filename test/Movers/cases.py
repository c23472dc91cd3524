"""Models, jobs and the texts that were written by hand for them.

A side is (framework, job); trainer ranks come first, the server's follow. A written case may say
only a part of what the movers know: COMPLETE texts must name every parameter of both sides.
"""
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

DENSE = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "torch_dtype": "bfloat16",
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 16, "num_key_value_heads": 4,
    "head_dim": 4, "intermediate_size": 24, "vocab_size": 300, "tie_word_embeddings": False,
    "attention_bias": False,
}
MIXTURE = {
    "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "torch_dtype": "bfloat16",
    "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2,
    "head_dim": 4, "intermediate_size": 24, "moe_intermediate_size": 12, "num_experts": 4,
    "num_experts_per_tok": 2, "decoder_sparse_step": 1, "mlp_only_layers": [],
    "norm_topk_prob": True, "vocab_size": 100, "tie_word_embeddings": True,
    "attention_bias": False,
}
LATENT = {
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
    "torch_dtype": "bfloat16", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 4, "q_lora_rank": 10, "kv_lora_rank": 12, "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 2, "v_head_dim": 4, "intermediate_size": 12, "moe_intermediate_size": 6,
    "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2,
    "first_k_dense_replace": 0, "moe_layer_freq": 1, "topk_method": "noaux_tc",
    "num_nextn_predict_layers": 0, "vocab_size": 100, "tie_word_embeddings": False,
    "attention_bias": False,
}
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
    "hidden_size": 6, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 3, "intermediate_size": 10, "vocab_size": 20, "tie_word_embeddings": True,
    "attention_bias": False, "mlp_bias": False,
}


def megatron(tp=1, pp=1, ep=1, dp=1, etp=1, cp=1):
    return "megatron", {"tp": tp, "pp": pp, "ep": ep, "dp": dp, "etp": etp, "cp": cp}


def fsdp(ranks, flat=False):
    return "fsdp", {"fsdp": ranks, "flat": flat}


def vllm(tp=1, dp=1, ep=1, pp=1, absorbed=False):
    """Without expert parallelism vLLM cuts experts over all ranks of one deployment."""
    etp = dp * tp if ep == 1 and dp > 1 else 1
    return "vllm", {"tp": tp, "dp": dp, "ep": ep, "pp": pp, "etp": etp, "absorbed": absorbed}


@dataclass
class Written:
    name: str
    file: str
    config: dict
    train: Tuple[str, dict]
    serve: Tuple[str, dict]
    complete: bool = True
    changes: List[Tuple[str, str]] = field(default_factory=list)  # to the file's text


def dense(train_tp, serve_tp):
    """The dense text for other numbers of ranks."""
    changes = [("mesh @train = [tp=2]", f"mesh @train = [tp={train_tp}]"),
               ("[tp=4] ranks [2:6]", f"[tp={serve_tp}] ranks [{train_tp}:{train_tp + serve_tp}]"),
               ("pad:212", f"pad:{-300 % (128 * train_tp)}")]
    if serve_tp > 4:
        changes.append(("{tp} | {tp} | {tp}", "{tp} | {tp:(1)4} | {tp:(1)4}"))
    return Written(f"dense tp{train_tp} to tp{serve_tp}", "dense.xfer", DENSE,
                   megatron(tp=train_tp), vllm(tp=serve_tp), True, changes)


EXPERTS_BY_TP = [("[{tp}, {} | {}, {}]", "[{}, {tp} | {tp}, {}]"),
                 ("bf16[4, 8, 12] on @serve split [{tp}, {}, {}]",
                  "bf16[4, 8, 12] on @serve split [{}, {}, {tp}]")]

WRITTEN = [
    dense(2, 4),
    dense(4, 2),
    dense(8, 2),  # Megatron cuts in the middle of KV groups
    dense(1, 8),  # vLLM's ranks share KV heads
    dense(8, 8),
    Written("experts pp2 tp2 ep2 to ep4", "experts.xfer", MIXTURE, megatron(tp=2, pp=2, ep=2),
            vllm(tp=4, ep=4), complete=False),
    Written("experts pp2 tp2 ep2 to tp4", "experts.xfer", MIXTURE, megatron(tp=2, pp=2, ep=2),
            vllm(tp=4), complete=False, changes=EXPERTS_BY_TP),
    Written("latent attention", "latent-attention.xfer", LATENT, megatron(tp=2, dp=2, ep=4),
            vllm(tp=2, dp=2, ep=4, absorbed=True), complete=False),
    Written("flat", "flat.xfer", LLAMA, fsdp(4, flat=True), vllm(tp=2), complete=False),
]


@dataclass
class Generated:
    """A transfer whose text is made from the model's and the job's description."""
    config: dict
    train: Tuple[str, dict]
    serve: Tuple[str, dict]
    masters: Optional[str] = None
    unread: Tuple[str, ...] = ()  # what the trainer holds twice, and need not be read

    def arguments(self):
        train = spelled(self.train)
        if self.masters:
            train += f",dtype={self.masters}"
        return [f"--train={train}", f"--generation={spelled(self.serve)}"]

    def name(self):
        return f"{self.config['model_type']} {spelled(self.train)} to {spelled(self.serve)}"


def spelled(side):
    framework, sizes = side
    options = [f"{name}={str(size).lower()}" for name, size in sizes.items()
               if size is True or size > 1 or name == "tp"]
    return f"{framework}:{','.join(options)}"


TWO_LAYERS = {**DENSE, "num_hidden_layers": 2}
DEEP_LATENT = {**LATENT, "num_hidden_layers": 4, "first_k_dense_replace": 1, "n_routed_experts": 8,
               "moe_intermediate_size": 8}
# Blocks of 4 x 4; the 14 rows of kv_a are three and a half.
QUANTISED = {**DEEP_LATENT, "num_hidden_layers": 2, "q_lora_rank": 8, "kv_lora_rank": 10,
             "moe_intermediate_size": 16, "intermediate_size": 32, "qk_nope_head_dim": 4,
             "qk_rope_head_dim": 4,
             "quantization_config": {"quant_method": "fp8", "fmt": "e4m3",
                                     "activation_scheme": "dynamic", "weight_block_size": [4, 4]}}
TIED_COPY = ("output_layer.weight",)  # of the embedding, on the last stage

GENERATED = [
    *(Generated(DENSE, megatron(tp=train), vllm(tp=serve))
      for train, serve in ((2, 4), (4, 2), (8, 2), (1, 8), (8, 8))),
    Generated(TWO_LAYERS, megatron(tp=2, pp=2, dp=2), vllm(tp=2, dp=2)),
    Generated(MIXTURE, megatron(tp=2, pp=2, ep=2), vllm(tp=4, ep=4), unread=TIED_COPY),
    Generated(MIXTURE, megatron(tp=2, pp=2, ep=2), vllm(tp=4), unread=TIED_COPY),
    Generated(MIXTURE, megatron(ep=4, dp=4), vllm(tp=4)),
    Generated(MIXTURE, megatron(tp=2, ep=2, dp=4), vllm(tp=2, dp=2)),
    Generated(MIXTURE, megatron(tp=2, ep=2, dp=2, etp=2), vllm(tp=2, dp=2, ep=4)),
    Generated(DEEP_LATENT, megatron(tp=2, pp=2, ep=4, dp=2), vllm(tp=2, dp=4, ep=8)),
    Generated(DEEP_LATENT, megatron(ep=8, dp=8), vllm(tp=4)),
    Generated(TWO_LAYERS, megatron(tp=2, cp=2, dp=2), vllm(tp=2, pp=2)),
    Generated(DEEP_LATENT, megatron(tp=2, pp=4, ep=2), vllm(tp=2, pp=2, ep=2)),
    Generated(LLAMA, fsdp(4), vllm(tp=2), masters="f32"),
    Generated(DENSE, fsdp(3), vllm(tp=4), masters="f32"),
    Generated(DEEP_LATENT, fsdp(8), vllm(tp=2, dp=2, ep=4, absorbed=True)),
    Generated(LLAMA, fsdp(4, flat=True), vllm(tp=2)),
    Generated(LLAMA, fsdp(3), fsdp(2)),
    # The other way round, and between equals.
    Generated(DENSE, vllm(tp=2), megatron(tp=4)),
    Generated(DENSE, megatron(tp=2), megatron(tp=8)),
    Generated(DEEP_LATENT, megatron(tp=2, pp=2, ep=4, dp=2), megatron(ep=8, dp=8)),
    Generated(MIXTURE, vllm(tp=4, ep=4), megatron(tp=2, pp=2, ep=2)),
    Generated(MIXTURE, megatron(tp=2, pp=2, ep=2), fsdp(4), unread=TIED_COPY),
    Generated(LLAMA, vllm(tp=2), fsdp(4, flat=True)),
    Generated(QUANTISED, vllm(tp=2, dp=2, ep=4), vllm(tp=4)),
    Generated(QUANTISED, vllm(tp=4), vllm(tp=2, dp=4, ep=8)),
]
