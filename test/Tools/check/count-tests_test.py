# RUN: %python %s
"""Tests what check.sh's last line and exit code say about runners that fail in their own ways."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "..", "tools", "count-tests.py")
PASSED = '<testcase classname="a" name="one" time="0"/>'
FAILED = '<testcase classname="a" name="two"><failure><![CDATA[line 3: 4 is not 5]]></failure></testcase>'
SKIPPED = '<testcase classname="a" name="three"><skipped message="no GPU"/></testcase>'


def count(**runners):
    """Runs the script on {name: (cases or None, exit status)}; returns (exit code, lines)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (cases, _) in runners.items():
            with open(os.path.join(folder, name + ".log"), "w") as log:
                log.write("last words of " + name)
            if cases is not None:
                with open(os.path.join(folder, name + ".xml"), "w") as results:
                    results.write(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        words = [f"{name}={status}" for name, (_, status) in runners.items()]
        result = subprocess.run([sys.executable, SCRIPT, folder] + words, capture_output=True,
                                text=True, check=False)
    return result.returncode, result.stdout.splitlines()


class CountTests(unittest.TestCase):
    def test_sums_over_runners(self):
        code, lines = count(lit=(PASSED * 2, 0), gtest=(PASSED, 0))
        self.assertEqual((code, lines), (0, ["3 passed, 0 failed"]))

    def test_shows_what_a_failed_test_said(self):
        code, lines = count(lit=(PASSED + FAILED, 1), gtest=(PASSED, 0))
        self.assertEqual(code, 1)
        self.assertEqual(lines, ["failed: a/two", "    line 3: 4 is not 5", "2 passed, 1 failed"])

    def test_skipped_is_neither_and_says_why(self):
        code, lines = count(lit=(PASSED + SKIPPED, 0), gtest=(PASSED, 0))
        self.assertEqual((code, lines), (0, ["skipped: a/three: no GPU", "2 passed, 0 failed"]))

    def test_a_runner_without_results_failed(self):
        for results in (None, "", "<testcase"):
            code, lines = count(lit=(PASSED, 0), gtest=(results, 0))
            self.assertEqual(code, 1)
            self.assertEqual(lines[-1], "1 passed, 1 failed")
            self.assertIn("    last words of gtest", lines)

    def test_a_runner_that_died_after_passing_tests_failed(self):
        code, lines = count(lit=(PASSED, 124), gtest=(PASSED, 0))
        self.assertEqual((code, lines[-1]), (1, "2 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
