"""What each rank of Megatron-Core holds of a checkpoint, under Megatron's own names.

- linear_qkv interleaves by KV group: the group's query heads, its key head, its value head. The
  whole is cut in equal rows, in the middle of a group when tp exceeds the groups.
- linear_fc1 is the rank's gate rows, then its up rows.
- The vocabulary is padded to a multiple of 128 * tp and cut in equal rows.
- Latent attention: the down projections are whole on every rank, the up projections cut by heads.
- Ranks: tp is the fastest, then cp, dp and pp; for experts etp, ep, their data parallelism, pp.
- Stages number their layers from 0.
Entry point: parameters.
"""
from arrays import cat
from checkpoint import is_moe, num_experts


class Rank:
    """One rank's coordinates and its parameters."""

    def __init__(self, checkpoint, job, number):
        self.checkpoint, self.config, self.job = checkpoint, checkpoint.config, job
        stage_ranks = job["tp"] * job.get("cp", 1) * job["dp"]
        self.stage, inside = divmod(number, stage_ranks)
        self.tp = inside % job["tp"]
        self.expert_tp = inside % job["etp"]
        self.ep = inside // job["etp"] % job["ep"]
        self.parameters = {}

    def build(self):
        layers, rest = divmod(self.config["num_hidden_layers"], self.job["pp"])
        assert not rest
        if self.stage == 0:
            self.put("embedding.word_embeddings.weight",
                     self.vocabulary("model.embed_tokens.weight"))
        for local in range(layers):
            self.add_layer(local, self.stage * layers + local)
        if self.stage == self.job["pp"] - 1:
            self.put("decoder.final_layernorm.weight", self.checkpoint["model.norm.weight"])
            tied = not self.checkpoint.has("lm_head.weight")
            if not tied or self.stage > 0:
                self.put("output_layer.weight", self.vocabulary(
                    "model.embed_tokens.weight" if tied else "lm_head.weight"))
        return self.parameters

    def put(self, name, array):
        self.parameters[name] = array

    def rows(self, array):
        return array.piece(0, self.tp, self.job["tp"])

    def columns(self, array):
        return array.piece(1, self.tp, self.job["tp"])

    def vocabulary(self, name):
        multiple = 128 * self.job["tp"]
        rows = -(-self.config["vocab_size"] // multiple) * multiple
        return self.rows(self.checkpoint[name].pad_rows(rows, self.checkpoint.padding))

    def gate_and_up(self, layer, module, tp, count):
        return cat(self.checkpoint.layer(layer, f"{module}.{half}_proj").piece(0, tp, count)
                   for half in ("gate", "up"))

    def add_layer(self, local, layer):
        def load(name):
            return self.checkpoint.layer(layer, name)
        attention = f"decoder.layers.{local}.self_attention."
        if "kv_lora_rank" in self.config:
            self.put(f"decoder.layers.{local}.input_layernorm.weight", load("input_layernorm"))
            self.add_latent_attention(attention, load)
        else:
            self.put(attention + "linear_qkv.layer_norm_weight", load("input_layernorm"))
            self.put(attention + "linear_qkv.weight", self.grouped_qkv(load))
            if self.config["model_type"].startswith("qwen3"):
                self.put(attention + "q_layernorm.weight", load("self_attn.q_norm"))
                self.put(attention + "k_layernorm.weight", load("self_attn.k_norm"))
        self.put(attention + "linear_proj.weight", self.columns(load("self_attn.o_proj")))
        if is_moe(self.config, layer):
            self.add_mixture(local, layer)
        else:
            mlp = f"decoder.layers.{local}.mlp."
            self.put(mlp + "linear_fc1.layer_norm_weight", load("post_attention_layernorm"))
            self.put(mlp + "linear_fc1.weight",
                     self.gate_and_up(layer, "mlp", self.tp, self.job["tp"]))
            self.put(mlp + "linear_fc2.weight", self.columns(load("mlp.down_proj")))

    def grouped_qkv(self, load):
        head, groups = self.config["head_dim"], self.config["num_key_value_heads"]
        query = self.config["num_attention_heads"] // groups * head
        q, k, v = (load(f"self_attn.{name}_proj") for name in "qkv")
        interleaved = []
        for group in range(groups):
            interleaved += [q.narrow(0, group * query, (group + 1) * query),
                            k.narrow(0, group * head, (group + 1) * head),
                            v.narrow(0, group * head, (group + 1) * head)]
        return self.rows(cat(interleaved))

    def add_latent_attention(self, prefix, load):
        self.put(prefix + "linear_q_down_proj.weight", load("self_attn.q_a_proj"))
        self.put(prefix + "linear_q_up_proj.layer_norm_weight", load("self_attn.q_a_layernorm"))
        self.put(prefix + "linear_q_up_proj.weight", self.rows(load("self_attn.q_b_proj")))
        self.put(prefix + "linear_kv_down_proj.weight", load("self_attn.kv_a_proj_with_mqa"))
        self.put(prefix + "linear_kv_up_proj.layer_norm_weight", load("self_attn.kv_a_layernorm"))
        self.put(prefix + "linear_kv_up_proj.weight", self.rows(load("self_attn.kv_b_proj")))

    def add_mixture(self, local, layer):
        mlp = f"decoder.layers.{local}.mlp."
        self.put(f"decoder.layers.{local}.pre_mlp_layernorm.weight",
                 self.checkpoint.layer(layer, "post_attention_layernorm"))
        self.put(mlp + "router.weight", self.checkpoint.layer(layer, "mlp.gate"))
        bias = f"model.layers.{layer}.mlp.gate.e_score_correction_bias"
        if self.checkpoint.has(bias):
            self.put(mlp + "router.expert_bias", self.checkpoint[bias])
        if self.config.get("n_shared_experts"):
            self.put(mlp + "shared_experts.linear_fc1.weight",
                     self.gate_and_up(layer, "mlp.shared_experts", self.tp, self.job["tp"]))
            self.put(mlp + "shared_experts.linear_fc2.weight",
                     self.columns(self.checkpoint.layer(layer, "mlp.shared_experts.down_proj")))
        local_experts = num_experts(self.config) // self.job["ep"]
        for index in range(local_experts):
            expert = f"mlp.experts.{self.ep * local_experts + index}"
            down = self.checkpoint.layer(layer, f"{expert}.down_proj")
            self.put(mlp + f"experts.linear_fc1.weight{index}",
                     self.gate_and_up(layer, expert, self.expert_tp, self.job["etp"]))
            self.put(mlp + f"experts.linear_fc2.weight{index}",
                     down.piece(1, self.expert_tp, self.job["etp"]))


def num_ranks(job):
    return job["tp"] * job.get("cp", 1) * job["dp"] * job["pp"]


def parameters(checkpoint, job):
    """For each rank: name -> array."""
    return [Rank(checkpoint, job, number).build() for number in range(num_ranks(job))]
