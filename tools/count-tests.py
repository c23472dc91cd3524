#!/usr/bin/env python3
"""Adds up test results: count-tests.py RESULTS.xml:EXIT_STATUS...

Reads the JUnit files that lit and ctest write. A runner that failed without naming a failed test
(it crashed, timed out or found no tests) counts as one failure. Prints the names of failed and
skipped tests, then `N passed, N failed`, and exits with 0 only if some passed and none failed.
"""
import sys
import xml.etree.ElementTree as ElementTree


def main(arguments):
    passed = failed = 0
    for argument in arguments:
        path, _, status = argument.rpartition(":")
        runner_passed, runner_failed = count(path)
        if runner_failed == 0 and (status != "0" or runner_passed == 0):
            print(f"failed: {path}: {runner_passed} tests passed, but the runner's exit status is "
                  f"{status}")
            runner_failed = 1
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
    for case in cases:
        name = f"{case.get('classname', '')} {case.get('name')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {name}")
        elif case.find("skipped") is not None:
            reason = case.find("skipped").get("message") or "no reason given"
            print(f"skipped: {name}: {reason}")
        else:
            passed += 1
    return passed, failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
