# RUN: %python %s %xfer-run %t
"""--inputs and --outputs of xfer-run: round trips, and every way in which files can be wrong."""
import os
import resource
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "Inputs"))
import safetensors_file as safetensors
from file_case import FileCase

XFER_RUN, TEMPORARY = sys.argv[1:3]

TEXT = """
mesh @a = [x=2] ranks [0, 1]
mesh @b = [y=2] ranks [3, 4]
tensor @rows : bf16[3, 2]
source @rows : f32 on @a split [{x}, {}]
target @rows on @b split [{}, {y}]
tensor @flag : i1[]
source @flag on @a
target @flag on @b
tensor @none : i64[0, 4]
source @none on @a split [{}, {x}]
target @none on @b
"""


def f32(*values):
    return struct.pack(f"<{len(values)}f", *values)


def bf16(*values):
    """Only for values that bf16 holds exactly."""
    return b"".join(f32(value)[2:] for value in values)


class Files(FileCase):
    xfer_run, temporary, text = XFER_RUN, TEMPORARY, TEXT

    def setUp(self):
        super().setUp()
        self.rank0 = {"rows": ("F32", [2, 2], f32(1, 2, 3, 4)), "flag": ("BOOL", [], b"\1"),
                      "none": ("I64", [0, 2], b"")}
        self.rank1 = {"rows": ("F32", [1, 2], f32(5, -6.5)), "flag": ("BOOL", [], b"\1"),
                      "none": ("I64", [0, 2], b"")}
        self.write_inputs()

    def write_inputs(self):
        self.write_ranks(self.rank0, self.rank1)

    def expect_damaged(self, content, text):
        """Rank 0's file with this content is refused, with the file's name and this text."""
        with open(self.path(0), "wb") as file:
            file.write(content)
        self.expect_error(f"rank 0: cannot read '{self.path(0)}': {text}")

    # What works.

    def test_round_trip(self):
        result = self.run_tool("--verify", "--repeat=3")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(self.outputs)),
                         ["rank3.safetensors", "rank4.safetensors"])
        for rank, column in (3, bf16(1, 3, 5)), (4, bf16(2, 4, -6.5)):
            self.assertEqual(
                safetensors.read(os.path.join(self.outputs, f"rank{rank}.safetensors")),
                {"rows": ("BF16", [3, 1], column), "flag": ("BOOL", [], b"\1"),
                 "none": ("I64", [0, 4], b"")})

    def test_outputs_beside_inputs(self):
        self.outputs = self.inputs
        self.assertEqual(self.run_tool().returncode, 0)
        self.assertEqual(len(os.listdir(self.inputs)), 4)

    def test_every_element_type(self):
        names = {"f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16", "f8e4m3fn": "F8_E4M3",
                 "f8e5m2": "F8_E5M2", "i64": "I64", "i32": "I32", "i16": "I16", "i8": "I8",
                 "u8": "U8", "i1": "BOOL"}
        widths = {"64": 8, "32": 4, "16": 2, "8": 1, "1": 1}
        lines, tensors = ["mesh @a = [x=1] ranks [0]", "mesh @b = [x=1] ranks [1]"], {}
        for name, spelled in names.items():
            width = 1 if name.startswith("f8") else widths[name.lstrip("bfiu")]
            lines += [f"tensor @t.{name} : {name}[3]", f"source @t.{name} on @a",
                      f"target @t.{name} on @b"]
            # Without a cast, bytes arrive as they are, whatever they mean.
            tensors[f"t.{name}"] = (spelled, [3], (b"\1" if name == "i1" else b"\xff") * 3 * width)
        self.write_job("\n".join(lines))
        safetensors.write(self.path(0), tensors)
        result = self.run_tool("--verify")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(safetensors.read(os.path.join(self.outputs, "rank1.safetensors")), tensors)

    # Files that do not fit the declarations.

    def test_missing_file(self):
        os.remove(self.path(1))
        self.expect_error(f"rank 1: cannot open '{self.path(1)}': No such file or directory")

    def test_missing_tensor(self):
        del self.rank1["flag"]
        self.write_inputs()
        self.expect_error("tensor 'flag' of rank 1 in")
        self.expect_error("is missing")

    def test_extra_tensor(self):
        self.rank0["more"] = ("F32", [], f32(1))
        self.write_inputs()
        self.expect_error("is extra: the rank has no source of this name")

    def test_wrong_dtype(self):
        self.rank1["rows"] = ("BF16", [1, 2], bf16(1, 2))
        self.write_inputs()
        self.expect_error("is BF16, expected F32")

    def test_wrong_shape(self):
        self.rank0["rows"] = ("F32", [1, 4], f32(1, 2, 3, 4))
        self.write_inputs()
        self.expect_error("has shape [1, 4], expected [2, 2]")

    def test_wrong_empty_shape(self):
        self.rank0["none"] = ("I64", [0, 4], b"")
        self.write_inputs()
        self.expect_error("has shape [0, 4], expected [0, 2]")

    def test_wrong_bool(self):
        self.rank1["flag"] = ("BOOL", [], b"\2")
        self.write_inputs()
        self.expect_error("has a BOOL that is neither 0 nor 1")

    def test_replicas_differ(self):
        self.rank1["flag"] = ("BOOL", [], b"\0")
        self.write_inputs()
        self.expect_error("replicas of tensor 'flag' differ at []: rank 1 holds 0, but a rank "
                          "before it holds 1", "--verify")

    def test_outputs_would_replace_inputs(self):
        self.write_job(TEXT.replace("[3, 4]", "[1, 2]"))
        self.outputs = os.path.join(self.inputs, ".")
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertIn("--outputs would replace the input file of rank 1", result.stderr)

    def test_outputs_cannot_be_created(self):
        self.outputs = self.job
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: cannot", result.stderr)

    # Files that are damaged or hostile.

    def test_too_short_for_length(self):
        self.expect_damaged(b"\0\0\0", "has 3 bytes, expected a header length of 8")

    def test_header_beyond_file(self):
        self.expect_damaged(struct.pack("<Q", 50) + b"{}",
                            "states a header of 50 bytes, but has only 2 after the length")

    def test_header_huge(self):
        self.expect_damaged(struct.pack("<Q", 2**64 - 1) + b"{}",
                            "states a header of 18446744073709551615 bytes, expected at most "
                            "100000000")

    def test_header_no_json(self):
        self.expect_damaged(safetensors.pack(b"{]", b""),
                            "header:1:2: expected a name in quotes, got ']'")

    def test_header_no_object(self):
        self.expect_damaged(safetensors.pack(b"[]", b""),
                            "header:1:1: expected the header to be an object, got an array")

    def test_header_nested_deeply(self):
        self.expect_damaged(safetensors.pack(b"[" * 1000000, b""),
                            "header:1:34: values nest more than 32 deep")

    def test_duplicate_tensor(self):
        entry = b'"t": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}'
        self.expect_damaged(safetensors.pack(b"{" + entry + b", " + entry + b"}", b"\0"),
                            "header:1:62: two members of one name: 't'")

    def damaged_entry(self, entry, text, data=b"\0\0\0\0"):
        self.expect_damaged(safetensors.pack({"t": entry}, data), "header:1:")
        self.expect_error(text)

    def test_entry_is_no_object(self):
        self.damaged_entry(3, "tensor 't' is not described by an object")

    def test_unknown_field(self):
        self.damaged_entry({"dtype": "F32", "shape": [], "data_offsets": [0, 4], "x": 0},
                           "tensor 't' has an unknown field 'x'")

    def test_no_dtype(self):
        self.damaged_entry({"shape": [], "data_offsets": [0, 4]}, "tensor 't' has no 'dtype'")

    def test_unknown_dtype(self):
        self.damaged_entry({"dtype": "U16", "shape": [2], "data_offsets": [0, 4]},
                           "tensor 't' has an unknown dtype 'U16'")

    def test_no_shape(self):
        self.damaged_entry({"dtype": "F32", "data_offsets": [0, 4]}, "tensor 't' has no 'shape'")

    def test_negative_shape(self):
        self.damaged_entry({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
                           "tensor 't' has a shape that is not a list of sizes")

    def test_fractional_shape(self):
        self.damaged_entry({"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]},
                           "tensor 't' has a shape that is not a list of sizes: 1.0")

    def test_shape_overflows(self):
        self.damaged_entry({"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 4]},
                           "tensor 't' has a shape of more than 2^63 bytes")

    def test_offsets_backwards(self):
        self.damaged_entry({"dtype": "F32", "shape": [], "data_offsets": [4, 0]},
                           "tensor 't' has no 'data_offsets' of a begin and an end")

    def test_offsets_do_not_fit_shape(self):
        self.damaged_entry({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
                           "tensor 't' has 4 bytes, but its shape needs 8")

    def test_hole(self):
        self.damaged_entry({"dtype": "U8", "shape": [2], "data_offsets": [2, 4]},
                           "tensor 't' begins at byte 2 of the data, expected 0")

    def test_overlap(self):
        entry = {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}
        other = {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}
        self.expect_damaged(safetensors.pack({"t": entry, "u": other}, b"\0" * 4),
                            "header:1:")
        self.expect_error("tensor 'u' begins at byte 2 of the data, expected 3")

    def test_trailing_bytes(self):
        self.damaged_entry({"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
                           "has 5 bytes of data, but its tensors take 4", b"\0" * 5)

    def test_truncated_data(self):
        self.damaged_entry({"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
                           "has 3 bytes of data, but its tensors take 4", b"\0" * 3)

    def test_directory_instead_of_file(self):
        os.remove(self.path(0))
        os.mkdir(self.path(0))
        self.expect_error("not a regular file")

    def test_more_ranks_than_open_files(self):
        self.write_job("mesh @a = [x=100]\ntensor @w : u8[100]\n"
                       "source @w on @a split [{x}]\ntarget @w on @a split [{cyclic(x, 1)}]\n")
        for rank in range(100):
            safetensors.write(self.path(rank), {"w": ("U8", [1], bytes([rank]))})
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        result = subprocess.run([XFER_RUN, self.job, f"--inputs={self.inputs}",
                                 f"--outputs={self.outputs}"], capture_output=True, text=True,
                                timeout=60, preexec_fn=lambda: resource.setrlimit(
                                    resource.RLIMIT_NOFILE, (64, most)))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(os.listdir(self.outputs)), 100)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
