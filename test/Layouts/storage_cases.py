"""Worked storages with what each rank's memory must hold, typed in.

A case is (name, declarations, storage, lists): the mesh is @m, the storage's text follows
`source storage @s : ` or `target storage @s : `, and there is one list for each rank in mesh
order: "q 0-640, pad 3" are elements 0 to 640 of tensor q, row-major, and three of padding.
Ids are those of the worked cases of Megatron's, vLLM's and FSDP1's arithmetic.
"""

QKV = "tensor @q : i32[4096]\ntensor @k : i32[512]\ntensor @v : i32[512]\n"
QKV_VIEWS = "{ view @q [q: d0] view @k [k: d0] view @v [v: d0] }"
GATE_UP_VIEWS = "{ view @gate [gate: d0] view @up [up: d0] }"


def groups_of_eight_heads(first):
    """Two KV groups of 32 query heads on 4 KV heads of 128: query rows, then key, then value."""
    return ", ".join(f"q {1024 * g}-{1024 * g + 1024}, k {128 * g}-{128 * g + 128}, "
                     f"v {128 * g}-{128 * g + 128}" for g in (first, first + 1))


def chunk_of(extent, ranks, rank):
    """begin-end of what a rank has of an extent in chunks."""
    size = -(-extent // ranks)
    return f"{min(extent, rank * size)}-{min(extent, (rank + 1) * size)}"


MANY = {f"p{i}": 70 + 3 * i for i in range(12)}

CASES = [
    ("T19", "mesh @m = [dp=4]\ntensor @p0 : i32[3, 3]\ntensor @p1 : i32[5]\n",
     "i32[(p0:9 | pad:7 | p1:5 | pad:3)] on @m split [{dp}] { view @p0 [p0: d0*d1] "
     "view @p1 [p1: d0] }",
     ["p0 0-6", "p0 6-9, pad 3", "pad 4, p1 0-2", "p1 2-5, pad 3"]),
    ("T20", "mesh @m = [dp=3]\ntensor @t : i32[2, 3, 4]\n",
     "i32[24] on @m split [{sizes(dp, [4, 7, 13])}] { view @t [d0*d1*d2] }",
     ["t 0-4", "t 4-11", "t 11-24"]),
    ("T21", "mesh @m = [tp=4]\ntensor @gate : i32[4]\ntensor @up : i32[4]\n",
     "i32[gate:4 | up:4] on @m split [{tp} | {tp}] " + GATE_UP_VIEWS,
     ["gate 0-1, up 0-1", "gate 1-2, up 1-2", "gate 2-3, up 2-3", "gate 3-4, up 3-4"]),
    ("T21-up-first", "mesh @m = [tp=4]\ntensor @gate : i32[4]\ntensor @up : i32[4]\n",
     "i32[up:4 | gate:4] on @m split [{tp} | {tp}] " + GATE_UP_VIEWS,
     ["up 0-1, gate 0-1", "up 1-2, gate 1-2", "up 2-3, gate 2-3", "up 3-4, gate 3-4"]),
    ("T22", "mesh @m = [dp=2, tp=2]\ntensor @gate : i32[8]\ntensor @up : i32[8]\n",
     "i32[(gate:8 | up:8)] on @m split [{strided(tp, 2), dp}] " + GATE_UP_VIEWS,
     ["gate 0-4", "gate 4-8", "up 0-4", "up 4-8"]),
    ("T23", "mesh @m = [tp=2]\n" + QKV,
     "i32[4 x (q:1024 | k:128 | v:128)] on @m split [{tp}] " + QKV_VIEWS,
     [groups_of_eight_heads(0), groups_of_eight_heads(2)]),
    ("T24", "mesh @m = [tp=8]\n" + QKV,
     "i32[4 x (q:1024 | k:128 | v:128)] on @m split [{tp}] " + QKV_VIEWS,
     ["q 0-640", "q 640-1024, k 0-128, v 0-128",
      "q 1024-1664", "q 1664-2048, k 128-256, v 128-256",
      "q 2048-2688", "q 2688-3072, k 256-384, v 256-384",
      "q 3072-3712", "q 3712-4096, k 384-512, v 384-512"]),
    ("T25", "mesh @m = [tp=8]\n" + QKV,
     "i32[q:4096 | k:512 | v:512] on @m split [{tp} | {tp:(1)4} | {tp:(1)4}] " + QKV_VIEWS,
     ["q 0-512, k 0-128, v 0-128", "q 512-1024, k 0-128, v 0-128",
      "q 1024-1536, k 128-256, v 128-256", "q 1536-2048, k 128-256, v 128-256",
      "q 2048-2560, k 256-384, v 256-384", "q 2560-3072, k 256-384, v 256-384",
      "q 3072-3584, k 384-512, v 384-512", "q 3584-4096, k 384-512, v 384-512"]),
    ("T26-trainer", "mesh @m = [tp=2]\ntensor @vocab : i32[151936]\n",
     "i32[(v:151936 | pad:128)] on @m split [{tp}] { view @vocab [v: d0] }",
     ["vocab 0-76032", "vocab 76032-151936, pad 128"]),
    ("T26-server", "mesh @m = [tp=2]\ntensor @vocab : i32[151936]\n",
     "i32[151936] on @m split [{tp}] { view @vocab [d0] }",
     ["vocab 0-75968", "vocab 75968-151936"]),
    ("zeroed-tail", "mesh @m = [tp=4]\ntensor @vocab : i32[10]\n",
     "i32[(v:10 | zero:6)] on @m split [{tp}] { view @vocab [v: d0] }",
     ["vocab 0-4", "vocab 4-8", "vocab 8-10, pad 2", "pad 4"]),
    ("padded-heads", "mesh @m = [tp=2]\ntensor @heads : i32[12]\n",
     "i32[4 x (rows:3 | pad:1)] on @m split [{tp}] { view @heads [rows: d0] }",
     ["heads 0-3, pad 1, heads 3-6, pad 1", "heads 6-9, pad 1, heads 9-12, pad 1"]),
    ("transposed", "mesh @m = [tp=2]\ntensor @w : i32[4, 3]\n",
     "i32[3, 4] on @m split [{}, {tp}] { view @w [d1, d0] }",
     ["w 0-1, w 3-4, w 1-2, w 4-5, w 2-3, w 5-6", "w 6-7, w 9-10, w 7-8, w 10-11, w 8-9, w 11-12"]),
    ("stacked", "mesh @m = [ep=2]\n" + "".join(f"tensor @e{i} : i32[2]\n" for i in range(4)),
     "i32[4, 2] on @m split [{ep}, {}] { view @e0 [0, d0] view @e1 [1, d0] view @e2 [2, d0] "
     "view @e3 [3, d0] }", ["e0 0-2, e1 0-2", "e2 0-2, e3 0-2"]),
    ("fixed-in-parts", "mesh @m = [tp=2]\n" + "".join(f"tensor @e{i} : i32[2]\n" for i in range(4)),
     "i32[left:2 | right:2, 2] on @m split [{tp} | {tp}, {}] { view @e0 [0, d0] "
     "view @e1 [1, d0] view @e2 [2, d0] view @e3 [3, d0] }", ["e0 0-2, e2 0-2", "e1 0-2, e3 0-2"]),
    ("fixed-between-pads",
     "mesh @m = [tp=2]\n" + "".join(f"tensor @e{i} : i32[]\n" for i in range(4)),
     "i32[2 x (rows:2 | pad:1)] on @m split [{tp}] { view @e0 [0] view @e1 [1] view @e2 [3] "
     "view @e3 [4] }", ["e0 0-1, e1 0-1, pad 1", "e2 0-1, e3 0-1, pad 1"]),
    # On every rank each part begins elsewhere.
    ("many-parts", "mesh @m = [tp=70]\n" + "".join(f"tensor @{p} : i32[{n}]\n" for p, n in MANY.items()),
     f"i32[{' | '.join(f'{p}:{n}' for p, n in MANY.items())}] on @m "
     f"split [{' | '.join(['{tp}'] * len(MANY))}] "
     f"{{ {' '.join(f'view @{p} [{p}: d0]' for p in MANY)} }}",
     [", ".join(f"{p} {chunk_of(n, 70, rank)}" for p, n in MANY.items()) for rank in range(70)]),
    ("permuted-slots", "mesh @m = [ep=2]\ntensor @experts : i32[4, 2]\n",
     "i32[4, 2] on @m split [{ep}, {}] { view @experts [d0 table [2, 0, 3, 1], d1] }",
     ["experts 4-6, experts 0-2", "experts 6-8, experts 2-4"]),
]

# What only a target may do.
TARGET_CASES = [
    ("repeated-slots", "mesh @m = [ep=2]\ntensor @experts : i32[4, 2]\n",
     "i32[6, 2] on @m split [{ep}, {}] { view @experts [d0 table [2, 0, 2, 1, 0, 1], d1] }",
     ["experts 4-6, experts 0-2, experts 4-6", "experts 2-4, experts 0-2, experts 2-4"]),
    ("sliced", "mesh @m = [tp=2]\ntensor @kv_b : i32[2*5, 2]\n",
     "i32[2, 3, 2] on @m split [{tp}, {}, {}] { view @kv_b [d0, d1[0:3], d2] }",
     ["kv_b 0-6", "kv_b 10-16"]),
    ("sliced-and-transposed", "mesh @m = [tp=2]\ntensor @kv_b : i32[2*5, 2]\n",
     "i32[2, 2, 2] on @m split [{tp}, {}, {}] { view @kv_b [d0, d2, d1[3:5]] }",
     ["kv_b 6-7, kv_b 8-9, kv_b 7-8, kv_b 9-10", "kv_b 16-17, kv_b 18-19, kv_b 17-18, kv_b 19-20"]),
    ("tied", "mesh @m = [tp=2]\ntensor @embed : i32[4]\nalias @head = @embed\n",
     "i32[e:4 | h:4] on @m split [{tp} | {}] { view @embed [e: d0] view @head [h: d0] }",
     ["embed 0-2, embed 0-4", "embed 2-4, embed 0-4"]),
]
