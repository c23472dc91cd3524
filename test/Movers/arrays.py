"""Dense arrays of bit patterns with the few operations that loading a checkpoint needs.

Each operation copies element by element, as the frameworks' own loaders do in terms of whole
arrays: narrow, cat, permute, pad.
"""
from itertools import product
from math import prod


class Array:
    def __init__(self, dtype, shape, data):
        assert len(data) == prod(shape), (shape, len(data))
        self.dtype, self.shape, self.data = dtype, list(shape), data

    def narrow(self, dim, begin, end):
        """Indices [begin, end) of the dimension; what lies beyond its extent is left out."""
        end = min(end, self.shape[dim])
        begin = min(begin, end)
        inner = prod(self.shape[dim + 1:])
        rows = self.shape[dim] * inner
        data = []
        for outer in range(prod(self.shape[:dim])):
            data += self.data[outer * rows + begin * inner:outer * rows + end * inner]
        return Array(self.dtype, self.shape[:dim] + [end - begin] + self.shape[dim + 1:], data)

    def piece(self, dim, number, count):
        """Piece `number` of `count` equal ones."""
        size, rest = divmod(self.shape[dim], count)
        if rest:
            raise ValueError(f"{count} does not divide {self.shape[dim]}")
        return self.narrow(dim, number * size, number * size + size)

    def reshape(self, *shape):
        return Array(self.dtype, shape, self.data)

    def permute(self, *dims):
        strides = [prod(self.shape[dim + 1:]) for dim in range(len(self.shape))]
        shape = [self.shape[dim] for dim in dims]
        data = [self.data[sum(i * strides[dim] for i, dim in zip(index, dims))]
                for index in product(*map(range, shape))]
        return Array(self.dtype, shape, data)

    def pad_rows(self, rows, element):
        """As many rows as given, the new ones filled."""
        missing = rows - self.shape[0]
        return Array(self.dtype, [rows] + self.shape[1:],
                     self.data + [element] * (missing * prod(self.shape[1:])))


def cat(arrays):
    """One after the other along the first dimension."""
    arrays = list(arrays)
    data = []
    for array in arrays:
        assert array.shape[1:] == arrays[0].shape[1:]
        data += array.data
    return Array(arrays[0].dtype, [sum(array.shape[0] for array in arrays)] + arrays[0].shape[1:],
                 data)


def stack(arrays):
    """Along a new first dimension."""
    return cat(array.reshape(1, *array.shape) for array in arrays)
