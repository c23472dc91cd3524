# RUN: %python %s --xfer-opt %xfer-opt --count 12
# RUN: %python %s --xfer-opt %xfer-opt --count 6 --storages
"""What must hold of compilation whatever the plan: the properties that let every rank compile
its own program from the same text.

For each random module and pipeline:
- the same text gives the same bytes, as text and as a plan;
- `--rank N` gives exactly rank N's program of the whole job, for every N, and a plan with the
  same digest;
- the text after any pass, read back in, gives the same final text;
- printed text is a fixed point of parsing and printing;
- one text or several files, tidy or not, give the same module.
"""
import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

import tool
from generate import random_module
from lowered_text import program_sections
from random_test import random_pipeline
from storage_generate import random_storage_module


DIGEST_FIELD = 4  # of table Plan in runtime/schema/plan.fbs


class Compiler:
    """xfer-opt with one pipeline."""

    def __init__(self, xfer_opt, pipeline):
        self.xfer_opt = xfer_opt
        self.passes = split_pipeline(pipeline)

    def run(self, text, *options):
        return tool.run([self.xfer_opt, "-", *options], text)

    def lower(self, text, first=0, last=None, *options):
        passes = ",".join(self.passes[first:last])
        return self.run(text, "--pass-pipeline=" + passes, *options) if passes else text


def split_pipeline(pipeline):
    """At commas outside braces."""
    passes, depth = [""], 0
    for character in pipeline:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            passes.append("")
        else:
            passes[-1] += character
    return passes


def default_pipeline(xfer_opt, text):
    """As `--print-pipeline` prints it."""
    _, _, errors = tool.attempt([xfer_opt, "-", "--default-pipeline", "--print-pipeline",
                                 "-o", "/dev/null"], text)
    lines = [line for line in errors.decode().splitlines() if "build-routes" in line]
    return lines[0][lines[0].index("build-routes"):].strip()


def check(condition, text):
    return [] if condition else [text]


def check_determinism(compiler, text, whole):
    plan = compiler.run(text, "--pass-pipeline=" + ",".join(compiler.passes), "--emit=plan")
    again = compiler.run(text, "--pass-pipeline=" + ",".join(compiler.passes), "--emit=plan")
    return (check(compiler.lower(text) == whole, "two compilations differ")
            + check(plan == again, "two emitted plans differ")
            + check(plan[4:8] == b"XFER", f"the plan's identifier is {plan[4:8]!r}"))


def digest(plan):
    """The field `digest` of the plan's root table: what ranks compare before they connect."""
    def integer(at, size, signed=False):
        return int.from_bytes(plan[at:at + size], "little", signed=signed)
    root = integer(0, 4)
    fields = root - integer(root, 4, signed=True)
    offset = integer(fields + 4 + 2 * DIGEST_FIELD, 2)
    return integer(root + offset, 8)


def check_digests(compiler, module, text, ranks):
    """Equal for every rank and spelling; another pipeline or module gives another."""
    pipeline = "--pass-pipeline=" + ",".join(compiler.passes)

    def emitted(text, *options):
        return digest(compiler.run(text, "--emit=plan", *options))
    expected = emitted(text, pipeline)
    found = {emitted(text, pipeline, "--rank", str(rank)) for rank in ranks[:3]}
    found.add(emitted(untidy(module), pipeline))
    others = {emitted(text, pipeline.replace("form-buckets", "form-buckets{max-bytes=77}", 1)
                      if "form-buckets{" not in pipeline else "--default-pipeline"),
              emitted(text + b"mesh @one-more = [a=1]\n", pipeline)}
    return (check(found == {expected}, f"digests {found}, expected {expected}")
            + check(expected not in others, "another job has the same digest"))


def check_ranks(compiler, text, whole, ranks):
    sections = program_sections(whole.decode())
    problems = check(set(sections) == set(ranks),
                     f"programs of ranks {sorted(sections)}, expected {sorted(ranks)}")
    for rank in sorted(sections):
        alone = compiler.lower(text, 0, None, "--rank", str(rank)).decode()
        got = program_sections(alone)
        problems += check(set(got) == {rank}, f"--rank {rank} printed programs of {sorted(got)}")
        problems += check(got.get(rank) == sections[rank],
                          f"--rank {rank} gives\n{got.get(rank)}the whole job gives\n"
                          f"{sections[rank]}")
    return problems


def check_stages(compiler, text, whole):
    problems, stage = [], compiler.run(text)
    for number in range(len(compiler.passes) + 1):
        name = compiler.passes[number - 1] if number else "parsing"
        problems += check(compiler.run(stage) == stage, f"after {name}: printing is no fixed point")
        problems += check(compiler.lower(stage, number) == whole,
                          f"after {name}: the rest of the pipeline gives another text")
        stage = compiler.lower(stage, number, number + 1)
    return problems


def untidy(module):
    lines = [statement.replace(" ", " // , }{\n ") for statement in module.statements()]
    return ("\r\n\t".join(lines) + "\r\n").encode()


def check_spelling(compiler, module, canonical):
    """Several files and untidy white space are the same text."""
    statements = module.statements()
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / "a.xfer", Path(name) / "b.xfer"]
        # Declarations out of order; the first statements come first so that order is kept.
        half = len(statements) // 2
        paths[0].write_text("\n".join(statements[:half]) + "\n// no newline at the end")
        paths[1].write_text("\n".join(statements[half:]) + "\n" + statements[0])
        several = tool.run([compiler.xfer_opt, *paths])
    return (check(compiler.run(untidy(module)) == canonical, "untidy text gives another module")
            + check(several == canonical, "two files give another module"))


def check_module(xfer_opt, seed, storages):
    random = Random(seed)
    if storages:
        module = random_storage_module(random, families=random.choice([1, 3]))
    else:
        module = random_module(random, num_tensors=random.choice([1, 6, 16]))
    text = module.text().encode()
    problems = []
    for pipeline in (default_pipeline(xfer_opt, text), random_pipeline(random)):
        compiler = Compiler(xfer_opt, pipeline)
        try:
            whole = compiler.lower(text)
            found = check_determinism(compiler, text, whole)
            found += check_ranks(compiler, text, whole, module.ranks())
            found += check_digests(compiler, module, text, module.ranks())
            found += check_stages(compiler, text, whole)
            found += check_spelling(compiler, module, compiler.run(text))
        except tool.ToolFailure as failure:
            found = [str(failure)]
        if found:
            problems += [f"FAILED: seed {seed}, pipeline {pipeline}"] + found[:5]
    if problems:
        problems.append(module.text())
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--count", type=int, default=12, help="random modules")
    parser.add_argument("--storages", action="store_true", help="fused and permuted tensors")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        problems = check_module(arguments.xfer_opt, seed, arguments.storages)
        if problems:
            failed += 1
            print("\n".join(problems), flush=True)
        if failed == 3:
            break
    print(f"{arguments.count} modules, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
