#!/usr/bin/env python3
"""Adds up test results: count-tests.py FOLDER RUNNER=EXIT_STATUS...

Of each runner reads FOLDER/RUNNER.xml, the JUnit file that lit and ctest write, and FOLDER/RUNNER.log.
A runner that failed without naming a failed test (it crashed, timed out or found no tests) counts as
one failure. Prints what failed tests said and which were skipped and why, then `N passed, N failed`;
exits with 0 only if every runner passed some test and none failed.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree

MAX_LINES = 60  # of the output of one failed test


def main(arguments):
    folder, *runners = arguments
    passed = failed = 0
    for runner in runners:
        name, _, status = runner.partition("=")
        runner_passed, runner_failed = count(os.path.join(folder, name + ".xml"))
        if runner_failed == 0 and (status != "0" or runner_passed == 0):
            runner_failed = 1
            print(f"failed: {name}: exit status {status}, {runner_passed} tests passed")
            with open(os.path.join(folder, name + ".log"), errors="replace") as log:
                print_last_lines(log.read())
        passed += runner_passed
        failed += runner_failed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


def count(path):
    """(passed, failed) of one file; a file that cannot be read holds none."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return 0, 0
    passed = failed = 0
    skipped = {}
    for case in cases:
        name = "/".join(dict.fromkeys((case.get("classname", ""), case.get("name", ""))))
        failure = case.find("failure")
        if failure is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {name}")
            print_last_lines(case.findtext("system-out") or case.findtext("failure") or "")
        elif case.find("skipped") is not None:
            said = case.findtext("system-out") or case.find("skipped").get("message") or ""
            skipped.setdefault(reason(said), []).append(name)
        else:
            passed += 1
    for why, names in skipped.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        print(f"skipped: {names[0]}{more}: {why}")
    return passed, failed


def reason(said):
    """GoogleTest says why in the line after the place of the skip."""
    lines = said.strip().splitlines()
    for i, line in enumerate(lines[:-1]):
        if line.endswith(": Skipped"):
            return lines[i + 1]
    return lines[-1] if lines else "no reason given"


def print_last_lines(text):
    for line in text.strip().splitlines()[-MAX_LINES:]:
        print("    " + line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
