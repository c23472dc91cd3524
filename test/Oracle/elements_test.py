# RUN: %python %s
"""Tests the oracle's arithmetic against the interpreter's own and against typed-in values."""
import random
import struct
import sys
import unittest

from elements import FLOATS, cast, reduce_elements

CODES = {"f64": ("d", "Q"), "f32": ("f", "I"), "f16": ("e", "H")}


def to_float(dtype, bits):
    code, unsigned = CODES[dtype]
    return struct.unpack("<" + code, struct.pack("<" + unsigned, bits))[0]


def to_bits(dtype, value):
    code, unsigned = CODES[dtype]
    return struct.unpack("<" + unsigned, struct.pack("<" + code, value))[0]


class Casts(unittest.TestCase):
    def test_every_narrow_pattern_survives_widening_and_narrowing(self):
        for narrow in ("f16", "bf16", "f8e4m3fn", "f8e5m2"):
            form = FLOATS[narrow]
            for bits in range(1 << form.width):
                if form.decode(bits)[0] == "nan":
                    continue
                if form.decode(bits)[0] == "infinity" and not form.has_infinity:
                    continue
                self.assertEqual(bits, cast("f64", narrow, cast(narrow, "f64", bits)))

    def test_double_to_single_and_half_agree_with_the_interpreter(self):
        generator = random.Random(1)
        for dtype, limit in (("f32", 3.4e38), ("f16", 65504.0)):
            for _ in range(20000):
                value = generator.choice([generator.uniform(-10, 10), generator.gauss(0, 1e-6),
                                          generator.uniform(-limit, limit)])
                self.assertEqual(to_bits(dtype, value), cast("f64", dtype, to_bits("f64", value)))

    def test_integers_round_once(self):
        for value in (2**53 + 1, 2**62 + 2**38 + 1, 2**24 + 1, 2**63 - 1, 0):
            self.assertEqual(to_bits("f64", float(value)), cast("i64", "f64", value))
        # Through f64 this would be a tie and round down: the single rounding goes up.
        self.assertEqual(to_bits("f32", float(2**62 + 2**39)), cast("i64", "f32", 2**62 + 2**38 + 1))

    def test_overflow(self):
        self.assertEqual(0x7c00, cast("f32", "f16", to_bits("f32", 65520.0)))
        self.assertEqual(0x7bff, cast("f32", "f16", to_bits("f32", 65519.0)))
        self.assertEqual(0x7e, cast("f32", "f8e4m3fn", to_bits("f32", 464.0)))
        self.assertEqual(0x7f, cast("f32", "f8e4m3fn", to_bits("f32", 464.1)))
        self.assertEqual(0x7f, cast("f32", "f8e4m3fn", to_bits("f32", float("-inf"))))
        self.assertEqual(0x7b, cast("f32", "f8e5m2", to_bits("f32", 61439.0)))
        self.assertEqual(0xfc, cast("f32", "f8e5m2", to_bits("f32", -61440.0)))

    def test_signs_and_subnormals(self):
        self.assertEqual(0x8000, cast("f32", "bf16", 0x80000000))
        self.assertEqual(0x8000, cast("f32", "bf16", 0x80000001))
        self.assertEqual(0x01, cast("f32", "f8e4m3fn", to_bits("f32", 2.0**-9)))
        self.assertEqual(0x00, cast("f32", "f8e4m3fn", to_bits("f32", 2.0**-10)))
        self.assertEqual(0x02, cast("f32", "f8e4m3fn", to_bits("f32", 3 * 2.0**-10)))
        self.assertEqual(0xc000, cast("i8", "bf16", 0xfe))
        self.assertEqual(0x437e, cast("u8", "bf16", 0xfe))


class Reductions(unittest.TestCase):
    def test_doubles_agree_with_the_interpreter(self):
        generator = random.Random(2)
        for _ in range(5000):
            values = [generator.gauss(0, 10.0**generator.randint(-3, 3)) for _ in range(4)]
            total, times = values[0], values[0]
            for value in values[1:]:
                total, times = total + value, times * value
            bits = [to_bits("f64", value) for value in values]
            for operation, expected in (("sum", total), ("product", times), ("avg", total / 4),
                                        ("min", min(values)), ("max", max(values))):
                self.assertEqual(to_bits("f64", expected), reduce_elements(operation, "f64", bits))

    def test_singles_agree_with_rounded_doubles(self):
        generator = random.Random(3)
        for _ in range(5000):
            left, right = (to_bits("f32", generator.gauss(0, 10.0**generator.randint(-9, 9)))
                           for _ in range(2))
            a, b = to_float("f32", left), to_float("f32", right)
            self.assertEqual(to_bits("f32", a + b), reduce_elements("sum", "f32", [left, right]))
            self.assertEqual(to_bits("f32", a * b), reduce_elements("product", "f32", [left, right]))

    def test_each_step_rounds(self):
        # 256 + 1 is a tie in bf16 and stays 256; exactly, the sum would be 258.
        self.assertEqual(0x4380, reduce_elements("sum", "bf16", [0x4380, 0x3f80, 0x3f80]))

    def test_typed_in_cases(self):  # T27: contributions [1, 3] and [5, 7] in bf16
        one, three, five, seven = 0x3f80, 0x4040, 0x40a0, 0x40e0
        expected = {"avg": [0x4040, 0x40a0], "sum": [0x40c0, 0x4120], "max": [five, seven],
                    "min": [one, three], "product": [five, 0x41a8]}
        for operation, (first, second) in expected.items():
            self.assertEqual(first, reduce_elements(operation, "bf16", [one, five]))
            self.assertEqual(second, reduce_elements(operation, "bf16", [three, seven]))

    def test_specials(self):
        infinity, zero, negative_zero = 0x7f80, 0x0000, 0x8000
        for operation, left, right in (("sum", infinity, infinity | 0x8000),
                                       ("product", infinity, negative_zero),
                                       ("min", 0x7fc1, zero), ("max", zero, 0xffc0)):
            result = reduce_elements(operation, "bf16", [left, right])
            self.assertEqual("nan", FLOATS["bf16"].decode(result)[0])
        self.assertEqual(negative_zero, reduce_elements("sum", "bf16", [negative_zero] * 2))
        self.assertEqual(zero, reduce_elements("sum", "bf16", [negative_zero, zero]))
        self.assertEqual(negative_zero, reduce_elements("min", "bf16", [zero, negative_zero]))
        self.assertEqual(zero, reduce_elements("max", "bf16", [negative_zero, zero]))

    def test_integers_wrap(self):
        self.assertEqual(0x80, reduce_elements("sum", "i8", [0x7f, 1]))
        self.assertEqual(0x2c, reduce_elements("sum", "u8", [200, 100]))
        self.assertEqual(0, reduce_elements("product", "i64", [1 << 32, 1 << 32]))
        self.assertEqual(0xffff, reduce_elements("min", "i16", [0xffff, 1]))
        self.assertEqual(255, reduce_elements("max", "u8", [255, 1]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
