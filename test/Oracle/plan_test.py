# RUN: %python %s --xfer-opt %xfer-opt --count 30
# RUN: %python %s --xfer-opt %xfer-opt --count 12 --storages
"""Checks finished plans from outside the compiler, and that `--verify-plan` would notice.

Each random module is lowered; the oracle checks the printed programs element
by element. Then the text is damaged in one place at a time: whatever damage the
oracle sees, `xfer-opt --verify-plan` must refuse, and nothing may crash it.
"""
import argparse
import difflib
import re
import sys
from random import Random

import tool
from generate import random_module
from plan_rules import plan_problems
from random_test import LEAST_STAGING, random_pipeline
from storage_generate import random_storage_module

LOWERED = re.compile(r"^\s*(program|window|bucket|chunk) |^\s*\}")


def damage(random, lines):
    """One change to one lowered line, or None if it would change nothing."""
    lines = list(lines)
    numbers = [i for i, line in enumerate(lines) if LOWERED.match(line)]
    at = random.choice(numbers)
    kind = random.random()
    if kind < 0.08:
        del lines[at]
    elif kind < 0.16:
        lines.insert(at, lines[at])
    elif kind < 0.24:
        other = random.choice(numbers)
        lines[at], lines[other] = lines[other], lines[at]
    elif kind < 0.32:
        words = [("p2p", "local"), ("p2p", "broadcast"), ("local", "p2p"), ("none", "p2p"),
                 ("source", "target"), ("target", "source"), ("sum", "max"), ("roles(source)",
                                                                              "roles(target)")]
        old, new = random.choice(words)
        lines[at] = lines[at].replace(old, new, 1)
    else:
        found = list(re.finditer(r"(?<![\w.$@-])\d+(?![\w.$-])", lines[at]))
        if not found:
            return None
        number = random.choice(found)
        value = int(number.group())
        changed = random.choice([value + 1, max(0, value - 1), value * 2, 0, 1, value + 8,
                                 1 << 40, (1 << 63) - 1, int(random.choice(found).group())])
        lines[at] = lines[at][:number.start()] + str(changed) + lines[at][number.end():]
    return lines


def is_wrong(module, text):
    try:
        return plan_problems(module, text)
    except (ValueError, KeyError, IndexError, MemoryError, AttributeError) as error:
        return [f"malformed: {error!r}"]


def check_damage(xfer_opt, random, module, lowered, times):
    problems, refused = [], 0
    original = lowered.splitlines()
    for _ in range(times):
        lines = damage(random, original)
        if lines is None or lines == original:
            continue
        text = "\n".join(lines) + "\n"
        wrong = is_wrong(module, text)
        status, _, errors = tool.attempt([xfer_opt, "-", "--verify-plan", "-o", "/dev/null"],
                                         text.encode(), timeout=20)
        refused += status == 1
        if status not in (0, 1) or (status == 1 and b"error: " not in errors):
            problems.append((f"exit status {status}: {errors.decode()[:500]}", text))
        elif status == 0 and wrong:
            problems.append((f"accepted, but: {wrong[0]}\n"
                             + difference(original, lines), text))
    return problems, refused


def difference(original, changed):
    return "\n".join(difflib.unified_diff(original, changed, "good", "damaged", lineterm="", n=0))


def check_module(xfer_opt, seed, times, storages):
    random = Random(seed)
    if storages:
        module = random_storage_module(random, families=random.choice([1, 2]), world=8)
    else:
        module = random_module(random, num_tensors=random.choice([1, 3, 12]), max_elements=48)
    problems, refused = [], 0
    staging = random.randint(LEAST_STAGING, 6000)
    for options, budget in ((["--default-pipeline"], None),
                            (["--pass-pipeline", random_pipeline(random)], None),
                            ([f"--default-pipeline=staging-bytes={staging}"], staging)):
        try:
            lowered = tool.run([xfer_opt, "-", *options], module.text().encode()).decode()
        except tool.ToolFailure as failure:
            return [f"seed {seed}: {failure}", module.text()], 0
        found = plan_problems(module, lowered, budget)
        if found:
            return [f"seed {seed} {options}: " + "\n".join(found[:5]), module.text(), lowered], 0
        found, seen = check_damage(xfer_opt, random, module, lowered, times)
        refused += seen
        if found:
            problem, text = min(found, key=lambda entry: len(entry[1]))
            problems += [f"seed {seed} {options}: {problem}"] + ([text] if len(text) < 3000 else [])
    return problems, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--count", type=int, default=30, help="random modules")
    parser.add_argument("--damage", type=int, default=20, help="damaged texts for each lowering")
    parser.add_argument("--storages", action="store_true", help="fused and permuted tensors")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed, refused = 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        problems, seen = check_module(arguments.xfer_opt, seed, arguments.damage, arguments.storages)
        refused += seen
        if problems:
            failed += 1
            print("FAILED: " + "\n".join(problems), flush=True)
        if failed == 5:
            break
    print(f"{arguments.count} modules, {refused} damaged plans refused, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
