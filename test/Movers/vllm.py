"""What each rank of a vLLM server holds of a checkpoint, under vLLM's own names.

- qkv_proj is the rank's query rows, then its key rows, then its value rows; with more ranks than
  KV heads, tp / heads neighbours hold the same head.
- gate_up_proj is the rank's gate rows, then its up rows.
- Experts are stacked, w13 [experts, 2 * intermediate, hidden] and w2 [experts, hidden,
  intermediate]: whole experts over all ranks (ep > 1), or every expert cut over all ranks.
- The vocabulary is padded with zeros to a multiple of 64 and cut in equal rows.
- Latent attention: q_a and kv_a fused and whole on every rank, q_b and kv_b cut by heads; on
  request the absorbed matrices W_UK_T and W_UV, which are kv_b's halves permuted.
- Block scales lie beside their weights, fused and cut like them, block by block.
- Ranks: tp is the fastest, then pp, then dp. Layers keep their numbers on every stage.
Entry point: parameters.
"""
from arrays import cat, stack
from checkpoint import is_moe, num_experts


class Rank:
    def __init__(self, checkpoint, job, number):
        self.checkpoint, self.config, self.job = checkpoint, checkpoint.config, job
        self.tp = number % job["tp"]
        self.stage = number // job["tp"] % job.get("pp", 1)
        self.ep = number // (job["tp"] * job.get("pp", 1)) * job["tp"] + self.tp
        self.parameters = {}

    def build(self):
        stages = self.job.get("pp", 1)
        layers = self.config["num_hidden_layers"] // stages
        tied = not self.checkpoint.has("lm_head.weight")
        if self.stage == 0 or (tied and self.stage == stages - 1):
            self.parameters["model.embed_tokens.weight"] = self.vocabulary("model.embed_tokens")
        for layer in range(self.stage * layers, (self.stage + 1) * layers):
            self.add_layer(layer)
        if self.stage == stages - 1:
            self.parameters["model.norm.weight"] = self.checkpoint["model.norm.weight"]
            if not tied:
                self.parameters["lm_head.weight"] = self.vocabulary("lm_head")
        return self.parameters

    def rows(self, array):
        return array.piece(0, self.tp, self.job["tp"])

    def columns(self, array):
        return array.piece(1, self.tp, self.job["tp"])

    def vocabulary(self, name):
        rows = -(-self.config["vocab_size"] // 64) * 64
        return self.rows(self.checkpoint[f"{name}.weight"].pad_rows(rows, self.checkpoint.padding))

    def add_layer(self, layer):
        self.prefix = f"model.layers.{layer}."
        self.kind = "weight"
        self.add_whole(layer)
        quantized = self.checkpoint.is_quantized()
        for self.kind in ("weight", "weight_scale_inv") if quantized else ("weight",):
            self.add_projections(layer)

    def add_whole(self, layer):
        """What is neither cut nor quantised."""
        names = ["input_layernorm", "post_attention_layernorm"]
        if "kv_lora_rank" in self.config:
            names += ["self_attn.q_a_layernorm", "self_attn.kv_a_layernorm"]
        elif self.config["model_type"].startswith("qwen3"):
            names += ["self_attn.q_norm", "self_attn.k_norm"]
        if is_moe(self.config, layer):
            names.append("mlp.gate")
        for name in names:
            self.put(name, self.load(layer, name))
        bias = f"{self.prefix}mlp.gate.e_score_correction_bias"
        if self.checkpoint.has(bias):
            self.parameters[bias] = self.checkpoint[bias]

    def add_projections(self, layer):
        if "kv_lora_rank" in self.config:
            self.add_latent_attention(layer)
        else:
            self.put("self_attn.qkv_proj", self.fused_qkv(layer))
        self.put("self_attn.o_proj", self.columns(self.load(layer, "self_attn.o_proj")))
        if is_moe(self.config, layer):
            self.add_mixture(layer)
        else:
            self.add_feed_forward(layer, "mlp")

    def put(self, name, array):
        self.parameters[f"{self.prefix}{name}.{self.kind}"] = array

    def load(self, layer, name):
        return self.checkpoint.layer(layer, name, self.kind)

    def fused_qkv(self, layer):
        tp, kv_heads = self.job["tp"], self.config["num_key_value_heads"]
        q, k, v = (self.load(layer, f"self_attn.{name}_proj") for name in "qkv")
        if tp <= kv_heads:
            return cat([self.rows(q), self.rows(k), self.rows(v)])
        head = self.tp // (tp // kv_heads)
        return cat([self.rows(q), k.piece(0, head, kv_heads), v.piece(0, head, kv_heads)])

    def add_latent_attention(self, layer):
        def load(name):
            return self.load(layer, f"self_attn.{name}")
        self.put("self_attn.fused_qkv_a_proj", cat([load("q_a_proj"), load("kv_a_proj_with_mqa")]))
        self.put("self_attn.q_b_proj", self.rows(load("q_b_proj")))
        kv_b = self.rows(load("kv_b_proj"))
        self.put("self_attn.kv_b_proj", kv_b)
        if self.job.get("absorbed"):
            nope, value = self.config["qk_nope_head_dim"], self.config["v_head_dim"]
            heads, latent = kv_b.shape[0] // (nope + value), kv_b.shape[1]
            by_head = kv_b.permute(1, 0).reshape(latent, heads, nope + value)
            keys, values = by_head.narrow(2, 0, nope), by_head.narrow(2, nope, nope + value)
            self.parameters[f"{self.prefix}self_attn.W_UK_T"] = keys.permute(1, 2, 0)
            self.parameters[f"{self.prefix}self_attn.W_UV"] = values.permute(1, 0, 2)

    def add_feed_forward(self, layer, module):
        gate, up, down = (self.load(layer, f"{module}.{name}_proj")
                          for name in ("gate", "up", "down"))
        self.put(f"{module}.gate_up_proj", cat([self.rows(gate), self.rows(up)]))
        self.put(f"{module}.down_proj", self.columns(down))

    def add_mixture(self, layer):
        if self.config.get("n_shared_experts"):
            self.add_feed_forward(layer, "mlp.shared_experts")
        experts = range(num_experts(self.config))
        cut, count = self.ep, self.job["tp"] * self.job.get("dp", 1)
        if self.job.get("ep", 1) > 1:
            local = len(experts) // self.job["ep"]
            experts, cut, count = experts[self.ep * local:(self.ep + 1) * local], 0, 1

        def load(expert, half):
            return self.load(layer, f"mlp.experts.{expert}.{half}_proj")
        self.parameters[f"{self.prefix}mlp.experts.w13_{self.kind}"] = stack(
            cat(load(expert, half).piece(0, cut, count) for half in ("gate", "up"))
            for expert in experts)
        self.parameters[f"{self.prefix}mlp.experts.w2_{self.kind}"] = stack(
            load(expert, "down").piece(1, cut, count) for expert in experts)


def num_ranks(job):
    return job["tp"] * job.get("pp", 1) * job.get("dp", 1)


def parameters(checkpoint, job):
    """For each rank: name -> array."""
    return [Rank(checkpoint, job, number).build() for number in range(num_ranks(job))]
