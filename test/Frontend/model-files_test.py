# RUN: %python %s %xfer-translate %t %examples/qwen3-moe-megatron-vllm/config.json %S/models
"""Models from safetensors files and their indices; files that are damaged or hostile."""
import json
import os
import shutil
import struct
import subprocess
import sys
import unittest

TOOL, SCRATCH, CONFIG, MODELS = sys.argv[1:5]
BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1}


def run_tool(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=60)


def translate(*models, train="fsdp:dp=2", generation="vllm:tp=2"):
    return run_tool(*models, "--train", train, "--generation", generation)


def tensors_of(text):
    """{name: (dtype, shape)} of the declarations in xfer text."""
    names = {"bf16": "BF16", "f32": "F32", "f8e4m3fn": "F8_E4M3"}
    result = {}
    for line in text.splitlines():
        if line.startswith("tensor @"):
            name, description = line[len("tensor @"):].split(" scales ")[0].split(" : ")
            dtype, shape = description.rstrip("]").split("[")
            result[name] = (names[dtype], [int(extent) for extent in shape.split(", ")])
    return result


def size_of(dtype, shape):
    size = BYTES[dtype]
    for extent in shape:
        size *= extent
    return size


def header_of(tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in tensors.items():
        end = offset + size_of(dtype, shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    return json.dumps(header).encode(), offset


class ModelFiles(unittest.TestCase):
    def setUp(self):
        self.directory = os.path.join(SCRATCH, self._testMethodName)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def write_safetensors(self, name, tensors):
        """Writes a header and a hole where the data would be."""
        header, size = header_of(tensors)
        path = self.write(name, struct.pack("<Q", len(header)) + header)
        os.truncate(path, 8 + len(header) + size)
        return path

    def example(self):
        result = translate(CONFIG)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, tensors_of(result.stdout)

    def write_shards(self, tensors, count=3):
        names = sorted(tensors)
        files = [f"model-{i + 1:05}-of-{count:05}.safetensors" for i in range(count)]
        weight_map = {name: files[i % count] for i, name in enumerate(names)}
        for file in files:
            self.write_safetensors(file, {name: tensors[name] for name in names
                                          if weight_map[name] == file})
        index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
        return self.write("model.safetensors.index.json", json.dumps(index))

    def expect_error(self, result, *texts):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        for text in texts:
            self.assertIn(text, result.stderr)

    # What works.

    def test_all_formats_give_the_same_text(self):
        text, tensors = self.example()
        one = self.write_safetensors("all.safetensors", tensors)
        objects = self.write("all.json", json.dumps(
            {name: {"shape": shape, "dtype": dtype} for name, (dtype, shape) in tensors.items()}))
        index = self.write_shards(tensors)
        for model in ([one], [objects], [index], [CONFIG, one], [objects, CONFIG]):
            result = translate(*model)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, text, model)

    def test_directory(self):
        text, tensors = self.example()
        shutil.copy(CONFIG, self.path("config.json"))
        self.assertEqual(translate(self.directory).stdout, text)
        self.write_shards(tensors)
        self.assertEqual(translate(self.directory).stdout, text)

    def test_index_without_its_files_needs_the_configuration(self):
        text, tensors = self.example()
        index = self.write("model.safetensors.index.json", json.dumps(
            {"weight_map": {name: "model-00001-of-00001.safetensors" for name in tensors}}))
        self.assertEqual(translate(index, CONFIG).stdout, text)
        self.expect_error(translate(index), "cannot open '", "model-00001-of-00001.safetensors")

    def test_types_are_those_of_the_files(self):
        _, tensors = self.example()
        tensors["model.norm.weight"] = ("F32", [64])
        result = translate(CONFIG, self.write_safetensors("all.safetensors", tensors))
        self.assertIn("tensor @model.norm.weight : f32[64]", result.stdout)

    def test_prediction_layers_are_left_out(self):
        config = os.path.join(MODELS, "deepseek-v3", "config.json")
        result = translate(config, "--quantization=none")
        self.assertEqual(result.returncode, 0, result.stderr)
        names = list(tensors_of(result.stdout))
        names += ["model.layers.61.eh_proj.weight", "model.layers.61.enorm.weight"]
        index = self.write("index.json", json.dumps(
            {"weight_map": {name: "a.safetensors" for name in names}}))
        with open(config) as file:
            unquantised = json.load(file)
        del unquantised["quantization_config"]
        config = self.write("config.json", json.dumps(unquantised))
        result = translate(config, index)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("//   2 tensors that predict further tokens are left out", result.stdout)
        self.assertNotIn("layers.61", result.stdout)

    def test_scales_are_left_out_for_a_trainer(self):
        with open(CONFIG) as file:
            config = json.load(file)
        config["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [8, 8]}
        path = self.write("config.json", json.dumps(config))
        result = translate(path, train="megatron:tp=2", generation="vllm:tp=2")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("warning: megatron holds no block scales", result.stderr)
        self.assertEqual(tensors_of(result.stdout), self.example()[1])
        self.expect_error(run_tool(path, "--train=megatron", "--generation=vllm",
                                   "--quantization=checkpoint"),
                          "error: megatron holds no block scales, but 91 weights have them")
        servers = translate(path, train="vllm:tp=4", generation="vllm:tp=2")
        self.assertIn("model.layers.0.self_attn.qkv_proj.weight_scale_inv : f32[q:16 | k:8 | v:8, 8]",
                      servers.stdout)

    # Lists that do not fit the configuration.

    def test_missing_tensor(self):
        _, tensors = self.example()
        del tensors["model.layers.2.self_attn.q_norm.weight"]
        self.expect_error(translate(CONFIG, self.write_safetensors("all.safetensors", tensors)),
                          "config.json:1:1: error: the configuration has tensor "
                          "'model.layers.2.self_attn.q_norm.weight', but the list of tensors does "
                          "not")

    def test_extra_tensor(self):
        _, tensors = self.example()
        tensors["model.layers.2.self_attn.gain.weight"] = ("F32", [3])
        path = self.write_safetensors("all.safetensors", tensors)
        self.expect_error(translate(CONFIG, path),
                          "error: vllm has no place for parameter "
                          "'model.layers.2.self_attn.gain.weight'")
        moved = translate(CONFIG, path, generation="fsdp")
        self.assertIn("target @model.layers.2.self_attn.gain.weight on @generation", moved.stdout)

    def test_extra_tensor_whose_file_is_not_here(self):
        names = [*self.example()[1], "model.layers.2.self_attn.gain.weight"]
        index = self.write("index.json", json.dumps(
            {"weight_map": {name: "a.safetensors" for name in names}}))
        self.expect_error(translate(CONFIG, index),
                          "error: tensor 'model.layers.2.self_attn.gain.weight' is not known from the "
                          "configuration, and its file is not beside the index")

    def test_stored_copy_of_a_tied_embedding(self):
        with open(CONFIG) as file:
            config = json.load(file)
        tensors = self.example()[1]
        config["tie_word_embeddings"] = True
        result = translate(self.write("config.json", json.dumps(config)),
                           self.write_safetensors("all.safetensors", tensors))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("//   'lm_head.weight' is tied to the embedding; its copy in the checkpoint "
                      "is left out", result.stdout)
        self.assertNotIn("lm_head.weight", tensors_of(result.stdout))

    def test_other_shape(self):
        _, tensors = self.example()
        tensors["model.norm.weight"] = ("BF16", [65])
        self.expect_error(translate(CONFIG, self.write_safetensors("all.safetensors", tensors)),
                          "all.safetensors (header):1:", "error: tensor 'model.norm.weight' has "
                          "shape [65], but the configuration says [64]")

    def test_structure_is_not_guessed(self):
        path = self.write("list.json", json.dumps(
            {"model.embed_tokens.weight": {"shape": [100, 8], "dtype": "BF16"}}))
        self.expect_error(translate(path), "error: vllm needs the structure of the model",
                          "'head_dim'")

    # Files that are damaged or hostile.

    def test_truncated(self):
        path = self.write_safetensors("a.safetensors", {"w": ("F32", [4])})
        with open(path, "rb") as file:
            content = file.read()
        for size, text in ((4, "has 4 bytes, expected a header length of 8"),
                           (20, "but has only 12 after the length"),
                           (len(content) - 1, "has 15 bytes of data, but its tensors take 16")):
            self.write("a.safetensors", content[:size])
            self.expect_error(translate(path, generation="fsdp"), text)

    def test_huge_header(self):
        path = self.write("a.safetensors", struct.pack("<Q", 2**63) + b"{}")
        self.expect_error(translate(path), "states a header of 9223372036854775808 bytes, expected "
                          "at most 100000000")

    def test_header_errors_have_places(self):
        for header, text in (
                (b'{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
                 "(header):1:34: error: tensor 'w' has a shape that is not a list of sizes: -1"),
                (b'{"w": {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}}',
                 "(header):1:17: error: tensor 'w' has an unknown dtype 'F31'; did you mean 'F32'?"),
                (b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}',
                 "(header):1:54: error: tensor 'w' has 8 bytes, but its shape needs 4"),
                (b'{"w": 1, "w": 2}', "(header):1:10: error: two members of one name: 'w'"),
                (b"[" * 100, "(header):1:34: error: values nest more than 32 deep"),
                (b"{\xff}", "(header):1:2: error: expected a name in quotes, got byte 0xFF")):
            path = self.write("a.safetensors", struct.pack("<Q", len(header)) + header + b"\0" * 4)
            self.expect_error(translate(path), text)

    def test_index_errors(self):
        for index, text in (
                ({"weight_map": []}, ":1:16: error: the index has no object 'weight_map'"),
                ({"weight_map": {"w": 3}}, "error: tensor 'w' is in 3, expected the name of a file"),
                ({"weight_map": {"w": "../a.safetensors"}},
                 "error: '../a.safetensors' is not the name of a file beside the index"),
                ({"weight_map": {"w": "none.safetensors"}}, "none.safetensors': No such file"),
                ({"weight_map": {"w": "a.safetensors", "v": "a.safetensors"}},
                 "error: tensor 'v' is not in 'a.safetensors'"),
                ({"weight_map": {"v": "a.safetensors"}},
                 "error: tensor 'w' is in 'a.safetensors', but the index does not say so")):
            self.write_safetensors("a.safetensors", {"w": ("F32", [4])})
            path = self.write("model.safetensors.index.json", json.dumps(index))
            self.expect_error(translate(path, generation="fsdp"), text)

    def test_what_is_no_model(self):
        self.expect_error(translate(self.path("none.json")), "error: cannot open '")
        self.expect_error(translate(self.directory), "has neither a 'config.json' nor a")
        self.expect_error(translate(CONFIG, CONFIG), "is a second configuration")
        self.write_safetensors("a.safetensors", {"w": ("F32", [4])})
        path = self.path("a.safetensors")
        self.expect_error(translate(path, path), "is a second list of tensors")
        self.expect_error(translate(TOOL), "error: ")
        os.mkdir(self.path("b.safetensors"))
        self.expect_error(translate(self.path("b.safetensors")), "has neither")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
