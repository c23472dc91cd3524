"""A job in a folder of its own, with inputs, run by xfer-run into outputs."""
import os
import shutil
import subprocess
import unittest

import safetensors_file as safetensors


class FileCase(unittest.TestCase):
    xfer_run = temporary = text = None  # what a test file sets

    def setUp(self):
        self.directory = os.path.join(self.temporary, self._testMethodName)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.inputs = os.path.join(self.directory, "in")
        self.outputs = os.path.join(self.directory, "out")
        os.makedirs(self.inputs)
        self.job = os.path.join(self.directory, "job.xfer")
        self.write_job(self.text)

    def write_job(self, text):
        with open(self.job, "w") as file:
            file.write(text)

    def path(self, rank):
        return os.path.join(self.inputs, f"rank{rank}.safetensors")

    def write_ranks(self, *ranks):
        for rank, tensors in enumerate(ranks):
            safetensors.write(self.path(rank), tensors)

    def run_tool(self, *options):
        return subprocess.run([self.xfer_run, self.job, f"--inputs={self.inputs}",
                               f"--outputs={self.outputs}", *options],
                              capture_output=True, text=True, timeout=60)

    def expect_error(self, text, *options):
        """One error with this text, nothing else, and no output files."""
        result = self.run_tool(*options)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("error:"), 1, result.stderr)
        self.assertIn(text, result.stderr)
        self.assertFalse(os.path.isdir(self.outputs) and os.listdir(self.outputs))
