# RUN: %python %s --xfer-opt %xfer-opt --count 400
"""Storages with one mistake: `xfer-opt` must refuse exactly those that break a rule.

Texts of random storages are damaged in one place; the rules, checked by the oracle element by
element, say whether the text is still good. Numbers that are too large for the oracle to follow
must be refused or accepted without a crash.
"""
import argparse
import re
import sys
from random import Random

import storage_rules
import tool
from declarations import parse
from storage_generate import random_storage_module

NUMBER = re.compile(r"(?<![\w.@$-])\d+(?![\w.$-])")


def damage(random, statement):
    """One change to a storage's dimensions or views, or None if there is nothing to change."""
    header, body = statement.split(" {\n", 1)
    views = body.split("\n")[:-1]
    kind = random.random()
    if kind < 0.1:
        del views[random.randrange(len(views))]
    elif kind < 0.2:
        views.insert(random.randrange(len(views)), random.choice(views))
    elif kind < 0.3:
        words = [("zero:", "pad:"), ("r0", "r1"), ("r1", "r0"), ("d0", "d1"), ("d1", "d0"),
                 ("d1", "d2"), ("pad:", "r7:"), ("unused:", "pad:"), ("r0:", ""), (" | ", ", ")]
        old, new = random.choice(words)
        at = random.randrange(len(views) + 1)
        if at == len(views):
            before, dims, after = split_header(header)
            header = before + dims.replace(old, new, 1) + after
        else:
            views[at] = views[at].replace(old, new, 1)
    elif kind < 0.4:
        at = random.randrange(len(views))
        name, entries = views[at].rstrip("]").split(" [", 1)
        entries = re.split(r", (?![^\[]*\])", entries)
        random.shuffle(entries)
        views[at] = f"{name} [{', '.join(entries)}]"
    elif kind < 0.7:
        before, dims, after = split_header(header)
        dims = changed_number(random, dims)
        header = before + dims + after
    else:
        at = random.randrange(len(views))
        name, entries = views[at].split(" [", 1)
        views[at] = f"{name} [{changed_number(random, entries)}"
    return header + " {\n" + "\n".join(views) + "\n}"


def split_header(header):
    begin = header.index("[") + 1
    end = header.index("] on @")
    return header[:begin], header[begin:end], header[end:]


def changed_number(random, text):
    found = list(NUMBER.finditer(text))
    if not found:
        return text
    number = random.choice(found)
    value = int(number.group())
    changed = random.choice([value + 1, max(0, value - 1), value * 2, 0, 1, value + 3])
    return text[:number.start()] + str(changed) + text[number.end():]


def enlarge(random, statement):
    found = list(NUMBER.finditer(statement))
    number = random.choice(found)
    value = random.choice([1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, 10**30])
    return statement[:number.start()] + str(value) + statement[number.end():]


def is_split_error(errors):
    """Damaged extents may leave cuts that do not fit: not what is tested here."""
    return any(word in errors for word in ("'exact", "'sizes", "exact(", "sizes("))


def check_module(xfer_opt, seed, times):
    random = Random(seed)
    module = random_storage_module(random, families=2)
    module.tensors = [tensor for tensor in module.tensors if not tensor.name.startswith("plain")]
    problems, refused, accepted = [], 0, 0
    for _ in range(times):
        number = random.randrange(len(module.storages))
        huge = random.random() < 0.15
        statements = module.statements()
        at = len(statements) - len(module.storages) + number
        original = statements[at]
        statements[at] = (enlarge if huge else damage)(random, original)
        text = "\n".join(statements) + "\n"
        status, _, raw = tool.attempt([xfer_opt, "-", "-o", "/dev/null"], text.encode(), timeout=20)
        errors = raw.decode(errors="replace")
        place = f"seed {seed}:\n{original}\nbecame\n{statements[at]}\n"
        if status not in (0, 1) or (status == 1 and "error: " not in errors):
            problems.append(f"{place}exit status {status}: {errors[:500]}")
        if huge or (status == 1 and is_split_error(errors)):
            continue
        try:
            wrong = storage_rules.problems(parse(text))
        except ValueError as error:
            wrong = [str(error)]
        refused, accepted = refused + (status == 1), accepted + (status == 0)
        if bool(wrong) != (status == 1):
            problems.append(f"{place}the oracle says {wrong[:2] or 'good'}, xfer-opt says: "
                            f"{errors[:600] or 'good'}")
    return problems, refused, accepted


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xfer-opt", required=True)
    parser.add_argument("--count", type=int, default=400, help="damaged texts, about")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    times, failed, refused, accepted = 20, 0, 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.count // times):
        problems, no, yes = check_module(arguments.xfer_opt, seed, times)
        refused, accepted = refused + no, accepted + yes
        failed += len(problems)
        for problem in problems[:3]:
            print("FAILED: " + problem, flush=True)
        if failed > 10:
            break
    print(f"{refused} damaged storages refused, {accepted} good ones accepted, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
