"""Reads the declarations of an xfer text into the oracle's own module.

Written from the language's grammar. Not a validator: text that is not well-formed raises
ValueError. Entry point: parse.
"""
import re
from math import prod

from layout import AxisRef, Mesh, Split
from model import Module, Side, Tensor
from storage import Entry, Factor, Part, Run, Storage, View

TOKENS = re.compile(r"\s+|//[^\n]*|(@[\w.$-]+|\d+|[A-Za-z_]\w*|[][(){}<>:,|*=])")
RULES = ("exact", "balanced", "strided", "cyclic", "sizes")


class Reader:
    def __init__(self, text):
        self.tokens, place = [], 0
        text = text.lstrip("\ufeff")
        while place < len(text):
            match = TOKENS.match(text, place)
            if not match:
                raise ValueError(f"unexpected '{text[place:place + 20]}'")
            if match.group(1):
                self.tokens.append(match.group(1))
            place = match.end()
        self.next = 0

    def peek(self, ahead=0):
        at = self.next + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def take(self):
        self.next += 1
        return self.tokens[self.next - 1]

    def accept(self, token):
        if self.peek() != token:
            return False
        self.next += 1
        return True

    def expect(self, *tokens):
        for token in tokens:
            if not self.accept(token):
                near = " ".join(self.tokens[max(0, self.next - 8):self.next + 3])
                raise ValueError(f"expected '{token}', got '{self.peek()}' in '{near}'")

    def integer(self):
        if not self.peek().isdigit():
            raise ValueError(f"expected an integer, got '{self.peek()}'")
        return int(self.take())

    def symbol(self):
        if not self.peek().startswith("@"):
            raise ValueError(f"expected a symbol, got '{self.peek()}'")
        return self.take()[1:]

    def listed(self, opening, closing, item, separator=","):
        self.expect(opening)
        items = []
        while not self.accept(closing):
            if items:
                self.expect(separator)
            items.append(item())
        return items

    def separated(self, item, separator):
        items = [item()]
        while self.accept(separator):
            items.append(item())
        return items


class Parser(Reader):
    """One text. Names may be used before they are declared, so references come last."""

    def parse(self):
        self.meshes, self.tensors, self.aliases, self.storages = {}, {}, {}, []
        references = []
        while self.peek():
            word = self.take()
            if word == "mesh":
                self.mesh()
            elif word == "tensor":
                self.tensor()
            elif word == "alias":
                name = self.symbol()
                self.expect("=")
                self.aliases[name] = self.symbol()
            elif word in ("source", "target") and self.accept("storage"):
                references.append(self.storage(word))
            elif word in ("source", "target"):
                references.append(self.side(word))
            else:
                raise ValueError(f"unknown statement '{word}'")
        for resolve in references:
            resolve()
        return Module(list(self.meshes.values()), list(self.tensors.values()),
                      self.storages, self.aliases)

    def mesh(self):
        name = self.symbol()
        self.expect("=")
        axes = self.listed("[", "]", self.axis_size)
        ranks = list(range(prod(size for _, size in axes)))
        if self.accept("ranks"):
            ranks = [rank for span in self.listed("[", "]", self.span) for rank in span]
        self.meshes[name] = Mesh(name, axes, ranks)

    def axis_size(self):
        name = self.take()
        self.expect("=")
        return name, self.integer()

    def span(self):
        begin = self.integer()
        return range(begin, self.integer()) if self.accept(":") else [begin]

    def tensor(self):
        name = self.symbol()
        self.expect(":")
        dtype = self.take()
        factors = self.listed("[", "]", lambda: self.separated(self.integer, "*"))
        scales = None
        if self.accept("scales"):
            scales = self.symbol()
            self.expect("block")
            scales = (scales, self.listed("[", "]", self.integer))
        tensor = Tensor(name, dtype, [prod(dim) for dim in factors], None, [])
        tensor.factors, tensor.scales = factors, scales
        self.tensors[name] = tensor

    def side(self, role):
        name = self.symbol()
        dtype = self.take() if self.accept(":") else None
        self.expect("on")
        mesh = self.symbol()
        dims, placements, reduction, axes = None, None, None, []
        if self.accept("split"):
            dims = self.listed("[", "]", self.cuts)
        elif self.accept("placements"):
            placements = self.listed("[", "]", self.placement)
        if self.accept("partial"):
            reduction, axes = self.partial()

        def resolve():
            tensor = self.tensors[self.aliases.get(name, name)]
            side = Side(dtype or tensor.dtype, self.meshes[mesh],
                        dims or [[] for _ in tensor.shape], reduction, axes)
            side.alias = name if name in self.aliases else None
            if placements is not None:
                place_axes(side, placements)
            if role == "source":
                set_source(tensor, side)
            else:
                tensor.targets.append(side)
        return resolve

    def placement(self):
        """(word, operands)"""
        word = self.take()
        return word, self.listed("(", ")", self.take) if self.peek() == "(" else []

    def partial(self):
        self.expect("<")
        operation = self.take()
        self.expect(">")
        return operation, self.listed("{", "}", self.take)

    def cuts(self):
        return self.listed("{", "}", self.split)

    def split(self):
        rule = "chunk"
        if self.peek() in RULES and self.peek(1) == "(":
            rule = self.take()
            self.expect("(")
        split = Split(rule, self.separated(self.axis, "*"))
        if rule in ("strided", "cyclic"):
            self.expect(",")
            split.factor = self.integer()
        elif rule == "sizes":
            self.expect(",")
            split.sizes = self.listed("[", "]", self.integer)
        if rule != "chunk":
            self.expect(")")
        return split

    def axis(self):
        name = self.take()
        if not self.accept(":"):
            return AxisRef(name)
        self.expect("(")
        before = self.integer()
        self.expect(")")
        return AxisRef(name, before, self.integer())

    def storage(self, role):
        name = self.symbol()
        self.expect(":")
        dtype = self.take()
        dims = self.listed("[", "]", lambda: self.separated(self.part, "|"))
        self.expect("on")
        mesh = self.symbol()
        cuts, reduction, axes = None, None, []
        if self.accept("split"):
            cuts = self.listed("[", "]", lambda: self.separated(self.cuts, "|"))
        if self.accept("partial"):
            reduction, axes = self.partial()
        views = []
        self.expect("{")
        while not self.accept("}"):
            self.expect("view")
            spelling = self.symbol()
            views.append((spelling, self.listed("[", "]", self.entry)))
        cuts = cuts or [[[] for _ in parts] for parts in dims]

        def resolve():
            storage = Storage(role, name, dtype, self.meshes[mesh], dims, cuts,
                              [View(self.aliases.get(spelling, spelling), spelling, entries)
                               for spelling, entries in views], reduction, axes)
            self.storages.append(storage)
            for view in storage.views if role == "source" else []:
                set_source(self.tensors[view.tensor], storage)
        return resolve

    def part(self):
        repeat = None
        if self.peek().isdigit() and self.peek(1) == "x":
            repeat = self.integer()
            self.expect("x")
        if self.peek() != "(":
            return Part([self.run()], bare=True)
        return Part(self.listed("(", ")", self.run, "|"), repeat)

    def run(self):
        name = None
        if not self.peek().isdigit():
            name = self.take()
            self.expect(":")
        return Run(name, self.integer())

    def entry(self):
        if self.peek().isdigit():
            return Entry(fixed=self.integer())
        run = None
        if self.peek(1) == ":":
            run = self.take()
            self.expect(":")
        factors = self.separated(self.factor, "*")
        table = None
        if self.accept("table"):
            table = self.listed("[", "]", self.integer)
        return Entry(run=run, factors=factors, table=table)

    def factor(self):
        word = self.take()
        if not re.fullmatch(r"d\d+", word):
            raise ValueError(f"expected an index of the tensor, got '{word}'")
        if not self.accept("["):
            return Factor(int(word[1:]))
        begin = self.integer()
        self.expect(":")
        end = self.integer()
        self.expect("]")
        return Factor(int(word[1:]), begin, end)


def set_source(tensor, source):
    if tensor.source is not None:
        raise ValueError(f"tensor '{tensor.name}' has two sources")
    tensor.source = source


def place_axes(side, placements):
    """PyTorch's spelling: one placement for each axis of the mesh, cutting in mesh order."""
    for (axis, _), (word, operands) in zip(side.mesh.axes, placements):
        if word == "shard":
            side.dims[int(operands[0])].append(Split("chunk", [AxisRef(axis)]))
        elif word == "strided_shard":
            side.dims[int(operands[0])].append(Split("strided", [AxisRef(axis)], int(operands[1])))
        elif word == "partial":
            side.reduction = operands[0]
            side.partial_axes.append(axis)


def parse(text):
    return Parser(text).parse()
