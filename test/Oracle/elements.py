"""Element types, casts and reductions, computed exactly on bit patterns.

An element is an int: its bits as they lie in memory, zero-extended. Floats are
taken apart into integers, computed without rounding, and rounded once to
nearest even. Nothing here uses the machine's floating-point arithmetic.
Entry points: cast, reduce_elements, same_element.
"""
from functools import lru_cache

NAN = "nan"
INFINITY = "infinity"
FINITE = "finite"


class FloatFormat:
    """sign | exponent | mantissa; `has_infinity` is False for f8e4m3fn, whose only special is NaN."""

    def __init__(self, exponent_bits, mantissa_bits, has_infinity=True):
        self.mantissa_bits = mantissa_bits
        self.has_infinity = has_infinity
        self.width = 1 + exponent_bits + mantissa_bits
        self.sign_bit = 1 << (self.width - 1)
        self.mantissa_mask = (1 << mantissa_bits) - 1
        self.exponent_mask = (1 << exponent_bits) - 1
        bias = (1 << (exponent_bits - 1)) - 1
        self.lowest_power = 1 - bias - mantissa_bits  # of the smallest subnormal
        if has_infinity:
            self.infinity = self.exponent_mask << mantissa_bits
            self.nan = self.infinity | (1 << (mantissa_bits - 1))
            self.largest = self.infinity - 1
        else:
            self.nan = self.sign_bit - 1
            self.largest = self.nan - 1

    def decode(self, bits):
        """(kind, sign, mantissa, power): the value is (-1)^sign * mantissa * 2^power."""
        sign = 1 if bits & self.sign_bit else 0
        magnitude = bits & (self.sign_bit - 1)
        if magnitude > self.largest:
            if self.has_infinity and magnitude == self.infinity:
                return (INFINITY, sign, 0, 0)
            return (NAN, 0, 0, 0)
        exponent = magnitude >> self.mantissa_bits
        mantissa = magnitude & self.mantissa_mask
        if exponent == 0:
            return (FINITE, sign, mantissa, self.lowest_power)
        return (FINITE, sign, mantissa + self.mantissa_mask + 1, self.lowest_power + exponent - 1)

    def encode(self, kind, sign, numerator, denominator=1):
        """Rounds numerator / denominator once, ties to even."""
        if kind == NAN:
            return self.nan
        if kind == INFINITY:
            return (self.sign_bit if sign else 0) | self.infinity if self.has_infinity else self.nan
        magnitude = self.round_ratio(numerator, denominator)
        if magnitude > self.largest:
            if not self.has_infinity:
                return self.nan
            magnitude = self.infinity
        return (self.sign_bit if sign else 0) | magnitude

    def round_ratio(self, numerator, denominator):
        if numerator == 0:
            return 0
        precision = self.mantissa_bits + 1
        power = max(numerator.bit_length() - denominator.bit_length() - precision,
                    self.lowest_power)
        while True:
            if power >= 0:
                quotient, rest = divmod(numerator, denominator << power)
                divisor = denominator << power
            else:
                quotient, rest = divmod(numerator << -power, denominator)
                divisor = denominator
            if quotient < (1 << precision):
                break
            power += 1
        if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
            quotient += 1
        # The leading bit of a normal number carries into the exponent by itself.
        return ((power - self.lowest_power) << self.mantissa_bits) + quotient


FLOATS = {
    "f64": FloatFormat(11, 52),
    "f32": FloatFormat(8, 23),
    "f16": FloatFormat(5, 10),
    "bf16": FloatFormat(8, 7),
    "f8e4m3fn": FloatFormat(4, 3, has_infinity=False),
    "f8e5m2": FloatFormat(5, 2),
}
INTEGER_BITS = {"i64": 64, "i32": 32, "i16": 16, "i8": 8, "u8": 8}
DTYPES = list(FLOATS) + list(INTEGER_BITS) + ["i1"]
REDUCTIONS = ["sum", "avg", "product", "min", "max"]


def byte_width(dtype):
    if dtype in FLOATS:
        return FLOATS[dtype].width // 8
    return INTEGER_BITS.get(dtype, 8) // 8


def can_cast(source, target):
    return source == target or (target in FLOATS and source != "i1")


def can_reduce(operation, dtype):
    if dtype == "i1":
        return operation in ("min", "max")
    return operation != "avg" or dtype in FLOATS


def integer_value(dtype, bits):
    if dtype not in ("u8", "i1") and bits >> (INTEGER_BITS[dtype] - 1):
        return bits - (1 << INTEGER_BITS[dtype])
    return bits


def is_nan(dtype, bits):
    return dtype in FLOATS and FLOATS[dtype].decode(bits)[0] == NAN


def as_ratio(mantissa, power):
    return (mantissa << power, 1) if power >= 0 else (mantissa, 1 << -power)


@lru_cache(maxsize=1 << 20)
def cast(source, target, bits):
    if source == target:
        return bits
    if source in FLOATS:
        kind, sign, mantissa, power = FLOATS[source].decode(bits)
        return FLOATS[target].encode(kind, sign, *as_ratio(mantissa, power))
    value = integer_value(source, bits)
    return FLOATS[target].encode(FINITE, value < 0, abs(value))


def add(form, left, right):
    kinds = (left[0], right[0])
    if NAN in kinds or (kinds == (INFINITY, INFINITY) and left[1] != right[1]):
        return form.encode(NAN, 0, 0)
    if INFINITY in kinds:
        return form.encode(INFINITY, left[1] if left[0] == INFINITY else right[1], 0)
    power = min(left[3], right[3])
    total = sum((-1 if sign else 1) * (mantissa << (own - power))
                for _, sign, mantissa, own in (left, right))
    if total == 0:  # an exact zero is positive unless both are negative zeros
        both_negative = left[1] and right[1]
        return form.encode(FINITE, 1 if both_negative else 0, 0)
    return form.encode(FINITE, total < 0, *as_ratio(abs(total), power))


def multiply(form, left, right):
    kinds = (left[0], right[0])
    sign = left[1] ^ right[1]
    if NAN in kinds:
        return form.encode(NAN, 0, 0)
    if INFINITY in kinds:
        other = right if left[0] == INFINITY else left
        zero = other[0] == FINITE and other[2] == 0
        return form.encode(NAN if zero else INFINITY, sign, 0)
    return form.encode(FINITE, sign, *as_ratio(left[2] * right[2], left[3] + right[3]))


def order_key(value):
    """Orders non-NaN values, negative zero below positive zero."""
    kind, sign, mantissa, power = value
    if kind == INFINITY:
        return (-1 if sign else 1, 0, 0)
    scaled = mantissa << (power + 1200)
    return (0, -scaled if sign else scaled, 0 if sign else 1)


def combine_floats(operation, dtype, left, right):
    form = FLOATS[dtype]
    a, b = form.decode(left), form.decode(right)
    if operation in ("sum", "avg"):
        return add(form, a, b)
    if operation == "product":
        return multiply(form, a, b)
    if NAN in (a[0], b[0]):
        return form.nan
    smaller = left if order_key(a) <= order_key(b) else right
    larger = right if smaller is left else left
    return smaller if operation == "min" else larger


def combine_integers(operation, dtype, left, right):
    a, b = integer_value(dtype, left), integer_value(dtype, right)
    result = {"sum": a + b, "product": a * b, "min": min(a, b), "max": max(a, b)}[operation]
    return result & ((1 << (8 * byte_width(dtype))) - 1)


@lru_cache(maxsize=1 << 18)
def combine(operation, dtype, left, right):
    if dtype in FLOATS:
        return combine_floats(operation, dtype, left, right)
    return combine_integers(operation, dtype, left, right)


def reduce_elements(operation, dtype, contributions):
    """Folds left, rounding every step to `dtype`; avg divides the folded sum, rounded once."""
    folded = contributions[0]
    for contribution in contributions[1:]:
        folded = combine(operation, dtype, folded, contribution)
    if operation == "avg" and len(contributions) > 1:
        form = FLOATS[dtype]
        kind, sign, mantissa, power = form.decode(folded)
        numerator, denominator = as_ratio(mantissa, power)
        folded = form.encode(kind, sign, numerator, denominator * len(contributions))
    return folded


def same_element(dtype, expected, got, computed):
    """Bits must agree; where arithmetic took place, any NaN is as good as another."""
    return expected == got or (computed and is_nan(dtype, expected) and is_nan(dtype, got))
