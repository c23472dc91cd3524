"""make_seeds.py REPOSITORY TOOLS OUT: seed inputs and dictionaries for the fuzzers.

Makes OUT/NAME/, the seeds of fuzz-NAME, and OUT/NAME.dict, out of what the repository already has: the
texts of the tests and of the documentation, the plans of those that are jobs, the grammar, `--help`.
"""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

MAX_BYTES = 8192  # a seed; longer ones only slow a fuzzer down
BOUNDARIES = ["0", "1", "255", "256", "65535", "65536", "16777216", "1048576", "1048577", "2147483647",
              "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-1"]


class Repository:
    def __init__(self, root, tools):
        self.root, self.tools = pathlib.Path(root), pathlib.Path(tools)

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="surrogateescape")

    def paths(self, *patterns):
        return sorted(path for pattern in patterns for path in self.root.glob(pattern))

    def run(self, tool, *arguments, text=""):
        """Standard output, or nothing if the tool refuses the text."""
        done = subprocess.run([self.tools / tool, *arguments], capture_output=True,
                              input=text.encode(errors="surrogateescape"))
        return done.stdout if done.returncode == 0 else b""

    def texts(self):
        """The cases of every test and the blocks of every page, without lines of comment."""
        cases = []
        for path in self.paths("test/**/*.xfer", "docs/examples/*.xfer"):
            cases += re.split(r"^// -----$", self.read(path), flags=re.MULTILINE)
        for path in self.paths("docs/*.md"):
            cases += re.findall(r"^```xfer\n(.*?)^```$", self.read(path), re.MULTILINE | re.DOTALL)
        return [re.sub(r"^\s*//.*\n", "", case, flags=re.MULTILINE).strip() + "\n" for case in cases]

    def jobs(self):
        """Small texts that a pipeline may take."""
        return [text for text in dict.fromkeys(self.texts())
                if len(text) < 1000 and "source" in text and "target" in text]

    def run_lines(self):
        """The command lines of every test, with continued lines joined."""
        lines = "\n".join(self.read(path) for path in self.paths("test/**/*.xfer", "test/**/*.test"))
        return re.findall(r"RUN: (.*)", re.sub(r"\\\n\W*RUN:", "", lines))


def text_seeds(repository):
    texts = [text.encode(errors="surrogateescape") for text in repository.texts()]
    return texts + [repository.run("xfer-opt", "--default-pipeline", text=text)
                    for text in repository.jobs()]


def plan_seeds(repository):
    for text in repository.jobs():
        yield repository.run("xfer-opt", "--emit=plan", text=text)


def pipeline_seeds(repository):
    passes = option_words(repository)
    for line in repository.run_lines():
        for text in re.findall(r"--pass-pipeline=(\"[^\"]*\"|'[^']*'|\S+)", line):
            yield text.strip("\"'").encode()
        for name, options in re.findall(r"--([a-z]+-[a-z-]+)=(\"[^\"]*\"|\{[^}]*\}|\S+)", line):
            if name in passes:
                yield f"{name}{{{options.strip('{}')}}}".encode()


def side_seeds(repository):
    for line in repository.run_lines():
        sides = re.findall(r"--(?:train|generation)[= ](\S+)", line)
        if sides:
            yield "\n".join(sides[:2]).encode()


SMALLER = {"num_hidden_layers": 2, "num_experts": 4, "n_routed_experts": 4, "hidden_size": 64,
           "vocab_size": 100, "num_nextn_predict_layers": 1, "first_k_dense_replace": 1}
TENSORS = {"model.embed_tokens.weight": {"shape": [100, 16], "dtype": "BF16"},
           "model.layers.0.mlp.up.weight": {"shape": [3], "dtype": "F32", "data_offsets": [0, 12]},
           "model.layers.0.self_attn.q_norm.weight": {"shape": [4], "dtype": "F8_E4M3"}}
INDEX = {"metadata": {"total_size": 1}, "weight_map": {name: "shard-1.safetensors" for name in TENSORS}}
JOBS = [
    {"train": {"framework": "megatron", "num_gpus": 4, "tp_size": 2, "pp_size": 2, "layers": [1, 1]},
     "generation": {"framework": "vllm", "tp_size": 2}},
    {"train": {"framework": "fsdp", "fsdp": 4, "dtype": "f32", "flat": True},
     "generation": {"framework": "vllm", "num_gpus": 4, "ep": 2, "first_rank": 0, "absorbed": True}},
    {"train": {"framework": "megatron", "ep": 2, "dp": 2, "vpp": 2, "pp": 1, "experts": "grouped"}},
    {"generation": {"framework": "vllm", "tp": 8, "dp": 2, "ep": 16, "w13": "up_gate"}}]


def frontend_seeds(repository):
    for path in repository.paths("test/Frontend/models/*/config.json", "docs/examples/*/config.json"):
        config = json.loads(path.read_text())
        config.update({name: size for name, size in SMALLER.items() if name in config})
        for job in JOBS:
            for tensors in ("", INDEX):
                yield b"\0".join(json.dumps(part).encode() if part else b""
                                 for part in (config, tensors, job))
    for job in JOBS:
        yield b"\0".join([b"", json.dumps(TENSORS).encode(), json.dumps(job).encode()])


def safetensors_seeds(_):
    def file(header, data=b""):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    tensor = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    yield file({})
    yield file({"__metadata__": {"format": "pt"}, "a": tensor}, bytes(24))
    yield file({"a": tensor, "b": {"dtype": "BOOL", "shape": [], "data_offsets": [24, 25]},
                "c": {"dtype": "F8_E4M3", "shape": [0, 7], "data_offsets": [25, 25]}}, bytes(25))
    yield file(b'{"\\u0061\\ud83d\\ude00": {"dtype": "I64", "shape": [1e0], "data_offsets": [0, 8]}}', bytes(8))


def grammar_words(repository):
    grammar = repository.read("docs/LangRef.md").split("## Grammar")[1]
    return re.findall(r"'([^']+)'", grammar) + BOUNDARIES + ["@", "//", "\n", "d1[0:2]", "table [1, 0]"]


def option_words(repository):
    lines = repository.run("xfer-opt", "--help").decode()
    return re.findall(r"^(?:  --|      )([a-z-]+)", lines.split("Passes,")[1], re.MULTILINE) + BOUNDARIES + list("{}=,\"\\ ")


def json_words(repository):
    configs = [json.loads(path.read_text())
               for path in repository.paths("test/Frontend/models/*/config.json")]
    names = {word for config in configs for name, value in config.items()
             for word in (name, value) if isinstance(word, str)}
    fields = ["weight_map", "shape", "dtype", "data_offsets", "__metadata__", "framework", "layers",
              "num_experts", "decoder_sparse_step", "mlp_only_layers", "weight_block_size",
              "modules_to_not_convert", "quant_method", "F32", "BF16", "F8_E4M3", "BOOL", "I64"]
    words = [f'"{word}"' for word in [*sorted(names), *fields, *side_words(repository)]]
    return words + BOUNDARIES + ["{", "}", "[", "]", ":", ",", "null", "true", "false", "1e9", "2.0",
                                 "\\u0000", "\\ud800", "\0"]


def side_words(repository):
    lines = repository.run("xfer-translate", "--help").decode().split("Sides;")[1]
    names = re.findall(r"^ {6}(\S+)", lines, re.MULTILINE)
    return re.findall(r"[a-z_0-9]+", " ".join(names)) + ["x", "+", ":", "=", ","]


FUZZERS = {  # name: seeds, words of the dictionary
    "text": (text_seeds, grammar_words),
    "compile": (text_seeds, grammar_words),
    "pipeline": (pipeline_seeds, option_words),
    "plan": (plan_seeds, None),
    "read-plan": (plan_seeds, None),
    "safetensors": (safetensors_seeds, json_words),
    "frontend": (frontend_seeds, json_words),
    "sides": (side_seeds, lambda repository: side_words(repository) + BOUNDARIES),
    "rendezvous": (lambda _: [bytes(range(64)), bytes([1, 2] * 64)], None),
}


def main(root, tools, out):
    repository = Repository(root, tools)
    for name, (make_seeds, make_words) in FUZZERS.items():
        folder = pathlib.Path(out) / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seeds = dict.fromkeys(seed for seed in make_seeds(repository) if 0 < len(seed) <= MAX_BYTES)
        for number, seed in enumerate(seeds):
            (folder / f"{number:04}").write_bytes(seed)
        words = dict.fromkeys(make_words(repository)) if make_words else []
        lines = ['"%s"' % "".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words]
        (pathlib.Path(out) / f"{name}.dict").write_text("\n".join(lines) + "\n")
        if not seeds:
            sys.exit(f"error: no seeds for fuzz-{name}")


main(*sys.argv[1:])
