# RUN: %python %s
"""Tests the oracle's layouts against lists that were typed in."""
import sys
import unittest

from layout import AxisRef, Mesh, Split, owned_elements, owned_indices


def lists(axes, extent, *splits):
    size = 1
    for _, count in axes:
        size *= count
    mesh = Mesh("m", axes, list(range(size)))
    return [owned_indices(mesh, [list(splits)], [extent], rank)[0] for rank in mesh.ranks]


def spans(*pairs):
    return [index for begin, end in pairs for index in range(begin, end)]


A, B = AxisRef("a"), AxisRef("b")


class Rules(unittest.TestCase):
    def test_chunk(self):
        for extent, ends in ((10, [0, 3, 6, 9, 10]), (5, [0, 2, 4, 5, 5]), (6, [0, 2, 4, 6, 6]),
                             (1, [0, 1, 1, 1, 1]), (0, [0] * 5)):
            self.assertEqual([spans((b, e)) for b, e in zip(ends, ends[1:])],
                             lists([("a", 4)], extent, Split("chunk", [A])))

    def test_nested_is_not_a_product(self):
        axes = [("a", 2), ("b", 2)]
        self.assertEqual([spans((0, 3)), spans((3, 5)), spans((5, 8)), spans((8, 10))],
                         lists(axes, 10, Split("chunk", [A]), Split("chunk", [B])))
        self.assertEqual([spans((0, 3)), spans((3, 6)), spans((6, 9)), spans((9, 10))],
                         lists(axes, 10, Split("chunk", [A, B])))

    def test_strided(self):
        self.assertEqual([spans((0, 2), (5, 6)), spans((2, 4), (6, 7)), spans((4, 5), (7, 8)),
                          spans((8, 9))], lists([("a", 4)], 9, Split("strided", [A], 2)))
        self.assertEqual([spans((0, 2)), spans((4, 6)), spans((2, 4)), spans((6, 8))],
                         lists([("a", 2), ("b", 2)], 8, Split("strided", [A], 2),
                               Split("chunk", [B])))
        self.assertEqual([[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8, 11]],
                         lists([("a", 2), ("b", 3)], 12, Split("chunk", [A]),
                               Split("strided", [B], 2)))

    def test_balanced_cyclic_sizes(self):
        axes = [("a", 4)]
        self.assertEqual([spans((0, 3)), spans((3, 6)), spans((6, 8)), spans((8, 10))],
                         lists(axes, 10, Split("balanced", [A])))
        self.assertEqual([[0, 4, 8], [1, 5, 9], [2, 6], [3, 7]],
                         lists(axes, 10, Split("cyclic", [A], 1)))
        self.assertEqual([[0, 1, 2, 9, 10], [3, 4, 5], [6, 7, 8]],
                         lists([("a", 3)], 11, Split("cyclic", [A], 3)))
        self.assertEqual([[], [0, 1], [2], [3]], lists(axes, 4, Split("sizes", [A], 0, [0, 2, 1, 1])))

    def test_sub_axes(self):
        axes = [("a", 4)]
        self.assertEqual([spans((0, 4)), spans((4, 8))] * 2,
                         lists(axes, 8, Split("chunk", [AxisRef("a", 2, 2)])))
        self.assertEqual([spans((0, 4))] * 2 + [spans((4, 8))] * 2,
                         lists(axes, 8, Split("chunk", [AxisRef("a", 1, 2)])))

    def test_flat_indices_and_rank_lists(self):
        mesh = Mesh("m", [("a", 2), ("b", 2)], [9, 1, 5, 0])
        dims = [[Split("chunk", [A])], [Split("chunk", [B])]]
        self.assertEqual([0, 1, 3, 4], owned_elements(mesh, dims, [4, 3], 9))
        self.assertEqual([8, 11], owned_elements(mesh, dims, [4, 3], 0))
        self.assertEqual([0], owned_elements(mesh, [], [], 5))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
