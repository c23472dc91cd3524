"""Worked cases of layouts with the lists they must give, typed in.

A case is (name, axes, shape, layout, lists): one list for each rank in mesh
order, the spans of every dimension in local order: "0-2,4-6 x 0-5". "" is an
empty dimension. The lists follow PyTorch's torch.chunk, DTensor's Shard and
_StridedShard, Megatron's partition stride and vLLM's and SGLang's servers.
"""


def strided_fsdp_rows(dp, tp):
    """T12: 4096 rows, eight tensor-parallel pieces of 512, each dealt to 30 in pieces of 18."""
    if dp < 28:
        return f"{512 * tp + 18 * dp}-{512 * tp + 18 * dp + 18}"
    return f"{512 * tp + 504}-{512 * tp + 512}" if dp == 28 else ""


CASES = [
    ("T1", "[a=4]", [10], "split [{a}]", ["0-3", "3-6", "6-9", "9-10"]),
    ("T2-five", "[a=4]", [5], "split [{a}]", ["0-2", "2-4", "4-5", ""]),
    ("T2-six", "[a=4]", [6], "placements [shard(0)]", ["0-2", "2-4", "4-6", ""]),
    ("T3-zero", "[a=3]", [0], "split [{a}]", ["", "", ""]),
    ("T3-one", "[a=4]", [1], "split [{a}]", ["0-1", "", "", ""]),
    ("T4", "[a=2, b=2]", [8], "placements [shard(0), shard(0)]", ["0-2", "2-4", "4-6", "6-8"]),
    ("T5", "[a=2, b=2]", [8], "placements [strided_shard(0, 2), shard(0)]",
     ["0-2", "4-6", "2-4", "6-8"]),
    ("T5-split", "[a=2, b=2]", [8], "split [{b, a}]", ["0-2", "4-6", "2-4", "6-8"]),
    ("T6", "[a=2, b=2]", [8], "placements [replicate, strided_shard(0, 2)]",
     ["0-2,4-6", "2-4,6-8"] * 2),
    ("T7-nested", "[a=2, b=2]", [10], "split [{a, b}]", ["0-3", "3-5", "5-8", "8-10"]),
    ("T7-product", "[a=2, b=2]", [10], "split [{a*b}]", ["0-3", "3-6", "6-9", "9-10"]),
    ("T8", "[a=4]", [9], "split [{strided(a, 2)}]", ["0-2,5-6", "2-4,6-7", "4-5,7-8", "8-9"]),
    ("T9-placements", "[dp=4, tp=2]", [9], "placements [strided_shard(0, 2), shard(0)]",
     ["0-2", "5-6", "2-4", "6-7", "4-5", "7-8", "8-9", ""]),
    ("T9-tp-then-dp", "[dp=4, tp=2]", [9], "split [{tp, dp}]",
     ["0-2", "5-6", "2-4", "6-7", "4-5", "7-8", "", "8-9"]),
    ("T9-small-placements", "[dp=3, tp=2]", [7], "placements [strided_shard(0, 2), shard(0)]",
     ["0-2", "4-5", "2-4", "5-6", "6-7", ""]),
    ("T9-small-tp-then-dp", "[dp=3, tp=2]", [7], "split [{tp, dp}]",
     ["0-2", "4-5", "2-4", "5-6", "", "6-7"]),
    ("T10", "[a=2, b=2]", [2, 5], "placements [shard(1), shard(1)]",
     ["0-2 x 0-2", "0-2 x 2-3", "0-2 x 3-4", "0-2 x 4-5"]),
    ("T11", "[a=4, b=2]", [13], "placements [shard(0), shard(0)]",
     ["0-2", "2-4", "4-6", "6-8", "8-10", "10-12", "12-13", ""]),
    ("T12", "[dp=30, tp=8]", [4096], "placements [strided_shard(0, 8), shard(0)]",
     [strided_fsdp_rows(dp, tp) for dp in range(30) for tp in range(8)]),
    ("T13", "[d=4, t=2]", [39], "placements [strided_shard(0, 3), strided_shard(0, 4)]",
     ["0-2,3-4,13-14,15-17,27-29", "2-3,14-15,26-27,29-30",
      "4-6,7-8,17-18,19-21,31-33", "6-7,18-19,30-31,33-34",
      "8-10,11-12,21-22,23-25,35-37", "10-11,22-23,34-35,37-38",
      "12-13,25-26,38-39", ""]),
    ("T14", "[a=2, b=3]", [12], "placements [shard(0), strided_shard(0, 2)]",
     ["0-1,3-4", "1-2,4-5", "2-3,5-6", "6-7,9-10", "7-8,10-11", "8-9,11-12"]),
    ("T15", "[a=4, b=2, c=3]", [39], "placements [shard(0), strided_shard(0, 2), shard(0)]",
     ["0-2", "2-3,5-6", "6-8", "3-5", "8-10", "",
      "10-12", "12-13,15-16", "16-18", "13-15", "18-20", "",
      "20-22", "22-23,25-26", "26-28", "23-25", "28-30", "",
      "30-32", "32-33,35-36", "36-37", "33-35", "37-39", ""]),
    ("T16-balanced", "[a=4]", [10], "split [{balanced(a)}]", ["0-3", "3-6", "6-8", "8-10"]),
    ("T16-cyclic", "[a=4]", [10], "split [{cyclic(a, 1)}]",
     ["0-1,4-5,8-9", "1-2,5-6,9-10", "2-3,6-7", "3-4,7-8"]),
    ("T17", "[a=2, b=2]", [], "placements [replicate, replicate]", [None] * 4),
    ("T18-rows", "[a=2]", [0, 5], "split [{a}, {}]", [" x 0-5", " x 0-5"]),
    ("T18-columns", "[a=2]", [0, 5], "split [{}, {a}]", [" x 0-3", " x 3-5"]),
    ("T21", "[tp=4]", [8], "split [{strided(tp, 2)}]", ["0-1,4-5", "1-2,5-6", "2-3,6-7", "3-4,7-8"]),
    ("T22", "[dp=2, tp=2]", [16], "split [{strided(tp, 2), dp}]", ["0-4", "4-8", "8-12", "12-16"]),
    ("T25-q", "[tp=8]", [4096, 1], "split [{exact(tp)}, {}]",
     [f"{512 * r}-{512 * r + 512} x 0-1" for r in range(8)]),
    ("T25-kv", "[tp=8]", [512, 1], "split [{tp:(1)4}, {}]",
     ["0-128 x 0-1", "0-128 x 0-1", "128-256 x 0-1", "128-256 x 0-1",
      "256-384 x 0-1", "256-384 x 0-1", "384-512 x 0-1", "384-512 x 0-1"]),
    ("T28", "[a=3] ranks [1, 5, 9]", [7], "split [{a}]", ["0-3", "3-6", "6-7"]),
    ("T29", "[a=16] ranks [0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15]", [16],
     "split [{a}]", [f"{i}-{i + 1}" for i in range(16)]),
    ("T30", "[a=4, b=2]", [5, 3], "split [{b}, {}]", ["0-3 x 0-3", "3-5 x 0-3"] * 4),
    ("T31-minor", "[tp=4]", [8], "split [{tp:(2)2}]", ["0-4", "4-8", "0-4", "4-8"]),
    ("T31-major", "[tp=4]", [8], "split [{tp:(1)2}]", ["0-4", "0-4", "4-8", "4-8"]),
    ("sizes", "[a=3]", [7], "split [{sizes(a, [4, 0, 3])}]", ["0-4", "", "4-7"]),
    ("exact", "[a=3]", [6], "split [{exact(a)}]", ["0-2", "2-4", "4-6"]),
]

# T27 and T17: contributions of two ranks in bf16 and what their reduction is.
# (name, shape, reduction, contributions, result)
ONE, THREE, FOUR, FIVE, SIX, SEVEN, TEN, TWENTY_ONE = (
    0x3f80, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0x4120, 0x41a8)
REDUCTIONS = [
    ("T27-avg", [2], "avg", ([ONE, THREE], [FIVE, SEVEN]), [THREE, FIVE]),
    ("T27-sum", [2], "sum", ([ONE, THREE], [FIVE, SEVEN]), [SIX, TEN]),
    ("T27-max", [2], "max", ([ONE, THREE], [FIVE, SEVEN]), [FIVE, SEVEN]),
    ("T27-min", [2], "min", ([ONE, THREE], [FIVE, SEVEN]), [ONE, THREE]),
    ("T27-product", [2], "product", ([ONE, THREE], [FIVE, SEVEN]), [FIVE, TWENTY_ONE]),
    ("T17-sum", [], "sum", ([ONE], [THREE]), [FOUR]),
]

# Text, and what the error must say.
ERRORS = [
    ("T17: a 0-d tensor has no dimension to shard",
     "mesh @m = [a=2]\ntensor @t : f32[]\nsource @t on @m placements [shard(0)]\n"
     "target @t on @m\n", "dimension"),
    ("exact demands divisibility",
     "mesh @m = [a=4]\ntensor @t : f32[10]\nsource @t on @m split [{exact(a)}]\n"
     "target @t on @m\n", "exact"),
    ("a partial target has no meaning",
     "mesh @m = [a=4]\ntensor @t : f32[10]\nsource @t on @m\n"
     "target @t on @m placements [partial(sum)]\n", "partial"),
]
