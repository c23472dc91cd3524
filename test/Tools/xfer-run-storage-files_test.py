# RUN: %python %s %xfer-run %t
"""--inputs, --outputs and --json of xfer-run where tensors lie in storages: files name memories."""
import json
import os
import shutil
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "Inputs"))
import safetensors_file as safetensors
from file_case import FileCase

XFER_RUN, TEMPORARY = sys.argv[1:3]

TEXT = """
mesh @a = [x=2] ranks [0, 1]
mesh @b = [y=2] ranks [1, 2]
tensor @v : i32[2, 2]
tensor @w : i32[3]
alias @tied = @w
source storage @flat : i32[(v:4 | pad:1 | w:3)] on @a split [{x}] {
  view @v [v: d0*d1]
  view @tied [w: d0]
}
target storage @v : i32[2, zero:1 | 2 | pad:1] on @b split [{y}, {} | {} | {}] { view @v [d1, d0] }
target @tied on @b
"""


def i32(*values):
    return struct.pack(f"<{len(values)}i", *values)


class StorageFiles(FileCase):
    xfer_run, temporary, text = XFER_RUN, TEMPORARY, TEXT

    def setUp(self):
        super().setUp()
        self.write_ranks({"flat": ("I32", [4], i32(1, 2, 3, 4))},
                         {"flat": ("I32", [4], i32(-9, 10, 11, 12))})

    def test_files_hold_memories(self):
        report = os.path.join(self.directory, "run.json")
        for options in [], ["--verify", "--repeat=2", f"--json={report}"]:
            result = self.run_tool(*options)
            self.assertEqual(result.returncode, 0, result.stderr)
            tied = ("I32", [3], i32(10, 11, 12))
            for rank, row in (1, i32(0, 1, 3, 0)), (2, i32(0, 2, 4, 0)):
                path = os.path.join(self.outputs, f"rank{rank}.safetensors")
                self.assertEqual(safetensors.read(path), {"v": ("I32", [1, 4], row), "tied": tied})
        with open(report) as file:
            counts = json.load(file)
        self.assertEqual((counts["tensors"], counts["elements"]), (2, 7))
        self.assertEqual((counts["verified_elements"], counts["verified_padding"]), (10, 4))

    def test_tensors_of_a_storage_are_not_named(self):
        self.write_ranks({"v": ("I32", [2, 2], i32(1, 2, 3, 4))})
        self.expect_error("tensor 'flat' of rank 0 in")
        self.expect_error("is missing")

    def test_shape_has_the_padding(self):
        self.write_ranks({"flat": ("I32", [3], i32(1, 2, 3))})
        self.expect_error("tensor 'flat' of rank 0 in")
        self.expect_error("has shape [3], expected [4]")

    def test_replicas_differ(self):
        self.write_job(TEXT.replace("split [{x}]", ""))
        row = [1, 2, 3, 4, 0, 10, 11, 12]
        self.write_ranks({"flat": ("I32", [8], i32(*row))},
                          {"flat": ("I32", [8], i32(*row[:4], 7, *row[5:]))})
        self.assertEqual(self.run_tool("--verify").returncode, 0)  # paddings may differ
        shutil.rmtree(self.outputs)
        self.write_ranks({"flat": ("I32", [8], i32(*row))},
                          {"flat": ("I32", [8], i32(*row[:6], 8, 12))})
        self.expect_error("replicas of tensor 'w' in 'flat' differ at [1]: rank 1 holds 8, but a "
                          "rank before it holds 11", "--verify")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
