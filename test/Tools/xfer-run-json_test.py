# RUN: %python %s %xfer-run %examples %t
"""--json of xfer-run: the keys, and numbers that follow from the declarations alone."""
import json
import os
import subprocess
import sys
import unittest

XFER_RUN, EXAMPLES, TEMPORARY = sys.argv[1:4]


class Json(unittest.TestCase):
    def setUp(self):
        os.makedirs(TEMPORARY, exist_ok=True)
        self.path = os.path.join(TEMPORARY, "run.json")
        if os.path.exists(self.path):
            os.remove(self.path)

    def run_example(self, name, *options):
        return subprocess.run([XFER_RUN, os.path.join(EXAMPLES, name), f"--json={self.path}",
                               *options], capture_output=True, text=True, timeout=60)

    def measure(self, name, *options):
        result = self.run_example(name, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path) as file:
            return json.load(file)

    def test_hello(self):
        report = self.measure("hello.xfer", "--verify", "--repeat=5")
        self.assertEqual(report["backend"], "threads")
        self.assertEqual((report["tensors"], report["ranks"]), (2, 8))
        self.assertEqual(report["elements"], 2048 * 1024 + 1)
        # Each server rank gets its rows in bf16, and the gain in f32.
        self.assertEqual(report["bytes_moved"], 2 * 2048 * 1024 + 4 * 4)
        self.assertEqual(sum(report["bytes"].values()), report["bytes_moved"])
        self.assertEqual(report["bytes"]["local"], 0)
        self.assertGreaterEqual(report["wire_operations"], 5)
        self.assertEqual(len(report["seconds"]), 5)
        self.assertEqual(report["seconds_median"], sorted(report["seconds"])[2])
        self.assertAlmostEqual(report["ratio_to_memcpy"],
                               report["seconds_median"] / report["memcpy_seconds"])
        self.assertTrue(report["verified"])
        self.assertEqual(report["verified_elements"], 2048 * 1024 + 4)
        for key in "chunks", "buckets", "windows", "staging_bytes":
            self.assertGreater(report[key], 0)

    def test_local(self):
        report = self.measure("self-copy.xfer")
        # Rank 0 keeps rows 0:64 of 0:128, rank 3 rows 192:256 of 128:256; @same stays where it is.
        self.assertEqual(report["bytes"]["local"], 2 * 64 * 128 * 2 + 64 * 4)
        self.assertEqual(report["bytes"]["p2p"] + report["bytes"]["broadcast"], 6 * 64 * 128 * 2)
        self.assertFalse(report["verified"])
        self.assertEqual(report["verified_elements"], 0)

    def test_reduce(self):
        report = self.measure("partial.xfer")
        # Three contributors of four ship f32: the gradient and amax over dp, seven of eight the loss.
        self.assertEqual(report["bytes"]["reduce"], (3 * 128 * 64 + 3 * 64 + 7) * 4)

    def test_standard_output(self):
        result = subprocess.run([XFER_RUN, os.path.join(EXAMPLES, "hello.xfer"), "--json=-"],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(json.loads(result.stdout)["tensors"], 2)

    def test_no_file_after_an_error(self):
        result = self.run_example("hello.xfer", "--staging-bytes=1")
        self.assertEqual(result.returncode, 1)
        self.assertFalse(os.path.exists(self.path))

    def test_unwritable_before_anything_moves(self):
        outputs = os.path.join(TEMPORARY, "outputs")
        result = self.run_example("hello.xfer", f"--json={self.path}.missing/run.json",
                                  f"--outputs={outputs}")
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot open", result.stderr)
        self.assertFalse(os.path.exists(outputs))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
