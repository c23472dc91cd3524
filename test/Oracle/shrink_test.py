# RUN: %python %s --xfer-opt %xfer-opt
"""Tests that a failing module becomes a small one that still fails, and that xfer-opt reads."""
import argparse
import sys
import unittest
from random import Random

import tool
from generate import random_module
from shrink import plain_sides, shrink
from storage_generate import random_storage_module

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--xfer-opt", required=True)


def splits_of(module):
    return [split for side in plain_sides(module) for dim in side.dims for split in dim]


class ShrinkTest(unittest.TestCase):
    def read(self, module):
        return tool.run([xfer_opt, "-"], module.text().encode())

    def is_valid(self, module):
        return tool.attempt([xfer_opt, "-", "-o", "/dev/null"], module.text().encode())[0] == 0

    def test_what_is_wrong_with_a_rule_is_one_split_of_one_tensor(self):
        for seed in range(1, 9):
            module = random_module(Random(seed), num_tensors=4)
            rules = {split.rule for split in splits_of(module)} - {"chunk"}
            rule = sorted(rules)[0]

            def fails(smaller, rule=rule):
                return (any(split.rule == rule for split in splits_of(smaller))
                        and self.is_valid(smaller))
            smallest = shrink(module, fails)
            self.assertTrue(fails(smallest), seed)
            self.assertEqual(len(smallest.tensors), 1, smallest.text())
            self.assertEqual(len(smallest.target_names()), 1, smallest.text())
            self.assertEqual(len(splits_of(smallest)), 1, smallest.text())
            self.assertNotIn("partial", smallest.text())
            self.assertLessEqual(max(smallest.tensors[0].shape), 3, smallest.text())
            self.read(smallest)

    def test_equal_modules_shrink_alike(self):
        def fails(module):
            return len(module.ranks()) > 2 and self.is_valid(module)
        texts = [shrink(random_module(Random(7), num_tensors=3), fails).text() for _ in range(2)]
        self.assertEqual(texts[0], texts[1])

    def test_storages_lose_what_others_need(self):
        module = random_storage_module(Random(3), families=2)
        wanted = [storage.name for storage in module.storages if storage.role == "target"][0]

        def fails(smaller):
            return wanted in smaller.target_names() and self.is_valid(smaller)
        smallest = shrink(module, fails)
        self.assertEqual(smallest.target_names(), [wanted])
        self.read(smallest)

    def test_what_does_not_fail_stays(self):
        module = random_module(Random(1), num_tensors=2)
        self.assertIs(shrink(module, lambda smaller: False), module)


if __name__ == "__main__":
    known, rest = ARGUMENTS.parse_known_args()
    xfer_opt = known.xfer_opt
    unittest.main(argv=[sys.argv[0], *rest])
