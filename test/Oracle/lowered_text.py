"""Reads lowered text, just enough to check it from outside the compiler.

Entry points: read_routes, read_programs, program_sections. Not a validator: text that the
compiler could not have printed raises ValueError.
"""
import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

LARGEST = 1 << 20  # more elements than any test has
TOKENS = re.compile(r"\d+|->|[a-z_][a-z_0-9]*|[\[\]{}:,]")


@dataclass
class Route:
    tensor: str
    region: Tuple[Tuple[int, ...], ...]  # the global indices of each dimension
    groups: List[List[int]]              # candidates, each a list of contributors
    reduction: Optional[str]
    destinations: List[int]
    copy: int = 0                        # which of the targets that the destinations hold


@dataclass
class Ends:
    contributors: List[int]  # in fold order
    reduction: Optional[str]
    sender: int
    destinations: List[int]

    def key(self):
        return (tuple(self.contributors), self.reduction, self.sender, tuple(self.destinations))


@dataclass
class Chunk:
    tensor: str
    region: Tuple[Tuple[int, ...], ...]
    source: Optional[List[int]]  # the local elements read, in order
    target: Optional[List[int]]
    offset: int
    copy: int


@dataclass
class Bucket:
    ordinal: int
    transport: str
    ends: Ends
    roles: List[str]
    size: int
    chunks: List[Chunk]


class Reader:
    def __init__(self, text):
        self.tokens = TOKENS.findall(text)
        self.next = 0

    def peek(self):
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def accept(self, token):
        if self.peek() != token:
            return False
        self.next += 1
        return True

    def expect(self, token):
        if not self.accept(token):
            raise ValueError(f"expected '{token}', got '{self.peek()}' in {self.tokens}")

    def integer(self):
        token = self.peek()
        if token is None or not token.isdigit():
            raise ValueError(f"expected an integer, got '{token}' in {self.tokens}")
        self.next += 1
        return int(token)

    def listed(self, opening, closing, item):
        self.expect(opening)
        items = []
        while not self.accept(closing):
            if items:
                self.expect(",")
            items.append(item())
        return items

    def span(self):
        begin = self.integer()
        if not self.accept(":"):
            return [begin]
        end = self.integer()
        if end - begin > LARGEST:
            raise ValueError(f"span {begin}:{end} is too large")
        return list(range(begin, end))

    def ranks(self, opening="[", closing="]"):
        return [rank for span in self.listed(opening, closing, self.span) for rank in span]

    def segment(self):
        run = self.span()
        if not self.accept("by"):
            return run
        stride = self.integer()
        self.expect("x")
        count = self.integer()
        if count * len(run) > LARGEST:
            raise ValueError("segment too large")
        return [index + i * stride for i in range(count) for index in run]

    def dimension(self):
        if self.peek() == "{":
            return tuple(sorted(i for part in self.listed("{", "}", self.segment) for i in part))
        return tuple(self.segment())

    def region(self):
        return tuple(self.listed("[", "]", self.dimension))

    def groups(self):
        """One or more groups: `0`, `0:4` or `{0, 2} sum`; and the reduction."""
        if self.peek() != "{":
            return [[rank] for rank in self.span()], None
        ranks = self.ranks("{", "}")
        self.next += 1
        return [ranks], self.tokens[self.next - 1]

    def candidates(self):
        if not self.accept("any"):  # a lone candidate is chosen
            return self.groups()
        groups, reduction = [], None
        for more, found in self.listed("[", "]", self.groups):
            groups += more
            reduction = found
        return groups, reduction

    def ends(self):
        if self.peek() == "{":
            contributors = self.ranks("{", "}")
            reduction = self.tokens[self.next]
            self.next += 1
            self.expect("via")
            sender = self.integer()
        else:
            sender, reduction = self.integer(), None
            contributors = [sender]
        self.expect("->")
        return Ends(contributors, reduction, sender, self.ranks())

    def strided(self, role):
        """The elements that `role` touches, or None."""
        if not self.accept(role):
            return None
        self.expect("offset")
        elements = [self.integer()]
        self.expect("sizes")
        sizes = self.listed("[", "]", self.integer)
        self.expect("strides")
        strides = self.listed("[", "]", self.integer)
        if len(sizes) != len(strides):
            raise ValueError(f"{len(sizes)} sizes, but {len(strides)} strides")
        for size, stride in zip(sizes, strides):
            if len(elements) * size > LARGEST:
                raise ValueError("region too large")
            elements = [element + i * stride for element in elements for i in range(size)]
        return elements

    def copy(self):
        return self.integer() if self.accept("copy") else 0

    def word(self):
        self.next += 1
        return self.tokens[self.next - 1]


def read_programs(text):
    """rank -> window index -> buckets, for a module that is lowered to windows."""
    programs, windows, buckets, chunks = {}, None, None, None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("program rank "):
            windows = programs.setdefault(int(line.split()[2]), {})
        elif line.startswith("window "):
            buckets = windows.setdefault(int(line.split()[1]), [])
        elif line.startswith("bucket "):
            reader = Reader(line.replace("roles(", "roles{").replace(")", "}"))
            reader.expect("bucket")
            ordinal, transport, ends = reader.integer(), reader.word(), reader.ends()
            reader.expect("roles")
            roles = reader.listed("{", "}", reader.word)
            reader.expect("bytes")
            chunks = []
            buckets.append(Bucket(ordinal, transport, ends, roles, reader.integer(), chunks))
        elif line.startswith("chunk "):
            _, symbol, rest = line.split(" ", 2)
            reader = Reader(rest)
            region, copy = reader.region(), reader.copy()
            source, target = reader.strided("source"), reader.strided("target")
            reader.expect("at")
            chunks.append(Chunk(symbol[1:], region, source, target, reader.integer(), copy))
    return programs


def read_routes(text):
    """Every route before select-sources, in order."""
    routes = []
    for line in text.splitlines():
        if line.startswith("route "):
            _, symbol, rest = line.split(" ", 2)
            reader = Reader(rest)
            region, copy = reader.region(), reader.copy()
            groups, reduction = reader.candidates()
            reader.expect("->")
            routes.append(Route(symbol[1:], region, groups, reduction, reader.ranks(), copy))
            if reader.peek() is not None:
                raise ValueError(f"unexpected '{reader.peek()}' in {line}")
    return routes


def program_sections(text):
    """rank -> the text of its program."""
    return {int(rank): body for body, rank in re.findall(
        r"^(program rank (\d+) \{\n.*?^\}\n)", text, re.MULTILINE | re.DOTALL)}
